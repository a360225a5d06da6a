"""What each failure makes a client do: one row for each kind of error, and for the codes of the gateway's own."""

import pytest

from addons.dialects.responses.failures import BY_CODE, Verdict, told, verdict, wants_failed_stream
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from providers.contract.errors import ErrorKind, ProviderError

FINAL, LONG, LIMITED, AGAIN = Verdict.FINAL, Verdict.TOO_LONG, Verdict.LIMITED, Verdict.AGAIN
KINDS = {
    ErrorKind.SESSION_EXPIRED: FINAL,
    ErrorKind.CHALLENGE: FINAL,
    ErrorKind.RATE_LIMITED: LIMITED,
    ErrorKind.QUOTA: FINAL,
    ErrorKind.ACCOUNT_BLOCKED: FINAL,
    ErrorKind.OUTDATED_CLIENT: FINAL,
    ErrorKind.FORBIDDEN: FINAL,
    ErrorKind.MODEL_UNAVAILABLE: FINAL,
    ErrorKind.NOT_FOUND: FINAL,
    ErrorKind.BAD_REQUEST: FINAL,
    ErrorKind.TOO_LONG: LONG,
    ErrorKind.CONTENT_FILTERED: FINAL,
    ErrorKind.CONVERSATION_BUSY: AGAIN,
    ErrorKind.GATEWAY_FULL: AGAIN,
    ErrorKind.CONVERSATION_GONE: AGAIN,
    ErrorKind.MISCONFIGURED: FINAL,
    ErrorKind.PROVIDER_DOWN: AGAIN,
    ErrorKind.INCOMPLETE: AGAIN,
}


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_of_error(kind: ErrorKind) -> None:
    error = GatewayError.from_provider(ProviderError(kind, "no."), "zai", "demo")
    assert verdict(error) is KINDS[kind]
    assert (error.code or "") in BY_CODE


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (GatewayError(401, "no key", code="invalid_api_key"), FINAL),
        (GatewayError(400, "odd"), FINAL),
        (GatewayError(413, "large"), FINAL),
        (GatewayError(408, "late"), AGAIN),
        (GatewayError(429, "many"), LIMITED),
        (GatewayError(429, "many", retry_after_s=30), LIMITED),
        (GatewayError(429, "many", retry_after_s=3600), FINAL),
        (GatewayError(429, "all", code="account_busy", retry_after_s=1), LIMITED),
        (GatewayError(503, "rests", code="provider_unavailable", retry_after_s=20), LIMITED),
        (GatewayError(503, "rests", code="provider_unavailable", retry_after_s=600), FINAL),
        (GatewayError(503, "ends", code="shutting_down"), AGAIN),
        (GatewayError(502, "check", code="provider_challenge", retry_after_s=10), FINAL),
        (GatewayError(502, "down", should_retry=False), FINAL),
        (GatewayError(500, "ours"), AGAIN),
        (GatewayError(429, "nan", retry_after_s=float("nan")), LIMITED),
    ],
    ids=lambda value: str(value),
)
def test_the_gateways_own_errors(error: GatewayError, expected: Verdict) -> None:
    assert verdict(error) is expected


def test_a_wait_stands_in_the_words() -> None:
    assert told(GatewayError(429, "Too fast.", retry_after_s=6.2)) == {
        "code": "rate_limit_exceeded",
        "message": "Too fast. Please try again in 7s.",
    }
    assert told(GatewayError(429, "Too fast."))["message"].endswith("try again in 5s.")
    assert told(GatewayError(400, "Odd.")) == {"code": "invalid_prompt", "message": "Odd."}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"originator": "codex_exec", "accept": "text/event-stream"}, True),
        ({"user-agent": "codex_cli_rs/0.169.0 (…)", "accept": "text/event-stream"}, True),
        ({"user-agent": "Codex-VSCode", "accept": "application/json, text/event-stream"}, True),
        ({"originator": "codex_exec", "accept": "application/json"}, False),
        ({"originator": "codex_exec"}, False),
        ({"user-agent": "OpenAI/Python", "accept": "text/event-stream"}, False),
        ({}, False),
    ],
)
def test_who_is_told_in_a_stream(headers: dict[str, str], expected: bool) -> None:
    assert wants_failed_stream(RoutedHead("responses", headers=headers)) is expected
