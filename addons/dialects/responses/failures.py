"""What a failure is called in this form, so that a client stops, waits or tries again as it should.

Measured with Codex CLI 0.169: a 502 makes it ask thirty times, a 429 hides our words, `response.failed` with the code
`invalid_prompt` ends its turn at once with them. So a stream of Codex's that is refused gets a 200 which says no more
than that (docs/dialects.md). The OpenAI SDKs obey statuses and x-should-retry, and get those.
"""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from addons.dialects.routed_head import RoutedHead
from addons.errors import SHORT_WAIT_S, GatewayError

HEADERS: Final = ("originator", "user-agent", "accept")
"""By these Codex is known."""
_CODEX: Final = "codex"
_EVENTS: Final = "text/event-stream"
_USUAL_WAIT_S: Final = 5.0


class Verdict(StrEnum):
    """The code of a failed answer, by what it makes a client do."""

    FINAL = "invalid_prompt"
    """It stops, and shows our words."""
    TOO_LONG = "context_length_exceeded"
    """It shortens the conversation, or stops."""
    LIMITED = "rate_limit_exceeded"
    """It waits as long as the message says, and asks again."""
    AGAIN = "server_error"
    """It asks again, a few times."""


BY_CODE: Final[Mapping[str, Verdict]] = {
    "context_length_exceeded": Verdict.TOO_LONG,
    "rate_limit_exceeded": Verdict.LIMITED,
    "account_busy": Verdict.LIMITED,
    "provider_auth": Verdict.FINAL,
    "provider_challenge": Verdict.FINAL,
    "provider_forbidden": Verdict.FINAL,
    "provider_account_blocked": Verdict.FINAL,
    "provider_outdated_client": Verdict.FINAL,
    "provider_misconfigured": Verdict.FINAL,
    "insufficient_quota": Verdict.FINAL,
    "model_not_found": Verdict.FINAL,
    "not_found": Verdict.FINAL,
    "invalid_request_error": Verdict.FINAL,
    "content_filter": Verdict.FINAL,
    "no_account": Verdict.FINAL,
    "conversation_busy": Verdict.AGAIN,
    "conversation_gone": Verdict.AGAIN,
    "upstream_error": Verdict.AGAIN,
    "upstream_timeout": Verdict.AGAIN,
    "upstream_unreachable": Verdict.AGAIN,
    "upstream_tls": Verdict.AGAIN,
    "upstream_eof": Verdict.AGAIN,
    "provider_unavailable": Verdict.AGAIN,
    "gateway_full": Verdict.AGAIN,
    "shutting_down": Verdict.AGAIN,
}
"""What is meant by the codes of errors; all others by their status."""


def verdict(error: GatewayError) -> Verdict:
    """What the error is to make a client do. Who would have to wait for longer than a minute is told so, and stops."""
    found = BY_CODE.get(error.code or "") or _by_status(error)
    if found in (Verdict.FINAL, Verdict.TOO_LONG):
        return found
    if error.should_retry is False or wait_s(error) > SHORT_WAIT_S:
        return Verdict.FINAL
    return Verdict.LIMITED if wait_s(error) else found


def _by_status(error: GatewayError) -> Verdict:
    if error.status == 429:
        return Verdict.LIMITED
    return Verdict.FINAL if 400 <= error.status < 500 and error.status != 408 else Verdict.AGAIN


def wait_s(error: GatewayError) -> float:
    """The wait that the error names; 0 where it names none."""
    named = error.retry_after_s
    return named if named is not None and named > 0 else 0.0


def told(error: GatewayError) -> Mapping[str, str]:
    """The `error` of a failed answer. The wait stands in the words, where Codex looks for it."""
    found, message = verdict(error), error.message
    if found is Verdict.LIMITED:
        message = f"{message} Please try again in {math.ceil(wait_s(error) or _USUAL_WAIT_S)}s."
    return {"code": found.value, "message": message}


def wants_failed_stream(head: RoutedHead) -> bool:
    """Whether Codex asks for a stream, which takes a status for a reason to ask again."""
    headers = head.headers
    is_codex = any(headers.get(name, "").lower().startswith(_CODEX) for name in ("originator", "user-agent"))
    return is_codex and _EVENTS in headers.get("accept", "").lower()
