"""The Carrier of the gateway: over the pool of connections to providers, which the requests of clients share."""

import asyncio
import time
from collections.abc import Iterable
from typing import Final

from mitmproxy import http
from mitmproxy.connection import Client, ConnectionState, Server

from addons.transport.carrier import (
    BODY_LIMIT_BYTES,
    CONNECT_S,
    STEP_S,
    Arrived,
    BoundedBody,
    BrokenAnswer,
    Met,
    NotConnected,
    NotInTime,
    is_too_slow,
)
from addons.transport.upstream_request import request_of
from addons.upstream.events import Answered, Body, Broken, Connected, Ended, NoConnection, UpstreamEvent
from addons.upstream.http1 import ONE_WRITE_BYTES, UpstreamCall
from addons.upstream.pool import UpstreamPool
from addons.upstream.port import Target
from providers.contract.call import Call
from providers.contract.steps import Answer

SENT_S: Final = 300.0
"""How long a body (a file) may take to send, while more of it goes out all the time."""


def own_client() -> Client:
    """The gateway itself as a client of its own, for mitmproxy's hooks of connections."""
    here = ("127.0.0.1", 0)
    return Client(peername=here, sockname=here, timestamp_start=time.time(), state=ConnectionState.OPEN)


class PoolCarrier:
    """Carries calls over `pool`. A connection that was dead costs a second sending, as there (addons/upstream)."""

    def __init__(self, pool: UpstreamPool) -> None:
        self._pool = pool
        self._client = own_client()

    async def carry(
        self,
        call: Call,
        target: Target,
        arrived: Arrived | None = None,
        met: Met | None = None,
        most_bytes: int = BODY_LIMIT_BYTES,
    ) -> Answer:
        request = request_of(call)
        silent_s = max(STEP_S, call.silent_s)
        carrying = _Carrying(arrived, most_bytes, silent_s, is_large=len(call.shown_body) > ONE_WRITE_BYTES)
        sent = self._pool.call(target, request, self._client, carrying.told)
        if sent.connection is not None and sent.connection.link is not None:
            carrying.server = sent.connection.link.server
        carrying.watch(sent)
        try:
            return await carrying.answer
        finally:
            carrying.unwatch()
            if met is not None and carrying.server is not None:
                met(carrying.server)
            sent.leave()


class _Carrying:
    """One call on its way: what the pool tells becomes its `answer`."""

    def __init__(self, arrived: Arrived | None, most_bytes: int, silent_s: float, *, is_large: bool) -> None:
        self._most_bytes = most_bytes
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Answer] = self._loop.create_future()
        self.server: Server | None = None
        """The connection that carries it."""
        self._arrived = arrived
        self._response: http.Response | None = None
        self._body: BoundedBody | None = None
        self._heard_s = self._loop.time()
        self._silent_s = silent_s
        self._wait_s = 2 * silent_s if is_large else silent_s  # a large body takes its time to send, before an answer
        self._unsent: int | None = None
        self._answered_s = self._heard_s
        self._came_bytes = 0
        self._ends_s = self._heard_s + SENT_S

    def told(self, call: UpstreamCall, events: tuple[UpstreamEvent, ...]) -> None:
        self._heard_s = self._loop.time()
        try:
            for event in events:
                if self.answer.done():
                    return
                self._take(event)
        except BrokenAnswer as e:
            self.answer.set_exception(e)

    def _take(self, event: UpstreamEvent) -> None:
        if isinstance(event, Answered):
            self._response, self._wait_s = event.response, self._silent_s
            self._answered_s = self._heard_s
            coding = event.response.headers.get("content-encoding", "")
            self._body = BoundedBody(coding, self._arrived, self._most_bytes)
        elif isinstance(event, Body):
            assert self._body
            for piece in event.pieces:
                self._body.feed(piece)
                self._came_bytes += len(piece)
            if is_too_slow(self._heard_s - self._answered_s, self._came_bytes, self._silent_s):
                self.answer.set_exception(NotInTime())
        elif isinstance(event, Ended):
            assert self._response
            assert self._body
            headers, cookies = _named(self._response.headers.fields)
            self.answer.set_result(Answer(self._response.status_code, headers, self._body.whole(), cookies))
        elif isinstance(event, Connected):
            self.server = event.server
        elif isinstance(event, NoConnection):
            self.answer.set_exception(NotConnected(event.why))
        elif isinstance(event, Broken):
            self.answer.set_exception(BrokenAnswer("RemoteProtocolError"))

    # -- time -----------------------------------------------------------------------------------------------------
    def watch(self, call: UpstreamCall) -> None:
        """Gives up once the connection, or the next piece of the answer, has been waited for too long."""
        left_s = self._heard_s + (self._wait_s if call.is_connected else CONNECT_S) - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self.watch, call)
        elif self._is_being_sent(call):
            self._timer = self._loop.call_later(STEP_S, self.watch, call)
        elif not self.answer.done():
            self.answer.set_exception(NotInTime() if call.is_connected else NotConnected("", in_time=False))

    def _is_being_sent(self, call: UpstreamCall) -> bool:
        """Whether more of a large body has gone out since this was asked last."""
        link = call.connection.link if call.connection is not None else None
        before, left = self._unsent, link.unsent() if link is not None and self._response is None else 0
        self._unsent = left
        return (left > 0 if before is None else left < before) and self._loop.time() < self._ends_s

    def unwatch(self) -> None:
        self._timer.cancel()


def _named(fields: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Headers by name in lower case, those of one name in one, and all Set-Cookie."""
    found: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in fields:
        name, value = _text(raw_name).lower(), _text(raw_value)
        if name == "set-cookie":
            cookies.append(value)
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found, tuple(cookies)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
