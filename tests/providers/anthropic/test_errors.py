"""What refusals of the form mean: for accounts, and for a client of the same form."""

import json
from typing import Any

import pytest

from providers.anthropic.errors import WORDS_LIMIT, classify, error_of
from providers.contract.errors import ErrorKind, ProviderError

_K = ErrorKind


def refused(status: int, kind: str, message: str = "no", **headers: str) -> ProviderError:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(status, {"content-type": "application/json", **given}, body.encode())


@pytest.mark.parametrize(
    ("status", "kind", "message", "meaning"),
    [
        (400, "invalid_request_error", "messages: text content blocks must be non-empty", _K.BAD_REQUEST),
        (400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum", _K.TOO_LONG),
        (400, "invalid_request_error",
         "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000", _K.TOO_LONG),
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", _K.QUOTA),
        (400, "invalid_request_error", "You have reached your specified API usage limits. You will regain access on …",
         _K.QUOTA),
        (400, "invalid_request_error", "This organization has been disabled.", _K.ACCOUNT_BLOCKED),
        (400, "invalid_request_error", "Output blocked by content filtering policy", _K.CONTENT_FILTERED),
        (401, "authentication_error", "invalid x-api-key", _K.SESSION_EXPIRED),
        (402, "billing_error", "no", _K.QUOTA),
        (403, "permission_error", "Your key may not use this resource.", _K.FORBIDDEN),
        (404, "not_found_error", "model: claude-9", _K.MODEL_UNAVAILABLE),
        (404, "not_found_error", "Not Found", _K.MISCONFIGURED),
        (409, "conflict_error", "no", _K.CONVERSATION_BUSY),
        (413, "request_too_large", "Request exceeds the maximum size", _K.TOO_LONG),
        (429, "rate_limit_error", "This request would exceed your rate limit", _K.RATE_LIMITED),
        (500, "api_error", "Internal server error", _K.PROVIDER_DOWN),
        (504, "timeout_error", "no", _K.PROVIDER_DOWN),
        (529, "overloaded_error", "Overloaded", _K.PROVIDER_DOWN),
        (429, "1302", "Rate limit", _K.RATE_LIMITED),
        (429, "1113", "Insufficient balance", _K.QUOTA),
    ],
)  # fmt: skip
def test_meanings(status: int, kind: str, message: str, meaning: ErrorKind) -> None:
    error = refused(status, kind, message)
    assert error.kind is meaning
    assert error.status == status
    assert error.credential == "key"


def test_limits_name_their_time() -> None:
    assert refused(429, "rate_limit_error", retry_after="17").retry_after_s == 17
    reset = {"anthropic_ratelimit_tokens_remaining": "0", "anthropic_ratelimit_tokens_reset": "2026-11-27T00:01:00Z"}
    assert refused(429, "rate_limit_error", date="Fri, 27 Nov 2026 00:00:20 GMT", **reset).retry_after_s == 40


def test_an_overload_that_names_a_time_is_waited_for() -> None:
    error = refused(529, "overloaded_error", "Overloaded", retry_after="30")
    assert (error.kind, error.scope, error.retry_after_s) == (_K.RATE_LIMITED, "model", 30)


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`",
        "prompt is too long: 250000 tokens > 200000 maximum",
        'messages: Unexpected role "system". ' + "x" * 1000,
    ],
)
def test_the_apis_own_words_of_a_refused_request_are_kept_whole(message: str) -> None:
    assert refused(400, "invalid_request_error", message).words == message


def test_words_about_the_account_are_not_passed_on_and_all_are_bounded() -> None:
    assert refused(401, "authentication_error", "invalid x-api-key").words == ""
    assert refused(400, "invalid_request_error", "Your credit balance is too low").words == ""
    assert len(refused(400, "invalid_request_error", "x" * 100_000).words) == WORDS_LIMIT


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, _K.PROVIDER_DOWN),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long"}}, _K.TOO_LONG),
        ({"type": "error"}, _K.PROVIDER_DOWN),
        ({"error": {"message": "no", "code": 401}}, _K.SESSION_EXPIRED),
        ({"code": 500, "msg": "404 NOT_FOUND", "success": False}, _K.PROVIDER_DOWN),
        ({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, _K.RATE_LIMITED),
        ({"type": "ping"}, None),
        ({"type": "message", "content": []}, None),
        ({"type": "message_delta", "delta": {}, "usage": {}}, None),
        ([], None),
    ],
    ids=str,
)
def test_errors_in_a_200(value: Any, meaning: ErrorKind | None) -> None:
    error = error_of(value)
    assert (error and error.kind) == meaning
