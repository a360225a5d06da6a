"""Refusals that no hook has made, in the form that clients of the path expect (`Refuse`)."""

import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from mitmproxy import http
from mitmproxy.net.http import http1

from addons.cleaning.fields import Fields, by_name
from addons.errors import GatewayError
from addons.stream.request_head import new_request_id

type Refuse = Callable[[str, GatewayError, Mapping[str, str], str], http.Response]
"""The error as an answer to a request at a path with these headers, and the request's id, which stands in the answer;
the path is empty where nobody knows it."""

FULL: Final = "the gateway has as many connections as it may; try again soon"
NOTED: Final = "glassgate_refusal"
"""In a flow's metadata, while it is refused: status, code and message."""


def closing(
    refuse: Refuse, path: str, error: GatewayError, fields: Iterable[tuple[bytes, bytes]] = ()
) -> http.Response:
    """The refusal as an answer that closes its connection, with a request id of its own. `fields`: the head's, as far
    as they are known: which program asks stands there."""
    answer = refuse(path, error, by_name(fields), new_request_id())
    answer.headers["connection"] = "close"
    return answer


def add_missing(answer: http.Response, headers: Fields) -> None:
    """Puts on the headers that the answer does not have."""
    for name, value in headers:
        answer.headers.setdefault(name, value)


def mark_refused(flow: http.HTTPFlow, error: GatewayError) -> None:
    """Notes on a flow the error it is refused with, for the log."""
    flow.metadata[NOTED] = (error.status, error.code, error.message)


def refusal_of(flow: http.HTTPFlow) -> GatewayError | None:
    """The error a flow was refused with, if that was noted; given once."""
    found = flow.metadata.pop(NOTED, None)
    return GatewayError(found[0], found[2], code=found[1]) if found else None


def raw_refusal(refuse: Refuse, error: GatewayError) -> bytes:
    """The refusal as the bytes of an HTTP/1 answer, for a client that has not asked for anything yet."""
    found: bytes = http1.assemble_response(closing(refuse, "", error))
    return found


def turn_away(connection: socket.socket, refuse: Refuse) -> None:
    """Answers 503 on a socket that does not block, for want of room, and closes it."""
    error = GatewayError(503, FULL, code="too_many_connections", retry_after_s=1)
    # No CORS headers: nothing was read of the request, so nobody knows which origin asks.
    with connection, suppress(OSError):
        connection.send(raw_refusal(refuse, error))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)  # a socket that is closed with something unread takes its last words back
