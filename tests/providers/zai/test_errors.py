"""What Z.AI's refusals mean: each row of its protocol, as HTTP answer and inside a stream."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind as Kind
from providers.zai.errors import SIGNATURE_CODE, classify, find_error, provider_error, read_error

JSON_TYPE = {"content-type": "application/json"}
SIGNATURE = "403: Signature validation failed: 签名验证失败"
BUSY = "You have reached the current concurrent conversation limit"


def kind_in_stream(error: Any) -> Kind:
    return provider_error(read_error(error)).kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "FRONTEND_CAPTCHA_REQUIRED", "detail": "Please refresh the page to update the app"}, Kind.CHALLENGE),
        ({"code": 400, "captcha_error_type": "verify_failed", "verify_code": "F019"}, Kind.CHALLENGE),
        ({"code": "CAPTCHA_VERIFICATION_FAILED"}, Kind.CHALLENGE),
        ({"code": "CAPTCHA_UNAVAILABLE"}, Kind.CHALLENGE),
        ({"code": "VERIFICATION_REQUIRED"}, Kind.CHALLENGE),
        ({"code": "IllegalUserTag"}, Kind.CHALLENGE),
        ({"code": 401, "detail": ""}, Kind.SESSION_EXPIRED),
        ({"error_code": "INVALID_TOKEN"}, Kind.SESSION_EXPIRED),
        ({"detail": "Not authenticated"}, Kind.SESSION_EXPIRED),
        ({"code": 403, "detail": "user level too low"}, Kind.MODEL_UNAVAILABLE),
        ({"code": "403", "detail": "The model is not available for your account level"}, Kind.MODEL_UNAVAILABLE),
        ({"code": 403, "detail": {"code": "MODEL_NOT_FOUND", "message": "no"}}, Kind.MODEL_UNAVAILABLE),
        ({"code": 426}, Kind.OUTDATED_CLIENT),
        ({"code": "APP_VERSION_OUTDATED"}, Kind.OUTDATED_CLIENT),
        ({"code": 429}, Kind.RATE_LIMITED),
        ({"code": "MODEL_CONCURRENCY_LIMIT"}, Kind.RATE_LIMITED),
        ({"code": "X", "detail": BUSY}, Kind.RATE_LIMITED),
        ({"code": "INTERNAL_ERROR", "detail": "The model is currently at capacity"}, Kind.RATE_LIMITED),
        ({"code": "INTERNAL_ERROR", "detail": "Oops"}, Kind.PROVIDER_DOWN),
        ({"code": "WORKSPACE_TOOL_INIT_ERROR"}, Kind.PROVIDER_DOWN),
        ("anything else", Kind.PROVIDER_DOWN),
        ({"code": True, "detail": None}, Kind.PROVIDER_DOWN),
    ],
)
def test_errors_inside_a_stream(error: Any, kind: Kind) -> None:
    assert kind_in_stream(error) is kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"detail": "Not authenticated"}, Kind.SESSION_EXPIRED),
        (403, {"detail": "Forbidden"}, Kind.SESSION_EXPIRED),
        (403, {"detail": "This model is not available for your user level"}, Kind.MODEL_UNAVAILABLE),
        (426, {"detail": "x"}, Kind.OUTDATED_CLIENT),
        (429, {"detail": "x"}, Kind.RATE_LIMITED),
        (400, {"detail": SIGNATURE}, Kind.OUTDATED_CLIENT),
        (400, {"detail": "Missing signature header"}, Kind.OUTDATED_CLIENT),
        (400, {"detail": "messages: field required"}, Kind.BAD_REQUEST),
        (413, {}, Kind.TOO_LONG),
        (500, {"detail": "x"}, Kind.PROVIDER_DOWN),
        (200, {"error": {"code": "FRONTEND_CAPTCHA_REQUIRED"}}, Kind.CHALLENGE),
        (200, {"data": {"data": {"error": {"code": "INVALID_TOKEN"}}}}, Kind.SESSION_EXPIRED),
        (200, {"hello": 1}, Kind.PROVIDER_DOWN),
        (200, [], Kind.PROVIDER_DOWN),
    ],
)
def test_json_answers(status: int, body: Any, kind: Kind) -> None:
    found = classify(status, JSON_TYPE, json.dumps(body).encode())
    assert (found.kind, found.status) == (kind, status)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (405, b"<html><title>405</title><a href='https://errors.aliyun.com/'>", Kind.OUTDATED_CLIENT),
        (200, b"<!doctype html><html>Sign in</html>", Kind.CHALLENGE),
        (403, b"<html>Access denied</html>", Kind.CHALLENGE),
        (503, b"<html>down</html>", Kind.PROVIDER_DOWN),
        (502, b"", Kind.PROVIDER_DOWN),
        (429, b"slow down", Kind.RATE_LIMITED),
        (400, b'data: {"data":{"error":{"code":"MODEL_NOT_FOUND"}}}\n\n', Kind.MODEL_UNAVAILABLE),
    ],
)
def test_pages_and_other_bodies(status: int, body: bytes, kind: Kind) -> None:
    assert classify(status, {}, body).kind is kind


def test_a_refused_signature_has_a_code_of_its_own() -> None:
    assert classify(400, JSON_TYPE, json.dumps({"detail": SIGNATURE}).encode()).site_code == SIGNATURE_CODE


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "9999"}, 9999.0),
        ({"retry-after": "Tue, 17 Mar 2026 13:41:24 GMT", "date": "Tue, 17 Mar 2026 13:40:24 GMT"}, 60.0),
        ({"retry-after": "Tue, 17 Mar 2026 13:41:24 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert classify(429, headers, b"{}").retry_after_s == seconds


def test_the_sites_words_and_long_codes_are_not_repeated() -> None:
    found = provider_error(read_error({"code": "what the person asked, " * 9, "detail": "secret prompt"}))
    assert found.site_code is None
    assert "secret" not in f"{found!r}{found.message}"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "detail", "message", "data", "error_code"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(JSON_VALUES)
def test_no_shape_of_an_error_is_too_odd(value: Any) -> None:
    error = find_error(value)
    provider_error(read_error(value if error is None else error))


@given(st.sampled_from([200, 204, 302, 400, 403, 404, 405, 418, 500]), st.binary(max_size=40))
def test_no_body_is_too_odd(status: int, body: bytes) -> None:
    assert classify(status, {}, body).message


@pytest.mark.parametrize(
    ("status", "body", "kind", "scope"),
    [
        (404, {"detail": "Not Found"}, Kind.MODEL_UNAVAILABLE, "account"),
        (409, {"detail": {"code": "SESSION_BUSY"}}, Kind.RATE_LIMITED, "account"),
        (409, {"detail": "an earlier turn is still running"}, Kind.RATE_LIMITED, "account"),
    ],
)
def test_a_model_that_is_gone_and_a_busy_session(status: int, body: object, kind: Kind, scope: str) -> None:
    error = classify(status, {"content-type": "application/json"}, json.dumps(body).encode())
    assert (error.kind, error.scope) == (kind, scope)
    assert ("busy with an earlier turn" in error.message) is (status == 409)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", ""])
@pytest.mark.parametrize("body", [b"", b"<html><title>x</title></html>", b"{}", b"[]", b'"x"'])
def test_the_status_is_enough_whatever_the_body(content_type: str, body: bytes) -> None:
    gone = classify(404, {"content-type": content_type, "retry-after": "7"}, body)
    busy = classify(409, {"content-type": content_type, "retry-after": "7"}, body)
    assert (gone.kind, gone.retry_after_s) == (Kind.MODEL_UNAVAILABLE, None)
    assert (busy.kind, busy.retry_after_s) == (Kind.RATE_LIMITED, 7)
    assert "busy with an earlier turn" in busy.message


@pytest.mark.parametrize("words", ["您的客户端版本过旧", "New version detected", "version unknown, minimum 1.0.91"])
@pytest.mark.parametrize("status", [400, 426])
def test_an_old_version_in_the_sites_words(status: int, words: str) -> None:
    body = json.dumps({"detail": words}).encode()
    assert classify(status, {"content-type": "application/json"}, body).kind is Kind.OUTDATED_CLIENT
