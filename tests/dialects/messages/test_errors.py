"""Errors in Anthropic's envelope, and the form of each that Claude Code stops at."""

import json
from typing import Any

import pytest

from addons.dialects.messages.errors import error_frame, error_response
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from providers.contract.errors import ErrorKind, ProviderError

CLAUDE_CODE = RoutedHead(headers={"user-agent": "claude-cli/2.1.332 (external, sdk-cli)"})
SDK = RoutedHead(headers={"user-agent": "Anthropic/Python 2.14.0"}, request_id="req_1")


def told(error: GatewayError, head: RoutedHead = SDK) -> tuple[int, str, str | None]:
    """Status, type and x-should-retry."""
    answer = error_response(error, head)
    assert answer.content is not None
    body = json.loads(answer.content)
    assert body["type"] == "error"
    assert error.message in body["error"]["message"]
    return answer.status_code, body["error"]["type"], answer.headers.get("x-should-retry")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (408, "invalid_request_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (415, "invalid_request_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ],
)
def test_each_status_has_its_type(status: int, kind: str) -> None:
    assert told(GatewayError(status, "No.")) == (status, kind, None)


def test_the_envelope_names_the_request_where_that_is_known() -> None:
    assert json.loads(error_response(GatewayError(404, "No."), SDK).content or b"") == {
        "type": "error",
        "error": {"type": "not_found_error", "message": "No."},
        "request_id": "req_1",
    }
    assert error_frame(GatewayError(502, "a\nb")) == (
        b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"a b"}}\n\n'
    )


FINAL = (502, "api_error", "false")
OF_PROVIDERS: dict[ErrorKind, tuple[int, str, str | None]] = {
    ErrorKind.SESSION_EXPIRED: FINAL,
    ErrorKind.CHALLENGE: FINAL,
    ErrorKind.ACCOUNT_BLOCKED: FINAL,
    ErrorKind.OUTDATED_CLIENT: FINAL,
    ErrorKind.MISCONFIGURED: FINAL,
    ErrorKind.MODEL_UNAVAILABLE: FINAL,
    ErrorKind.BAD_REQUEST: FINAL,
    ErrorKind.NOT_FOUND: FINAL,
    ErrorKind.CONTENT_FILTERED: FINAL,
    ErrorKind.FORBIDDEN: (403, "permission_error", "false"),
    ErrorKind.QUOTA: (429, "rate_limit_error", "false"),
    ErrorKind.TOO_LONG: (400, "invalid_request_error", "false"),
    ErrorKind.RATE_LIMITED: (429, "rate_limit_error", None),
    ErrorKind.CONVERSATION_BUSY: (503, "api_error", None),
    ErrorKind.GATEWAY_FULL: (503, "api_error", None),
    ErrorKind.CONVERSATION_GONE: (502, "api_error", None),
    ErrorKind.PROVIDER_DOWN: (502, "api_error", None),
    ErrorKind.INCOMPLETE: (502, "api_error", None),
}
"""What Claude Code is told of each kind: the first twelve end its asking (measured), the last six pass."""


@pytest.mark.parametrize("kind", ErrorKind)
def test_claude_code_is_told_each_kind_of_error_in_the_form_that_it_stops_at(kind: ErrorKind) -> None:
    error = GatewayError.from_provider(ProviderError(kind, "no."), "zai", "main")
    assert told(error, CLAUDE_CODE) == OF_PROVIDERS[kind]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (GatewayError(400, "No.", code="unsupported_parameter"), FINAL),
        (GatewayError(401, "Wrong key.", code="invalid_api_key"), (403, "permission_error", "false")),
        (GatewayError(403, "No.", code="forbidden_host"), (403, "permission_error", None)),
        (GatewayError(404, "Near names: GLM-4.6", code="model_not_found"), FINAL),
        (GatewayError(405, "No."), FINAL),
        (GatewayError(413, "Too large.", code="request_too_large"), FINAL),
        (GatewayError(415, "No."), FINAL),
        (GatewayError(429, "Slow.", retry_after_s=3), (429, "rate_limit_error", None)),
        (GatewayError(500, "Failed.", code="internal_error"), (500, "api_error", None)),
        (GatewayError(503, "None.", code="no_account"), FINAL),
        (GatewayError(503, "Rests.", should_retry=False), FINAL),
        (GatewayError(503, "Starting.", code="starting"), (503, "api_error", None)),
        (GatewayError(504, "Late.", code="upstream_timeout"), (504, "timeout_error", None)),
    ],
    ids=lambda value: f"{value.status} {value.code}" if isinstance(value, GatewayError) else "",
)
def test_claude_code_is_told_our_own_errors_in_the_form_that_it_stops_at(error: GatewayError, expected: Any) -> None:
    assert told(error, CLAUDE_CODE) == expected


def test_claude_code_is_not_told_of_a_header_for_which_it_shows_words_of_its_own() -> None:
    error = GatewayError(502, "The API says: invalid X-Api-Key.", should_retry=False)
    assert json.loads(error_response(error, CLAUDE_CODE).content or b"")["error"]["message"].endswith(
        "invalid API key."
    )
    assert json.loads(error_response(error, SDK).content or b"")["error"]["message"] == error.message


def test_retry_hints_are_those_of_the_error() -> None:
    answer = error_response(GatewayError(429, "Slow.", retry_after_s=2.5), CLAUDE_CODE)
    assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("3", "2500")


def test_what_an_api_of_the_form_says_of_a_request_goes_on_in_those_words() -> None:
    """Claude Code mends its next request by them."""
    words = "thinking.signature: Invalid `signature` in `thinking` block"
    refused = ProviderError(ErrorKind.BAD_REQUEST, "The API refuses the request.", words=words)
    error = GatewayError.from_provider(refused, "anthropic", "main")
    for head in (SDK, CLAUDE_CODE):
        answer = error_response(error, head)
        assert answer.status_code == 400
        assert json.loads(answer.content or b"")["error"] == {"type": "invalid_request_error", "message": words}
    longer = ProviderError(ErrorKind.TOO_LONG, "Too long.", words="prompt is too long: 9 tokens > 8 maximum")
    told = error_response(GatewayError.from_provider(longer, "anthropic", "main"), CLAUDE_CODE)
    assert json.loads(told.content or b"")["error"]["message"] == "prompt is too long: 9 tokens > 8 maximum"


def test_a_prompt_that_is_too_long_is_told_in_the_words_that_clients_know() -> None:
    error = GatewayError.from_provider(ProviderError(ErrorKind.TOO_LONG, "too much."), "zai", "main")
    for head in (SDK, CLAUDE_CODE):
        assert told(error, head)[0] == 400
    assert b'"message":"prompt is too long: [zai/main] too much.' in error_frame(error)
    error.prompt = (250000, 200000)
    assert b'"message":"prompt is too long: 250000 tokens > 200000 maximum. [zai/main]' in error_frame(error)
