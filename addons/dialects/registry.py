"""The client formats that are served: the one list of them. Another format is a module or folder and a line here."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from mitmproxy import http

from addons.dialects.base import Dialect, ParsedRequest
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.completions.dialect import Completions
from addons.dialects.images.dialect import Images
from addons.dialects.messages.dialect import Messages
from addons.dialects.passed_on.dialect import PassedOn
from addons.dialects.responses.dialect import Responses
from addons.dialects.routed_head import NO_HEAD
from addons.dialects.routes import RouteMatch, RouteTable
from addons.dialects.transcript import RawTranscript, Transcript
from addons.errors import GatewayError

DIALECTS: tuple[Dialect, ...] = (
    ChatCompletions(),
    Completions(),
    Images(),
    Messages(),
    Responses(),
    PassedOn(),
)
"""Bodies of unknown format are tried in this order. Refusals at paths of no dialect have the first one's envelope."""

_NONE: Final[Mapping[str, str]] = {}


def named(name: str) -> Dialect | None:
    """The dialect of a name; None where there is none (any more)."""
    return next((dialect for dialect in DIALECTS if dialect.name == name), None)


def for_path(path: str, headers: Mapping[str, str] = _NONE) -> Dialect:
    """The dialect whose envelope a refusal at a path has: whose path it is or lies below, else the first one."""
    found = _nearest(path, headers)
    return found.owner if found is not None else DIALECTS[0]


@cache
def _table(dialects: tuple[Dialect, ...]) -> RouteTable[Dialect]:
    return RouteTable((route, dialect) for dialect in dialects for route in dialect.routes)


def _nearest(path: str, headers: Mapping[str, str]) -> RouteMatch[Dialect] | None:
    """The route at or above a path. A version said twice counts once: the client hears of it in its own form."""
    return _table(DIALECTS).nearest(path.partition("?")[0].replace("/v1/v1/", "/v1/", 1), headers)


def refusal(path: str, error: GatewayError, headers: Mapping[str, str] = _NONE, request_id: str = "") -> http.Response:
    """The error as an answer to a request at a path, with these headers and this id where they are known."""
    found = _nearest(path, headers)
    head = (found.head(headers) if found is not None else NO_HEAD)._replace(request_id=request_id)
    answer = (found.owner if found is not None else DIALECTS[0]).error(error, head)
    for name, value in head.id_fields(request_id) if request_id else ():
        answer.headers[name] = value
    return answer


def parsed_as(name: str, body: bytes) -> tuple[Dialect, ParsedRequest]:
    """A body by the dialect of that name; one whose format nobody noted, by the first dialect that can read it.

    Raises GatewayError.
    """
    if (dialect := named(name)) is not None:
        return dialect, dialect.parse(body)
    first: GatewayError | None = None
    for dialect in DIALECTS:
        try:
            return dialect, dialect.parse(body)
        except GatewayError as error:
            first = first or error
    assert first is not None
    raise first


def transcript_of(name: str) -> Transcript:
    """What reads bodies in the format of a name; where nobody noted one, it was the first dialect's."""
    if not name:
        return DIALECTS[0].transcript
    return dialect.transcript if (dialect := named(name)) is not None else RawTranscript()
