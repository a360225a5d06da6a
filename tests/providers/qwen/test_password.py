"""The sign-in to Qwen by e-mail and password: the call and its predecessor, and every answer to them."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Session, SessionUpdate
from providers.contract.steps import Answer
from providers.qwen.password import NEWEST, OLDER, read_sign_in, with_password
from tests.providers.qwen.accounts import answer, jwt, run

BASE = "https://chat.qwen.ai"
TOKEN = jwt(id="user-1", exp=1_791_063_000)


def asked(*answers: Answer) -> tuple[list[tuple[str, str]], SessionUpdate]:
    """The calls of a sign-in that gets these answers, and its outcome."""
    session = Session("qwen", "me", ("email", "password", "password_sha256"))
    update, calls = run(with_password(session, BASE, lambda: {"accept": "application/json"}), *answers)
    for call in calls:
        assert call.headers == (("accept", "application/json"),)
        said = json.loads(call.body)
        assert set(said) == {"email", "password"}
        assert "password_sha256" in said["password"], "the password itself never goes there"
    return [(call.method, call.url) for call in calls], update


def test_the_newest_call_is_asked_first_and_alone_where_it_answers() -> None:
    calls, update = asked(answer({"success": True, "data": {"token": TOKEN}}))
    assert calls == [("POST", BASE + NEWEST)]
    assert update.token == TOKEN


@pytest.mark.parametrize("status", [404, 405, 410])
def test_the_older_call_is_asked_where_the_newest_is_gone(status: int) -> None:
    calls, update = asked(answer({}, status), answer({"token": TOKEN}))
    assert calls == [("POST", BASE + NEWEST), ("POST", BASE + OLDER)]
    assert update.token == TOKEN


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_refusal_is_not_tried_a_second_time(status: int) -> None:
    with pytest.raises(ProviderError):
        asked(answer({}, status))


@pytest.mark.parametrize("place", ["data", "result", ""])
@pytest.mark.parametrize("name", ["access_token", "accessToken", "token"])
def test_the_token_is_found_at_each_of_its_places(place: str, name: str) -> None:
    body = {place: {name: TOKEN}} if place else {name: TOKEN}
    assert read_sign_in(answer(body)).token == TOKEN


def test_the_newest_places_go_before_the_older_ones() -> None:
    body = {"token": "third", "result": {"token": "second"}, "data": {"token": "first", "access_token": "best"}}
    assert read_sign_in(answer(body)).token == "best"
    del body["data"]
    assert read_sign_in(answer(body)).token == "second"


def test_the_sites_cookies_and_the_renewal_are_kept_and_no_others() -> None:
    cookies = ("token=t2; Path=/", "refresh_token=old", "acw_tc=edge", "gone=; Max-Age=0")
    update = read_sign_in(answer({"data": {"token": TOKEN, "expires_at": 1_791_063_000}}, cookies=cookies))
    assert dict(update.cookies) == {"token": "t2", "refresh_token": "old"}
    assert update.expires_at == 1_791_063_000
    update = read_sign_in(answer({"data": {"token": TOKEN, "refresh_token": "new"}}, cookies=cookies))
    assert dict(update.cookies) == {"token": "t2", "refresh_token": "new"}
    assert update.expires_at is None


@pytest.mark.parametrize(
    "code", ["InvalidPassword", "invalid_password", "invalidCredentials", "UserNotFound", "invalid_email"]
)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_wrong_password_is_told_apart(code: str, status: int) -> None:
    with pytest.raises(ProviderError) as caught:
        read_sign_in(answer({"success": False, "data": {"code": code}}, status))
    error = caught.value
    assert (error.kind, error.site_code, error.status) == (ErrorKind.SESSION_EXPIRED, code, status)
    assert error.message == "Qwen does not accept this e-mail and password."


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"success": False, "data": {"token": TOKEN, "code": "TooManyRequests"}}, 200, ErrorKind.RATE_LIMITED),
        ({"data": {"token": TOKEN}}, 429, ErrorKind.RATE_LIMITED),
        ({"ret": ["FAIL_SYS_USER_VALIDATE"], "data": {"url": "/_____tmd_____/punish"}}, 200, ErrorKind.CHALLENGE),
        ({}, 500, ErrorKind.PROVIDER_DOWN),
        ({"data": {"token": 7}}, 401, ErrorKind.SESSION_EXPIRED),
    ],
)
def test_all_else_is_a_refusal_of_the_site(body: Any, status: int, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        read_sign_in(answer(body, status))
    assert caught.value.kind is kind


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", {}, {"data": []}, {"data": {"token": ""}}])
def test_an_answer_without_a_token_signs_nobody_in(body: Any) -> None:
    with pytest.raises(ProviderError):
        read_sign_in(answer(body))
