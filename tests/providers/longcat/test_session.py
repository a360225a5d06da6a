"""What is read of a stored LongCat session, and how it goes out."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials
from tests.providers.longcat.accounts import COOKIES, MOMENT, provider, session, turn_in
from tests.support.calls import seen


@pytest.mark.parametrize(
    ("material", "cookie"),
    [
        pytest.param(
            COOKIES,
            "passport_token_key=~sealed~longcat~main~cookie:passport_token_key~; "
            "_lxsdk_s=~sealed~longcat~main~cookie:_lxsdk_s~",
            id="cookies",
        ),
        pytest.param({"token": "v"}, "passport_token_key=~sealed~longcat~main~token~", id="token"),
        pytest.param(
            {"token": "v", "cookies": {"passport_token_key": "", "a": "b"}},
            "passport_token_key=~sealed~longcat~main~token~; a=~sealed~longcat~main~cookie:a~",
            id="token-and-other-cookies",
        ),
        pytest.param({"token": "v=="}, "passport_token_key=~sealed~longcat~main~token~", id="a-value-with-padding"),
        pytest.param({"token": "passport_token_key=v"}, "~sealed~longcat~main~token~", id="the-pair-pasted"),
        pytest.param(
            {"cookies": {"_lxsdk_s": "w", "passport_token_key": "passport_token_key=v=="}},
            "~sealed~longcat~main~cookie:passport_token_key~; _lxsdk_s=~sealed~longcat~main~cookie:_lxsdk_s~",
            id="the-pair-as-the-cookie",
        ),
        pytest.param(
            {"token": "_lxsdk_cuid=1; passport_token_key=v; empty=;"},
            "~sealed~longcat~main~token~",
            id="all-cookies-pasted",
        ),
    ],
)
def test_the_sign_in_goes_out_as_the_cookie_it_is(material: dict[str, Any], cookie: str) -> None:
    call = seen(turn_in("c-1", session(**material)).call(MOMENT))
    assert dict(call.headers)["cookie"] == cookie


@pytest.mark.parametrize(
    "material",
    [
        pytest.param(Credentials(), id="nothing"),
        pytest.param(Credentials(token="two words"), id="white-space"),
        pytest.param(Credentials(token="a; b=c"), id="other-cookies-pasted"),
        pytest.param(Credentials(token="passport_token_key="), id="the-pair-without-a-value"),
        pytest.param(Credentials(token='passport_token_key="v"'), id="the-pair-in-quotes"),
        pytest.param(Credentials(token="passport_token_key=two words"), id="the-pair-with-white-space"),
        pytest.param(Credentials(token="passport_token_key=v; passport_token_key="), id="the-pair-twice"),
        pytest.param(Credentials(token="passport_token_key=v\r\nx: y"), id="a-header-of-its-own"),
        pytest.param(Credentials(token="x; passport_token_key=v"), id="no-list-of-cookies"),
        pytest.param(Credentials(cookies={"_lxsdk_s": "w"}), id="only-other-cookies"),
    ],
)
def test_a_session_without_the_cookie_cannot_serve(material: Credentials) -> None:
    with pytest.raises(ProviderError, match="passport_token_key") as caught:
        provider().read_session("main", material)
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
