"""A Qwen session in the person's own browsing: what a call shows of it, and what is still missing."""

import json
from typing import Any

import pytest

from providers.contract.session import Credentials, ObservedExchange
from providers.qwen import data
from providers.qwen.captured_session import REFRESH_WANTED, TOKEN_WANTED, extract, missing
from providers.sandbox.tokens import jwt

TOKEN, NEWER = jwt({"id": "ada"}), jwt({"id": "ada", "n": 2})
GUEST = jwt({"id": "g", "role": "Guest"})
AUTHS = f"{data.AUTH_URL}/api/v2/auths/refresh"


def call(
    url: str = f"{data.BASE_URL}/api/v2/chats/new",
    body: Any = None,
    status: int | None = 200,
    *,
    cookies: tuple[str, ...] = (),
    **headers: str,
) -> ObservedExchange:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ObservedExchange(
        "GET", url, named, status=status, set_cookies=cookies, body=b"" if body is None else json.dumps(body).encode()
    )


def test_a_signed_in_call_shows_token_jar_and_browser() -> None:
    found = extract(call(authorization=f"Bearer {TOKEN}", cookie="cna=1; refresh_token=r", bx_ua="b", x_other="o"))
    assert found is not None
    assert (found.token, dict(found.cookies)) == (TOKEN, {"cna": "1", "refresh_token": "r"})
    assert "bx-ua" in {name.lower() for name in found.headers}
    assert "x-other" not in {name.lower() for name in found.headers}


@pytest.mark.parametrize(
    "seen",
    [
        call(),
        call(cookie="cna=1"),
        call(authorization=f"Bearer {GUEST}"),
        call(authorization=f"Bearer {GUEST}", cookie="refresh_token=r; token=" + GUEST),
        call(cookie=f"token={GUEST}"),
    ],
)
def test_a_guest_or_nobody_shows_nothing(seen: ObservedExchange) -> None:
    assert extract(seen) is None


def test_a_cookie_alone_is_a_session() -> None:
    found = extract(call(cookie="refresh_token=r; a=b"))
    assert found is not None
    assert (found.token, dict(found.cookies)) == (None, {"refresh_token": "r", "a": "b"})


def test_the_newest_cookie_counts() -> None:
    found = extract(call(cookie="refresh_token=old", cookies=("refresh_token=new; Path=/; HttpOnly",)))
    assert found is not None
    assert found.cookies["refresh_token"] == "new"


@pytest.mark.parametrize("name", ["access_token", "accessToken", "token"])
@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"data": body}, lambda body: {"result": body}])
def test_the_answer_of_a_sign_in_shows_the_newer_token(name: str, wrap: Any) -> None:
    found = extract(call(AUTHS, wrap({name: NEWER}), authorization=f"Bearer {TOKEN}"))
    assert found is not None
    assert found.token == NEWER


@pytest.mark.parametrize(
    "seen",
    [
        call(AUTHS, {"token": NEWER}, 401, authorization=f"Bearer {TOKEN}"),
        call(AUTHS, {"token": NEWER}, None, authorization=f"Bearer {TOKEN}"),
        call(AUTHS, {"success": False, "token": NEWER}, authorization=f"Bearer {TOKEN}"),
        call(AUTHS, {"token": GUEST}, authorization=f"Bearer {TOKEN}"),
        call(AUTHS, {"token": 5}, authorization=f"Bearer {TOKEN}"),
        call(AUTHS, ["odd"], authorization=f"Bearer {TOKEN}"),
        call(f"{data.BASE_URL}/api/chats?next=/auths", {"token": NEWER}, authorization=f"Bearer {TOKEN}"),
    ],
)
def test_any_other_answer_does_not(seen: ObservedExchange) -> None:
    found = extract(seen)
    assert found is not None
    assert found.token == TOKEN


@pytest.mark.parametrize(
    ("material", "words"),
    [
        (Credentials(), (TOKEN_WANTED,)),
        (Credentials(token=TOKEN), (REFRESH_WANTED,)),
        (Credentials(token=TOKEN, cookies={"a": "b"}), (REFRESH_WANTED,)),
        (Credentials(token=TOKEN, cookies={"refresh_token": "r"}), ()),
        (Credentials(token=TOKEN, cookies={"token": "t"}), ()),
        (Credentials(cookies={"token": "t"}), ()),
        (Credentials(cookies={"refresh_token": "r"}), ()),
        (Credentials(cookies={"a": "b"}), (TOKEN_WANTED,)),
    ],
)
def test_what_is_missing_is_told(material: Credentials, words: tuple[str, ...]) -> None:
    assert missing(material) == words
