"""Refusals that no hook has made: in JSON, as the client of an OpenAI API expects them."""

import json
import socket
import uuid
from contextlib import suppress

from mitmproxy import http
from mitmproxy.net.http import http1

FULL = "the gateway has as many connections as it may; try again soon"


def error_response(status: int, message: str, code: str, *, retry_after_s: int = 0) -> http.Response:
    kind = "server_error" if status >= 500 else "rate_limit_error" if status == 429 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    headers = {"content-type": "application/json", "connection": "close", "x-request-id": f"req_{uuid.uuid4().hex}"}
    if retry_after_s:
        headers["retry-after"] = str(retry_after_s)
    return http.Response.make(status, json.dumps({"error": error}).encode(), headers)


def raw_refusal(status: int, message: str, code: str, *, retry_after_s: int = 0) -> bytes:
    """The refusal as HTTP/1 has it."""
    found: bytes = http1.assemble_response(error_response(status, message, code, retry_after_s=retry_after_s))
    return found


def turn_away(connection: socket.socket) -> None:
    """Says that there is no room and hangs up; the socket does not block."""
    with connection, suppress(OSError):
        connection.send(raw_refusal(503, FULL, "too_many_connections", retry_after_s=1))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)  # a socket that is closed with something unread takes its last words back
