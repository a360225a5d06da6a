import re
from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.sealed import shown
from providers.contract.session import Credentials, SessionUpdate
from providers.qwen.session import cookie_header
from tests.providers.qwen.accounts import ACCESS, NEW_STYLE, OLD_STYLE, answer, jwt, moment, qwen, run, session

RENEWED = jwt(id="user-1", exp=1_791_064_000)
REFRESH_ONLY = Credentials(cookies={"refresh_token": "refresh-1"})
BOTH_SAME = Credentials(token=ACCESS, cookies={"token": ACCESS, "refresh_token": "refresh-1"})
OWN_SESSION = Credentials(token=ACCESS, cookies={"token": jwt(id="user-1", exp=1_793_000_000)})


@pytest.mark.parametrize("material", [OLD_STYLE, NEW_STYLE], ids=["long-token-in-cookie", "short-token"])
def test_a_session_tells_user_and_expiry(material: Credentials) -> None:
    found = session(material)
    assert found.facts["user_id"] == "user-1"
    assert found.expires_at == 1_791_063_000


def test_a_token_that_is_no_jwt_has_no_expiry_of_its_own() -> None:
    found = session(Credentials(token="opaque-session-token"))
    assert (found.expires_at, dict(found.facts)) == (None, {})


@pytest.mark.parametrize("token", ["a.b.c", "a.!!!.c", "a.eyJ.c", "a.bnVsbA.c", "..", "a.W10.c"])
def test_a_token_of_broken_form_is_left_to_the_site(token: str) -> None:
    assert session(Credentials(token=token)).expires_at is None


def test_a_refresh_cookie_alone_counts_as_run_out() -> None:
    assert session(REFRESH_ONLY).expires_at == 0


@pytest.mark.parametrize(
    "material",
    [
        Credentials(),
        Credentials(api_key="sk-1"),
        Credentials(cookies={"acw_tc": "x"}),
        Credentials(token="Bearer eyJx.y.z"),
        Credentials(token="two\nlines"),
        Credentials(cookies={"token": "a; b"}),
    ],
    ids=["nothing", "api-key", "edge-cookies", "with-the-word-bearer", "line-end", "separator"],
)
def test_secrets_that_cannot_serve_are_refused_in_words(material: Credentials) -> None:
    with pytest.raises(ProviderError) as caught:
        session(material)
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
    assert "chat.qwen.ai" in caught.value.message
    assert all(value not in caught.value.message for value in material.values().values())


@pytest.mark.parametrize(
    ("material", "cookies"),
    [
        (OLD_STYLE, ["token=cookie:token"]),
        (NEW_STYLE, ["token=token", "refresh_token=cookie:refresh_token", "acw_tc=cookie:acw_tc"]),
        (OWN_SESSION, ["token=cookie:token"]),
        (REFRESH_ONLY, ["refresh_token=cookie:refresh_token"]),
    ],
    ids=["old", "new", "own", "refresh-only"],
)
def test_the_token_goes_along_as_a_cookie(material: Credentials, cookies: list[str]) -> None:
    assert re.sub(r"~sealed~\w+~\w+~([\w:]+)~", r"\1", shown(cookie_header(session(material)))).split("; ") == cookies


# -- renewing ----------------------------------------------------------------------------------------------------------
def test_the_refresh_call_is_the_pages_own() -> None:
    _, [call] = run(
        qwen(auth_url="http://127.0.0.1:9").sign_in.refresh(session(), moment()), answer({"token": RENEWED})
    )
    headers = dict(call.headers)
    assert (call.method, call.url) == ("GET", "http://127.0.0.1:9/api/v2/auths/refresh")
    assert headers["x-request-origin"] == "https://chat.qwen.ai"
    assert headers["x-request-id"]
    assert headers["timezone"] == "Thu Mar 05 2026 17:24:05 GMT+0800"
    assert "authorization" not in headers
    assert "refresh_token=~sealed~qwen~main~cookie:refresh_token~" in headers["cookie"]


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "data": {"access_token": RENEWED, "expires_at": 1}},
        {"success": True, "data": {"accessToken": RENEWED}},
        {"success": True, "data": {"token": RENEWED}},
        {"result": {"access_token": RENEWED}},
        {"accessToken": RENEWED},
        {"token": RENEWED},
    ],
    ids=lambda body: " ".join(body),
)
def test_the_new_token_is_found_under_every_name(body: Any) -> None:
    update, _ = run(qwen().sign_in.refresh(session(), moment()), answer(body))
    assert update == SessionUpdate(RENEWED, {})


@pytest.mark.parametrize(
    ("from_cookies", "set_cookies", "cookies"),
    [
        ("refresh-2", (), {"refresh_token": "refresh-2"}),
        (None, ("refresh_token=refresh-3; Domain=.qwen.ai; HttpOnly",), {"refresh_token": "refresh-3"}),
        ("refresh-2", ("refresh_token=refresh-3; Path=/",), {"refresh_token": "refresh-3"}),
        (None, ("acw_tc=edge-2; Path=/", "foreign=1"), {"acw_tc": "edge-2"}),
        (None, ("refresh_token=; Max-Age=0", "acw_tc=x; max-age=0", "refresh_token", ""), {}),
    ],
    ids=["body", "cookie", "cookie-before-body", "edge", "taken-away"],
)
def test_rotated_cookies_are_kept(
    from_cookies: str | None, set_cookies: tuple[str, ...], cookies: dict[str, str]
) -> None:
    body = {"success": True, "data": {"access_token": RENEWED, "refresh_token": from_cookies}}
    update, _ = run(qwen().sign_in.refresh(session(), moment()), answer(body, cookies=set_cookies))
    assert update == SessionUpdate(RENEWED, cookies)


@pytest.mark.parametrize(
    ("material", "cookies"),
    [(BOTH_SAME, {"token": RENEWED}), (OWN_SESSION, {}), (REFRESH_ONLY, {})],
    ids=["same-in-cookie", "own-session-token", "refresh-only"],
)
def test_a_copy_of_the_token_in_the_jar_is_renewed_with_it(material: Credentials, cookies: dict[str, str]) -> None:
    update, _ = run(qwen().sign_in.refresh(session(material), moment()), answer({"data": {"token": RENEWED}}))
    assert update == SessionUpdate(RENEWED, cookies)


@pytest.mark.parametrize("material", [OLD_STYLE, Credentials(token=ACCESS)], ids=["long-token", "bare-token"])
def test_a_session_of_the_old_age_cannot_be_renewed(material: Credentials) -> None:
    assert qwen().sign_in.refresh(session(material), moment()) is None


@pytest.mark.parametrize(
    ("body", "status", "content_type", "kind"),
    [
        ({"detail": "no"}, 401, "application/json", ErrorKind.SESSION_EXPIRED),
        ({"success": False, "data": {"code": "Forbidden"}}, 403, "application/json", ErrorKind.SESSION_EXPIRED),
        ({"success": False, "data": {"code": "invalid_token"}}, 403, "application/json", ErrorKind.SESSION_EXPIRED),
        ({"success": False, "data": {"code": "Unauthorized"}}, 200, "application/json", ErrorKind.SESSION_EXPIRED),
        (b"<html>", 200, "text/html", ErrorKind.CHALLENGE),
        ({"ret": ["RGV587_ERROR"]}, 200, "application/json", ErrorKind.CHALLENGE),
        ({"success": True, "data": {}}, 200, "application/json", ErrorKind.PROVIDER_DOWN),
        (b"oops", 502, "text/plain", ErrorKind.PROVIDER_DOWN),
    ],
    ids=["401", "403", "403-token", "200", "html", "waf", "no-token", "502"],
)
def test_refresh_refused(body: Any, status: int, content_type: str, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        run(qwen().sign_in.refresh(session(), moment()), answer(body, status, content_type))
    assert caught.value.kind is kind


# -- whose session it is -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        {"id": "user-1", "email": "a@b.c", "name": "A", "role": "user", "token": "x"},
        {"success": True, "data": {"id": "user-1", "email": "a@b.c", "name": "A"}},
        {"data": {"user": {"user_id": "user-1", "email": "a@b.c", "name": "A"}}},
    ],
    ids=["old", "new", "nested"],
)
def test_identity(body: Any) -> None:
    found, [call] = run(qwen().sign_in.identify(session(), moment()), answer(body))
    assert (found.user_id, found.email, found.name, found.guest) == ("user-1", "a@b.c", "A", False)
    assert call.url == "https://chat.qwen.ai/api/v1/auths/"


def test_identity_is_asked_at_the_sign_in_host_where_the_old_path_is_gone() -> None:
    replies = answer(b"", 404), answer({"data": {"id": "user-1"}})
    found, calls = run(qwen().sign_in.identify(session(), moment()), *replies)
    assert found.user_id == "user-1"
    assert calls[1].url == "https://auth.qwen.ai/api/v2/auths/"


@pytest.mark.parametrize(
    "body",
    [
        {"id": "guest-9", "role": "guest"},
        {"role": "user"},
        {"id": "user-2", "role": "user"},
        {"success": False, "data": {"code": "unauthorized", "details": "Token has expired"}},
    ],
    ids=["guest", "nobody", "somebody-else", "unauthorized"],
)
def test_a_lost_sign_in_shows(body: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        run(qwen().sign_in.identify(session(), moment()), answer(body))
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED


GUEST = jwt(id="somebody-else", exp=1_793_000_000)


@pytest.mark.parametrize(
    ("material", "cookies", "expected"),
    [
        pytest.param(NEW_STYLE, {"refresh_token": "r2"}, SessionUpdate(None, {"refresh_token": "r2"}), id="refresh"),
        pytest.param(BOTH_SAME, {"token": RENEWED}, SessionUpdate(RENEWED, {"token": RENEWED}), id="one token"),
        pytest.param(OWN_SESSION, {"token": RENEWED}, SessionUpdate(None, {"token": RENEWED}), id="its own token"),
        pytest.param(OWN_SESSION, {"token": GUEST}, None, id="a guest's"),
        pytest.param(
            BOTH_SAME, {"token": GUEST, "refresh_token": "r2"}, SessionUpdate(None, {"refresh_token": "r2"}), id="half"
        ),
    ],
)
def test_cookies_of_any_answer_renew_the_session_but_never_make_it_a_guests(
    material: Credentials, cookies: dict[str, str], expected: SessionUpdate | None
) -> None:
    assert qwen().sign_in.from_cookies(session(material), cookies) == expected
