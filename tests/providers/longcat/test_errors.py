import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.longcat.errors import json_error, refusal


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(401, '{"code":401,"message":"请求cookie为空"}', ErrorKind.SESSION_EXPIRED, id="empty-cookie"),
        pytest.param(401, "", ErrorKind.SESSION_EXPIRED, id="bare-401"),
        pytest.param(
            200, '{"code":1001,"message":"请登录后继续对话"}', ErrorKind.SESSION_EXPIRED, id="log-in-in-a-200"
        ),
        pytest.param(200, '{"code":400,"message":"Please sign in"}', ErrorKind.SESSION_EXPIRED, id="words-before-400"),
        pytest.param(403, '{"code":403,"message":"log in first"}', ErrorKind.SESSION_EXPIRED, id="403-log-in"),
        pytest.param(403, "", ErrorKind.CHALLENGE, id="bare-403"),
        pytest.param(418, '{"customData":{"riskLevel":"199"}}', ErrorKind.CHALLENGE, id="418"),
        pytest.param(200, '{"customData":{"riskLevel":"199"}}', ErrorKind.CHALLENGE, id="risk-in-a-200"),
        pytest.param(200, '{"code":418}', ErrorKind.CHALLENGE, id="code-418"),
        pytest.param(429, "", ErrorKind.RATE_LIMITED, id="bare-429"),
        pytest.param(200, '{"code":429,"message":"x"}', ErrorKind.RATE_LIMITED, id="code-429-in-a-200"),
        pytest.param(200, '{"code":"429","message":"x"}', ErrorKind.RATE_LIMITED, id="code-as-text"),
        pytest.param(
            200, '{"code":7,"message":"操作太快，请稍后再试"}', ErrorKind.RATE_LIMITED, id="too-fast-in-words"
        ),
        pytest.param(200, '{"code":7,"message":"conversation not exist"}', ErrorKind.CONVERSATION_GONE, id="gone"),
        pytest.param(200, '{"code":404,"message":"x"}', ErrorKind.CONVERSATION_GONE, id="code-404"),
        pytest.param(200, '{"code":7,"msg":"the conversation is too long"}', ErrorKind.TOO_LONG, id="too-long"),
        pytest.param(400, '{"code":400,"message":"bad"}', ErrorKind.BAD_REQUEST, id="bad-request"),
        pytest.param(200, '{"code":500,"message":"oops"}', ErrorKind.PROVIDER_DOWN, id="code-500"),
        pytest.param(502, "<html>bad gateway", ErrorKind.PROVIDER_DOWN, id="502-page"),
        pytest.param(404, "<html>", ErrorKind.PROVIDER_DOWN, id="404-page"),
        pytest.param(200, "<!doctype html>", ErrorKind.CHALLENGE, id="page-in-a-200"),
        pytest.param(200, "", ErrorKind.PROVIDER_DOWN, id="empty-200"),
        pytest.param(200, "[]", ErrorKind.PROVIDER_DOWN, id="a-list"),
        pytest.param(200, '{"code":0,"data":null}', ErrorKind.PROVIDER_DOWN, id="code-0"),
    ],
)
def test_refusals_by_code_words_and_status(status: int, body: str, kind: ErrorKind) -> None:
    error = refusal(status, {}, body.encode())
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("https://passport.mykeeta.com/login?x=1", ErrorKind.SESSION_EXPIRED),
        ("/t", ErrorKind.CHALLENGE),
    ],
)
def test_a_redirect_leads_to_the_sign_in_or_to_a_check(location: str, kind: ErrorKind) -> None:
    assert refusal(302, {"location": location}, b"").kind is kind


def test_the_wait_comes_from_header_or_body() -> None:
    assert refusal(429, {"retry-after": "7"}, b"").retry_after_s == 7
    assert refusal(200, {}, b'{"code":429,"retry_after":9}').retry_after_s == 9
    assert refusal(429, {}, b"").retry_after_s is None


def test_the_security_check_names_the_ways_out() -> None:
    message = refusal(418, {}, b"").message
    assert "official key (preset: longcat)" in message


def test_the_sites_words_are_quoted_without_signed_ends_of_links() -> None:
    error = json_error({"code": 500, "message": "see https://x.example/a?mtgsig=SECRET now"})
    assert "https://x.example/a" in error.message
    assert "SECRET" not in error.message
    assert error.site_code == "500"


@given(
    st.integers(100, 599), st.binary(max_size=60) | st.text(max_size=30).map(lambda t: json.dumps({"code": t}).encode())
)
def test_no_refusal_raises(status: int, body: bytes) -> None:
    assert refusal(status, {}, body).message


@pytest.mark.parametrize("code", [pytest.param(10**5000, id="giant"), -5, 1.5, [], {"a": 1}, True])
def test_odd_codes_do_no_harm(code: Any) -> None:
    assert json_error({"code": code}).kind is ErrorKind.PROVIDER_DOWN
