import json

import pytest

from addons.core.errors import GatewayError
from providers.errors import ErrorKind, ProviderError


def told(kind: ErrorKind, **more: object) -> GatewayError:
    return GatewayError.from_provider(ProviderError(kind, "it said no.", **more), "zai", "main")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_has_an_honest_status(kind: ErrorKind) -> None:
    error = told(kind)
    assert error.status not in (401, 408, 409)  # a client would blame its own key, or repeat by itself
    assert error.message.startswith("[zai/main] it said no.")
    assert set(json.loads(error.body())["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("kind", "status", "code", "retry"),
    [
        (ErrorKind.SESSION_EXPIRED, 502, "provider_auth", "false"),
        (ErrorKind.CHALLENGE, 502, "provider_challenge", "false"),
        (ErrorKind.RATE_LIMITED, 429, "rate_limit_exceeded", None),
        (ErrorKind.QUOTA, 429, "insufficient_quota", "false"),
        (ErrorKind.MODEL_UNAVAILABLE, 404, "model_not_found", "false"),
        (ErrorKind.TOO_LONG, 400, "context_length_exceeded", "false"),
        (ErrorKind.PROVIDER_DOWN, 502, "upstream_error", None),
        (ErrorKind.INCOMPLETE, 502, "upstream_eof", None),
    ],
)
def test_meaning_of_kinds(kind: ErrorKind, status: int, code: str, retry: str | None) -> None:
    error = told(kind)
    assert (error.status, error.code) == (status, code)
    assert dict(error.headers()).get("x-should-retry") == retry


def test_retry_after_is_rounded_up_and_told_in_both_units() -> None:
    headers = dict(told(ErrorKind.RATE_LIMITED, retry_after_s=1.2).headers())
    assert headers["retry-after"] == "2"
    assert headers["retry-after-ms"] == "1200"


def test_messages_are_short_clean_and_encodable() -> None:
    error = GatewayError(502, "a\x00b\ud83d" + "x" * 1000)
    assert len(error.message) == 500
    assert "\x00" not in error.message
    error.body().decode()
