"""Errors of the gateway in Anthropic's envelope, and for Claude Code in the form that it stops at.

Measured on Claude Code 2.1.332: it asks a 400 six times over (each time without another beta), a 404 twice and with
words of its own, a 401 for more than a minute; 502 with `x-should-retry: false` once, and shows what is said. So what
no repetition heals is told it as that, whatever its status is elsewhere. 429 with `x-should-retry: false` or a long
`retry-after` ends it too; 503 is always repeated, and stands for what passes alone.
"""

import re
from collections.abc import Mapping
from typing import Final

from mitmproxy import http

from addons.dialects.base import JSON
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.text import json_bytes
from addons.errors import GatewayError

CLAUDE_CODE: Final = "claude-cli/"
"""How its User-Agent begins."""
TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Status → `error.type`. All other refusals are invalid_request_error, all other failures api_error."""
TOO_LONG: Final = "context_length_exceeded"
_STAYS: Final = frozenset({403, 429, 500, 502, 503, 504})
"""Statuses that Claude Code is told as they are: it stops at 403; the others pass, or say that they do not."""
_DENIED: Final = 403
_FINAL: Final = 502
_KEY_HEADER: Final = re.compile("x-api-key", re.IGNORECASE)
"""Whatever error these words stand in, Claude Code shows `Not logged in` for it, and nothing that was said."""
_NEVER_PASSING: Final = frozenset({"no_account"})
"""Codes of a 503 that waiting does not heal."""


def told_to_claude_code(error: GatewayError) -> tuple[int, bool | None]:
    """Status and `x-should-retry` of an error as Claude Code is told it: one request, and our words, where that is
    final."""
    if error.code == TOO_LONG:
        return 400, False  # it makes room in the conversation, and asks again by itself
    if error.words and error.status == 400:
        return 400, error.should_retry  # of an API of the form itself: it mends what is refused, by those very words
    if error.status == 401:
        return _DENIED, False
    if error.status == 503 and (error.should_retry is False or error.code in _NEVER_PASSING):
        return _FINAL, False
    if error.status in _STAYS and error.code != "content_filter":
        return error.status, error.should_retry
    return _FINAL, False


def is_claude_code(head: RoutedHead) -> bool:
    return head.headers.get("user-agent", "").startswith(CLAUDE_CODE)


def error_response(error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
    """The error as an answer: its status, the envelope, its retry hints."""
    status, hints, message = error.status, error.headers(), _message(error)
    if is_claude_code(head):
        status, retry = told_to_claude_code(error)
        message = _KEY_HEADER.sub("API key", message)
        hints = [(name, value) for name, value in hints if name != "x-should-retry"]
        if retry is not None:
            hints.append(("x-should-retry", "true" if retry else "false"))
    headers = [("content-type", JSON), *hints]
    told = _envelope(status, message, head.request_id)
    return http.Response.make(status, told, [(n.encode(), v.encode()) for n, v in headers])


def error_frame(error: GatewayError) -> bytes:
    """The error as the last event of a stream."""
    return b"event: error\ndata: " + _envelope(error.status, _message(error)) + b"\n\n"


def _envelope(status: int, message: str, request_id: str = "") -> bytes:
    kind = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    told = {"type": kind, "message": message}
    named = {"request_id": request_id} if request_id else {}
    return json_bytes({"type": "error", "error": told, **named})


def _message(error: GatewayError) -> str:
    """What is the matter. A conversation that is too long is told in the words of Anthropic's own API, by which clients
    know that they have to make it shorter."""
    if error.words or error.code != TOO_LONG:
        return error.words or error.message
    numbers = f"{error.prompt[0]} tokens > {error.prompt[1]} maximum. " if error.prompt is not None else ""
    return f"prompt is too long: {numbers}{error.message}"
