import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind, ProviderError
from providers.qwen.errors import refusal, stream_error

ROOT = Path(__file__).parents[3]
RECORDED = (
    Path(os.environ.get("GLASSGATE_RECORDINGS", ROOT.parent / "shared" / "recordings")) / "qwen/error-bodies.jsonl"
)

WAF = {
    "ret": ["FAIL_SYS_USER_VALIDATE", "RGV587_ERROR::SM::busy"],
    "data": {"url": "https://chat.qwen.ai:443//api/_____tmd_____/punish?x5secdata=SECRET"},
}


def failed(code: str | None = None, details: str = "", **more: Any) -> dict[str, Any]:
    return {"success": False, "request_id": "r", "data": {"code": code, "details": details, **more}}


def of_json(status: int, body: Any, **headers: str) -> ProviderError:
    return refusal(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(200, failed("Unauthorized", "您没有权限"), ErrorKind.SESSION_EXPIRED, id="unauthorized"),
        pytest.param(200, failed("unauthorized"), ErrorKind.SESSION_EXPIRED, id="unauthorized-lower"),
        pytest.param(401, {"detail": "no"}, ErrorKind.SESSION_EXPIRED, id="401-json"),
        pytest.param(403, failed("forbidden"), ErrorKind.SESSION_EXPIRED, id="403-forbidden"),
        pytest.param(403, failed("invalid token"), ErrorKind.SESSION_EXPIRED, id="403-token"),
        pytest.param(403, {}, ErrorKind.CHALLENGE, id="403-bare"),
        pytest.param(200, failed("RateLimited", num=10), ErrorKind.QUOTA, id="daily"),
        pytest.param(200, failed("RateLimited"), ErrorKind.RATE_LIMITED, id="no-time"),
        pytest.param(200, failed("quotaLimited"), ErrorKind.QUOTA, id="quota"),
        pytest.param(200, failed("ParallelLimited"), ErrorKind.RATE_LIMITED, id="parallel"),
        pytest.param(
            200, {"error": {"message": "Allocated quota exceeded token-limit"}}, ErrorKind.RATE_LIMITED, id="a"
        ),
        pytest.param(429, {}, ErrorKind.RATE_LIMITED, id="429"),
        pytest.param(200, WAF, ErrorKind.CHALLENGE, id="waf"),
        pytest.param(403, WAF, ErrorKind.CHALLENGE, id="waf-403"),
        pytest.param(200, failed("RequestValidationError", '["Field"]'), ErrorKind.BAD_REQUEST, id="validation"),
        pytest.param(200, failed("Bad_Request", "Invalid input too many messages"), ErrorKind.BAD_REQUEST, id="many"),
        pytest.param(200, failed("Bad_Request", "Internal error!"), ErrorKind.PROVIDER_DOWN, id="bad-internal"),
        pytest.param(
            400, failed("Bad_Request", "The chat is in progress!"), ErrorKind.CONVERSATION_BUSY, id="busy-400"
        ),
        pytest.param(
            200, failed("Bad_Request", "The chat is in progress!"), ErrorKind.CONVERSATION_BUSY, id="busy-200"
        ),
        pytest.param(200, failed("Bad_Request", "chat 1 is not exist"), ErrorKind.CONVERSATION_GONE, id="not-exist"),
        pytest.param(200, failed("Bad_Request", "Model x is not exist"), ErrorKind.MODEL_UNAVAILABLE, id="model"),
        pytest.param(200, failed("Bad_Request", "The input is too long"), ErrorKind.TOO_LONG, id="too-long"),
        pytest.param(200, failed("Not_Found"), ErrorKind.CONVERSATION_GONE, id="not-found"),
        pytest.param(200, failed("CHAT_NOT_FOUND"), ErrorKind.CONVERSATION_GONE, id="chat-not-found"),
        pytest.param(200, failed("PARENT_NOT_FOUND"), ErrorKind.CONVERSATION_GONE, id="parent-not-found"),
        pytest.param(200, {"error": {"code": "invalid_input"}}, ErrorKind.BAD_REQUEST, id="invalid-input"),
        pytest.param(200, failed("Internal_Server_Error"), ErrorKind.PROVIDER_DOWN, id="server"),
        pytest.param(200, failed("data_inspection_failed"), ErrorKind.CONTENT_FILTERED, id="inspection"),
        pytest.param(200, failed("Brand_New"), ErrorKind.PROVIDER_DOWN, id="unknown-code"),
        pytest.param(400, failed("Brand_New"), ErrorKind.BAD_REQUEST, id="unknown-code-400"),
        pytest.param(200, {"code": 401, "message": "x"}, ErrorKind.SESSION_EXPIRED, id="number"),
        pytest.param(200, {"success": True, "data": {"messages": []}}, ErrorKind.PROVIDER_DOWN, id="whole-answer"),
        pytest.param(413, {}, ErrorKind.TOO_LONG, id="413"),
        pytest.param(418, {}, ErrorKind.CHALLENGE, id="418"),
        pytest.param(500, {}, ErrorKind.PROVIDER_DOWN, id="500"),
        pytest.param(404, {}, ErrorKind.PROVIDER_DOWN, id="404"),
        pytest.param(200, [1], ErrorKind.PROVIDER_DOWN, id="list"),
    ],
)
def test_json_refusals(status: int, body: Any, kind: ErrorKind) -> None:
    assert of_json(status, body).kind is kind


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        pytest.param(200, "text/html", b"<script>aliyun_waf_aa</script>", ErrorKind.CHALLENGE, id="waf-page"),
        pytest.param(405, "text/html", b"<html>aliyun_waf_bb", ErrorKind.CHALLENGE, id="waf-405"),
        pytest.param(200, "application/json", b"<!doctype html>", ErrorKind.CHALLENGE, id="html-said-to-be-json"),
        pytest.param(403, "text/html", b"<html>no</html>", ErrorKind.CHALLENGE, id="403-page"),
        pytest.param(302, "text/html", b"", ErrorKind.CHALLENGE, id="redirect"),
        pytest.param(502, "text/html", b"<html>Bad Gateway</html>", ErrorKind.PROVIDER_DOWN, id="502-page"),
        pytest.param(404, "text/html", b"<html>", ErrorKind.PROVIDER_DOWN, id="404-page"),
        pytest.param(429, "text/html", b"<html>slow down</html>", ErrorKind.RATE_LIMITED, id="429-page"),
        pytest.param(503, "text/html", b"<html>punish x5sec</html>", ErrorKind.CHALLENGE, id="503-challenge"),
        pytest.param(200, "text/plain", b"hello", ErrorKind.PROVIDER_DOWN, id="plain-text"),
        pytest.param(200, "", b"", ErrorKind.PROVIDER_DOWN, id="nothing"),
        pytest.param(500, "", b"\xff\xfe", ErrorKind.PROVIDER_DOWN, id="bytes"),
    ],
)
def test_refusals_that_are_no_json(status: int, headers: str, body: bytes, kind: ErrorKind) -> None:
    assert refusal(status, {"content-type": headers}, body).kind is kind


@pytest.mark.parametrize(
    ("num", "template", "seconds"),
    [
        (10, "wait {{num}} hours", 36000),
        (5, "wait {{num}} minutes", 300),
        (1, "", 3600),
        (2, "{{num}} days", 172800),
        (1.5, "{{num}} hours", 5400),
    ],
)
def test_the_daily_limit_says_when_it_opens_again(num: float, template: str, seconds: float) -> None:
    assert of_json(200, failed("RateLimited", num=num, template=template)).retry_after_s == seconds


@pytest.mark.parametrize("num", ["1e999", "-1", "NaN", "1" * 5000, '"3"', "true"])
def test_a_time_that_is_none_is_left_out(num: str) -> None:
    body = b'{"success":false,"data":{"code":"RateLimited","num":%s}}' % num.encode()
    assert refusal(200, {}, body).retry_after_s in (None, 3600)


def test_a_code_of_five_thousand_digits_is_survived() -> None:
    assert refusal(200, {}, b'{"code":%s,"details":[%s]}' % (b"1" * 5000, b"2" * 5000)).site_code is None


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", None), ("-3", None), ("soon", None), ("9" * 20, None)]
)
def test_retry_after_header(value: str, seconds: float | None) -> None:
    assert of_json(429, {}, **{"retry-after": value}).retry_after_s == seconds


def test_a_busy_chat_is_worth_another_try_soon() -> None:
    assert of_json(400, failed("Bad_Request", "The chat is in progress!")).retry_after_s == 2


@pytest.mark.parametrize(
    "error",
    [
        of_json(200, WAF),
        stream_error(WAF),
        refusal(302, {"location": "https://x/punish?x5secdata=SECRET"}, b""),
        of_json(200, failed("Bad_Request", "see https://x/punish?x5secdata=SECRET now")),
        of_json(200, failed("Bad_Request", "token eyJhbGciOi.SECRET.x is bad")),
        of_json(200, failed("https://x/?SECRET", "no")),
    ],
    ids=["json", "stream", "redirect", "details", "token", "code"],
)
def test_no_link_and_no_token_is_repeated(error: ProviderError) -> None:
    assert "SECRET" not in f"{error.message} {error!r} {error.site_code}"


def test_the_words_of_a_validation_error_are_shown_and_bounded() -> None:
    error = of_json(200, failed("RequestValidationError", "[\"Field 'chat_id': Field required\"]" + "x" * 5000))
    assert "Field 'chat_id'" in error.message
    assert len(error.message) < 300
    assert error.site_code == "RequestValidationError"


@given(st.integers(100, 599), st.sampled_from(["", "text/html", "application/json"]), st.binary(max_size=80))
def test_any_answer_has_a_meaning(status: int, content_type: str, body: bytes) -> None:
    assert refusal(status, {"content-type": content_type}, body).message


_FIELDS = "error data code details message num template ret url"
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS.split()), inner),
    max_leaves=10,
)


@given(_JSON)
def test_any_json_has_a_meaning(body: Any) -> None:
    assert of_json(200, body).message
    if isinstance(body, dict):
        assert stream_error(body).message


@pytest.mark.skipif(not RECORDED.is_file(), reason="no recordings here")
def test_recorded_refusals() -> None:
    kinds = {}
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        kinds[one["name"]] = of_json(one["http_status"], one["body"])
    assert {name: error.kind for name, error in kinds.items()} == {
        "RateLimited daily": ErrorKind.QUOTA,
        "Unauthorized (token rejected)": ErrorKind.SESSION_EXPIRED,
        "WAF challenge (baxia)": ErrorKind.CHALLENGE,
        "request validation": ErrorKind.BAD_REQUEST,
    }
    assert kinds["RateLimited daily"].retry_after_s == 36000
