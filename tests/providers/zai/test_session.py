"""What is read of a stored Z.AI session."""

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials
from providers.sandbox.tokens import jwt
from tests.providers.zai.accounts import MOMENT, TOKEN, provider
from tests.support.calls import seen


@pytest.mark.parametrize(
    "material",
    [
        pytest.param(Credentials(), id="nothing"),
        pytest.param(Credentials(token="not a token"), id="no JWT"),
        pytest.param(Credentials(token="a.b.c"), id="three parts of nothing"),
        pytest.param(Credentials(token=jwt({"email": "x@y"})), id="no user"),
        pytest.param(Credentials(token=jwt({"id": "g", "email": "guest-1@guest.com"})), id="a guest"),
    ],
)
def test_secrets_that_cannot_serve(material: Credentials) -> None:
    with pytest.raises(ProviderError) as caught:
        provider().read_session("main", material)
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
    assert "chat.z.ai" in caught.value.message
    assert not any(value in caught.value.message for value in material.values().values())


def test_the_token_may_be_a_cookie() -> None:
    found = provider().read_session("main", Credentials(cookies={"token": TOKEN, "acw_tc": "edge"}))
    call = seen(next(provider().list_models(found, MOMENT)))
    headers = dict(call.headers)
    assert headers["Authorization"] == "Bearer ~sealed~zai~main~cookie:token~"
    assert headers["Cookie"] == "acw_tc=~sealed~zai~main~cookie:acw_tc~"
