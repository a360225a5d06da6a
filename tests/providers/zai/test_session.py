"""What is read of a stored Z.AI session."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, Identity, Session
from providers.sandbox.tokens import jwt
from providers.zai.session import is_guest, read_auths, token_name
from tests.providers.zai.accounts import MOMENT, TOKEN, provider, reply, session
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


def test_the_token_has_the_name_it_is_kept_under() -> None:
    assert token_name(Session(provider="zai", account="main")) == "token"
    assert token_name(provider().read_session("main", Credentials(cookies={"token": TOKEN}))) == "cookie:token"


@pytest.mark.parametrize(
    ("email", "guest"),
    [
        ("guest-1700000000@guest.com", True),
        ("Guest-1@Guest.com", True),
        ("guest-1@example.com", False),
        ("ada@guest.com", False),
        ("", False),
    ],
)
def test_guests_are_known_by_their_whole_address(email: str, guest: bool) -> None:
    assert is_guest(email) is guest


# -- the person's own browser -----------------------------------------------------------------------------------------
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0"


@pytest.mark.parametrize(
    ("headers", "facts"),
    [
        ({}, {}),
        ({"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}, {"language": "de-DE", "languages": "de-DE,de,en"}),
        ({"accept-language": "*, fr ;q=0.5"}, {"language": "fr", "languages": "fr"}),
        ({"accept-language": "*"}, {}),
        ({"accept-language": ",".join(["en"] * 99)}, {"language": "en", "languages": ",".join(["en"] * 10)}),
        ({"X-FE-Version": "prod-fe-1.0.1"}, {"client_version": "prod-fe-1.0.1"}),
        ({"x-fe-version": "a b"}, {}),
        ({"User-Agent": FIREFOX}, {"browser_name": "Firefox", "os_name": "Linux"}),
        ({"user-agent": EDGE}, {"browser_name": "Edge", "os_name": "Windows"}),
        ({"user-agent": "curl/8"}, {"browser_name": "Unknown", "os_name": "Unknown"}),
    ],
)
def test_what_a_captured_browser_says_of_itself_is_known(headers: dict[str, str], facts: dict[str, str]) -> None:
    found = provider().read_session("main", Credentials(token=TOKEN, headers=headers))
    assert found.facts == {"user_id": "user-1", "email": "person@example.com", **facts}


# -- whose it is ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("told", "token"),
    [
        ({"id": "user-1", "name": "Ada", "email": "a@b.example", "token": "new"}, "new"),
        ({"user": {"id": "user-1", "name": "Ada", "email": "a@b.example", "token": "new"}}, "new"),
        ({"token": "outer", "user": {"id": "user-1", "name": "Ada", "email": "a@b.example", "token": "in"}}, "outer"),
        ({"id": "user-1", "name": "Ada", "email": "a@b.example"}, ""),
    ],
)
def test_the_site_names_the_person_and_may_give_a_new_token(told: dict[str, Any], token: str) -> None:
    assert read_auths(reply(told), session()) == (Identity("user-1", "Ada", "a@b.example"), token)


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        ({"id": "g", "email": "Guest-17@guest.com"}, ErrorKind.SESSION_EXPIRED, "it answers as a guest."),
        ({"id": "user-1", "role": "guest"}, ErrorKind.SESSION_EXPIRED, "it answers as a guest."),
        (
            {"id": "user-2", "email": "x@y.example"},
            ErrorKind.SESSION_EXPIRED,
            "it answers as another user than the stored one.",
        ),
        ({"email": "x@y.example"}, ErrorKind.PROVIDER_DOWN, "did not say whose session this is"),
        ([], ErrorKind.PROVIDER_DOWN, "did not say whose session this is"),
    ],
)
def test_anybody_else_is_none_of_ours(told: Any, kind: ErrorKind, words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read_auths(reply(told), session())
    assert caught.value.kind is kind
    assert words in caught.value.message
