"""HTTP/1 of both sides where mitmproxy's own is not enough: JSON refusals, bounded heads, interim answers."""

import json
import uuid

from mitmproxy import http
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpClient
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import ResponseData, ResponseProtocolError
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Server

from addons.stream.gear import Commands, Gear, RefusedHead, Tick

HEAD_LIMIT_BYTES = 64 * 1024
BEGINNING_BYTES = 1024
"""How much of a refused head is looked at to tell what was asked for."""
REFUSED_CODE = "bad_http_request"
INTERIM_LIMIT = 100
"""Interim answers (1xx) before a final one; more is no provider's honest way."""


def error_response(status: int, message: str, code: str) -> http.Response:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    headers = {"content-type": "application/json", "connection": "close", "x-request-id": f"req_{uuid.uuid4().hex}"}
    return http.Response.make(status, json.dumps({"error": error}).encode(), headers)


class JsonHttp1Server(Http1Server):
    """mitmproxy's HTTP/1 server side, saying its refusals in JSON and bounding the request head in bytes and time."""

    def __init__(self, context: Context, gear: Gear) -> None:
        super().__init__(context)
        self.gear = gear
        self.deadline = float("inf")
        self.ending = False
        self._begins = b""

    @property
    def client_id(self) -> str:
        return self.context.client.id

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._on_tick()
            return
        yield from super()._handle_event(event)
        if not isinstance(event, ResponseData):  # a stream's pieces: they are many, and no head begins with them
            self._watch_head()

    def _watch_head(self) -> None:
        """A head that has begun must be complete in time; a quiet connection between requests may wait."""
        if self.state == self.read_headers and self.buf:
            if self.deadline == float("inf"):
                self.deadline = self.gear.clock() + self.gear.limits.head_s
                self.gear.watch.add(self)
        elif self.deadline != float("inf"):
            self._unwatch()

    def _unwatch(self) -> None:
        self.deadline = float("inf")
        self.gear.watch.discard(self)

    def _on_tick(self) -> Commands:
        if self.state == self.read_headers and self.gear.clock() >= self.deadline:
            message = f"the request's head did not arrive within {self.gear.limits.head_s:g} s"
            yield from self._refuse(408, message)
        if self.deadline <= self.gear.clock() or self.ending:
            self._unwatch()

    def _refuse(self, status: int, message: str) -> Commands:
        yield commands.SendData(self.conn, self._refused_head(status, message, bytes(self.buf)[:BEGINNING_BYTES]))
        yield commands.CloseConnection(self.conn)
        self.state = self.done

    def send(self, event: HttpEvent) -> Commands:
        if isinstance(event, ResponseProtocolError) and not self.response:
            status = event.code.http_status_code()
            if status is not None and self.conn.connected:
                yield commands.SendData(self.conn, self._refusal(status, event.message))
            yield commands.CloseConnection(self.conn)
            return
        yield from super().send(event)

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        if len(self.buf) > HEAD_LIMIT_BYTES and b"\r\n\r\n" not in bytes(self.buf)[:HEAD_LIMIT_BYTES]:
            yield from self._refuse(431, f"the request's head is larger than {HEAD_LIMIT_BYTES // 1024} KB")
            return
        if isinstance(event, events.DataReceived) and len(self.buf) <= len(event.data):  # a head begins
            self._begins = event.data[:BEGINNING_BYTES]
        for command in super().read_headers(event):
            if isinstance(command, commands.SendData) and self.response is None and command.connection is self.conn:
                yield commands.SendData(
                    self.conn, self._refused_head(400, "the request's head is malformed", self._begins)
                )
            else:
                yield command

    def _refused_head(self, status: int, message: str, begins: bytes) -> bytes:
        """The refusal of a head that cannot become a request; it is told here, since no hook will."""
        answer = error_response(status, message, REFUSED_CODE)
        client = str(self.context.client.peername[0])
        self.gear.refused(RefusedHead(answer.headers["x-request-id"], client, begins, status, REFUSED_CODE, message))
        raw: bytes = http1.assemble_response(answer)
        return raw

    @staticmethod
    def _refusal(status: int, message: str) -> bytes:
        raw: bytes = http1.assemble_response(error_response(status, message, REFUSED_CODE))
        return raw


class FinalHttp1Client(Http1Client):
    """mitmproxy's HTTP/1 client side, passing over interim answers (RFC 9110, 15.2) to the final one."""

    interim = 0

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        if isinstance(event, events.DataReceived) and self.request:
            self._pass_over_interim()
        yield from super().read_headers(event)

    def _pass_over_interim(self) -> None:
        while self.interim < INTERIM_LIMIT:
            head, end, _ = bytes(self.buf).partition(b"\r\n\r\n")
            if not end or not _is_interim(head):
                return
            self.interim += 1
            self.buf.maybe_extract_at_most(len(head) + len(end))

    def mark_done(self, *, request: bool = False, response: bool = False) -> Commands:
        if response:
            self.interim = 0
        yield from super().mark_done(request=request, response=response)


def _is_interim(head: bytes) -> bool:
    """Whether a response's head is one of 100-199; but switching protocols is an answer, and a wrong one."""
    parts = head.split(b" ", 2)
    return len(parts) > 1 and parts[0].startswith(b"HTTP/1.") and parts[1][:1] == b"1" and parts[1] != b"101"


def with_final_answers(handler: layer.Layer) -> None:
    """Puts our HTTP/1 in place of mitmproxy's on a connection to a provider that has just been made."""
    layers = handler.context.layers
    plain, owner = layers[-1], layers[-2]
    if type(plain) is not Http1Client or not isinstance(owner, HttpClient):
        return
    layers.remove(plain)
    own = FinalHttp1Client(plain.context)
    for _ in own.handle_event(events.Start()):
        raise AssertionError("the start of HTTP/1 asks for nothing")
    owner.child_layer = own
    owner._handle_event = own.handle_event  # as mitmproxy does
