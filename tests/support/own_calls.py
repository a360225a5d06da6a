"""The providers' end of calls that the gateway makes itself: each is answered by what comes of a request of httpx's."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx
from mitmproxy.connection import Client, ConnectionState

from addons.upstream.http1 import UpstreamCall
from addons.upstream.port import Cancel, Receiver, Target
from tests.support.drive import FakeLink, Side
from tests.support.http1 import END, chunk

type Carry = Callable[[httpx.Request], Awaitable[httpx.Response]]
_NO_BODY: Final = (204, 304)


class Sides(dict[str, Any]):
    """A gateway's clients by mitmproxy's id for them; whoever is none of them is the gateway itself."""

    def __init__(self, carry: Carry) -> None:
        self._own = OwnCalls(carry, self)

    def __missing__(self, client_id: str) -> "OwnCalls":
        return self._own

    def connect(self, target: Target, client: Client, receiver: Receiver) -> Cancel:
        """The Connect of the gateway."""
        cancel: Cancel = self[client.id].connect(target, client, receiver)
        return cancel


class OwnCalls:
    """Answers calls by `carry`; `sides` has the gateway's clients, with which it shares connections.

    What `carry` raises at once as a refused connection or proxy is one, as a ConnectTimeout no connection ever; any
    other timeout is silence, and any other fault the connection's end. A connection made for such a call serves no
    other, so a client's is always its own.
    """

    def __init__(self, carry: Carry, sides: Mapping[str, Any]) -> None:
        self._carry = carry
        self._sides = sides
        self._answers: dict[FakeLink, tuple[UpstreamCall, asyncio.Future[httpx.Response]]] = {}
        self._tasks: dict[FakeLink, asyncio.Task[None]] = {}

    def connect(self, target: Target, client: Client, receiver: Any) -> Cancel:
        link = FakeLink(self, target, receiver)
        self._tasks[link] = asyncio.ensure_future(self._open(link))
        return link.close

    async def _open(self, link: FakeLink) -> None:
        answer = self._ask(link)
        await asyncio.sleep(0)
        fault = answer.exception() if answer.done() else None
        if isinstance(fault, httpx.ConnectError | httpx.ProxyError):
            link.is_over = True
            link.receiver.failed(str(fault))
        elif not isinstance(fault, httpx.ConnectTimeout):
            link.server.state = ConnectionState.OPEN
            link.receiver.opened(link)
            await self._answered(link, answer, last=True)

    def _ask(self, link: FakeLink) -> asyncio.Future[httpx.Response]:
        call = link.receiver.call
        assert call
        assert call.request
        sent = call.request
        assert sent is not None
        request = httpx.Request(sent.method, sent.url, headers=list(sent.headers.fields), content=sent.raw_content)
        answer = asyncio.ensure_future(self._carry(request))
        self._answers[link] = call, answer
        return answer

    async def _answered(self, link: FakeLink, answer: asyncio.Future[httpx.Response], *, last: bool) -> None:
        try:
            response = await answer
            empty = response.status_code in _NO_BODY
            framing = [(b"connection", b"close")] if last else []
            framing += [] if empty else [(b"transfer-encoding", b"chunked")]
            fields = [one for one in response.headers.raw if one[0].lower() not in (b"content-length", framing[-1][0])]
            lines = [b"HTTP/1.1 %d X" % response.status_code, *(b"%s: %s" % one for one in (*fields, *framing))]
            self._told(link, b"\r\n".join([*lines, b"", b""]))
            async for piece in response.stream:  # type: ignore[union-attr]
                self._told(link, chunk(piece) if piece else b"")
            self._told(link, b"" if empty else END)
        except httpx.TimeoutException:
            return
        except httpx.HTTPError:
            link.ends()

    def _told(self, link: FakeLink, data: bytes) -> None:
        if data and not link.is_over:
            link.receiver.received(data)

    # -- as a client's connection has it (Side) --------------------------------------------------------------------
    def of_client(self, client: Client) -> Side:
        side: Side = self._sides[client.id]
        return side

    def take(self, link: FakeLink) -> None:
        """It counts nothing."""

    def run(self) -> None:
        """Nothing waits here."""

    def provider_gets(self, link: FakeLink, data: bytes) -> None:
        """The first bytes of a call on a connection that a client has left idle; all others are known."""
        call, answer = self._answers.get(link, (None, None))
        if call is not link.receiver.call:
            answer = self._ask(link)
            self._tasks[link] = asyncio.ensure_future(self._answered(link, answer, last=False))

    def provider_left(self, link: FakeLink) -> None:
        _, answer = self._answers.pop(link, (None, None))
        for task in (answer, self._tasks.pop(link, None)):
            if task is not None:
                task.cancel()
