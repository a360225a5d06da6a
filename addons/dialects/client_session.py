"""What clients say of their session, their retries and kept answers in a request's head. Pure.

Sources: opencode (its session/llm/request.ts) sends `x-session-id` and `x-session-affinity`, and to its own
service `x-opencode-session`; Codex `session-id` and `thread-id`, older ones `session_id`; Claude Code
`x-claude-code-session-id`, also where it is led through a translator; the SDKs `x-stainless-retry-count`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from addons.dialects.base import ParsedRequest
from addons.dialects.body import Reading
from addons.dialects.routed_head import RoutedHead

SESSION: Final = (
    "x-claude-code-session-id",
    "x-session-affinity",
    "x-session-id",
    "x-opencode-session",
    "session-id",
    "session_id",
    "thread-id",
)
"""Headers with the id of a session, the first that a request has counts."""
RETRY: Final = "x-stainless-retry-count"
CACHE: Final = "cache-control"
"""Whether a kept answer will do (RFC 9111, 5.2.1)."""
READS: Final = (*SESSION, RETRY, CACHE)
"""What a dialect's route reads of a head for this."""
_LONGEST: Final = 256
_MOST: Final = 99


def session_in(head: RoutedHead) -> str | None:
    """The session a head names; None where it names none, or something too long to be one."""
    headers = head.headers
    found = next((headers[name] for name in SESSION if headers.get(name)), None) if headers else None
    return found if found is not None and len(found) <= _LONGEST else None


def in_session(reading: Reading[ParsedRequest], head: RoutedHead) -> Reading[ParsedRequest]:
    """The reading of a request, which belongs to the session that its head names: that goes before what a body says."""
    session = session_in(head)
    return reading if session is None else _of_session(reading, session)


def _of_session(reading: Reading[ParsedRequest], session: str) -> Reading[ParsedRequest]:
    parsed = yield from reading
    return replace(parsed, request=replace(parsed.request, affinity=session))


def retries_in(headers: Mapping[str, str]) -> int:
    """Which retry it is, as an SDK counts: 0 for a first request, and for one that does not say."""
    told = headers.get(RETRY, "")
    return min(int(told), _MOST) if told.isascii() and told.isdecimal() and len(told) <= len(str(_MOST)) else 0
