"""`listen.driver` while requests run: each connection stays with its driver to its end, whatever is chosen then."""

import asyncio
from functools import partial
from typing import Any

from mitmproxy import http

from addons.dialects.registry import refusal
from addons.layers.deps import LayerDeps
from addons.stream.deps import ClientLimits
from addons.upstream.pool import UpstreamPool
from tests.driver.own_clients import eagerly
from tests.driver.test_floods import OwnHouses
from tests.support.drive import FakeAttempt, FakePort
from tests.support.http1 import END, OK, chunk
from tests.support.machine_drive import Enough
from tests.support.upstream import Wire, Wires

ASK = b"POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"
UPLOAD = b"POST /v1/files HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\nab|first"
REST = b"r" * (200_000 - len(b"ab|first"))


def has_all(wire: Wire) -> bool:
    return wire.sent.endswith(REST)


class Planning:
    """An addon that has each request asked of a provider; what is sent to /v1/files is passed on while it comes."""

    def __init__(self) -> None:
        self.ports: dict[str, FakePort] = {}

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        uploading = Enough() if flow.request.path == "/v1/files" else None
        self.ports[flow.id] = FakePort([], uploading=uploading)

    def request(self, flow: http.HTTPFlow) -> None:
        self.ports[flow.id].attempt = FakeAttempt()
        flow.request = http.Request.make("POST", "http://127.0.0.1/x", b"made", [(b"host", b"127.0.0.1")])

    def find(self, flow: http.HTTPFlow) -> Any:
        return self.ports.get(flow.id)


class Talk:
    """A connection with a request under way, and the provider's end of it."""

    def __init__(self, house: "Switching", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.house, self.reader, self.writer = house, reader, writer

    async def asks(self, data: bytes) -> Wire:
        """Gives the connection to a provider that it goes out on, be it new or not."""
        made = self.house.wires.made
        asked, many = [len(wire.sent) for wire in made], len(made)
        self.writer.write(data)
        await self.house.until(lambda: len(made) > many or [len(wire.sent) for wire in made] != asked)
        if len(made) > many:
            self.wire = made[-1]
            self.wire.opens()
        else:
            (self.wire,) = [wire for wire, sent in zip(made, asked, strict=True) if len(wire.sent) > sent]
        return self.wire

    async def gets(self, word: bytes) -> None:
        assert (await asyncio.wait_for(self.reader.readuntil(word), 30)).endswith(word)


class Switching(OwnHouses):
    """A House whose requests go to providers in the test's hands, over whichever driver is wanted."""

    async def __aenter__(self) -> "Switching":
        await super().__aenter__()
        self.planning, self.wires = Planning(), Wires()
        for hook in ("requestheaders", "request"):
            setattr(self.watching, hook, getattr(self.planning, hook))
        pool = UpstreamPool(self.wires, self.clock)
        self.deps = LayerDeps(
            self.planning.find, self.sweeper, refusal, ClientLimits(), pool, self.clock, transport=self.connections
        )
        return self

    async def talk(self) -> Talk:
        return Talk(self, *await self.dial())


def test_what_is_under_way_goes_on_where_it_began() -> None:
    async def work() -> None:
        async with Switching() as house:
            streams, uploads = list[Talk](), list[Talk]()
            for number, own in enumerate((True, False, True), 1):
                house.driver.is_wanted = own
                streams.append(await house.talk())
                (await streams[-1].asks(ASK)).says(OK + chunk(b"first"))
                uploads.append(await house.talk())
                await uploads[-1].asks(UPLOAD)
                assert len(house.watching.clients) == 2 * number
            assert len(house.connections_made) == 4, "two are mitmproxy's"
            for stream in streams:
                await stream.gets(chunk(b"first"))
                stream.wire.says(chunk(b"[DONE]") + END)
                await stream.gets(chunk(b"[DONE]") + END)
            for upload in uploads:
                upload.writer.write(REST)
                await house.until(partial(has_all, upload.wire))
                upload.wire.says(OK + chunk(b"[DONE]") + END)
                await upload.gets(chunk(b"[DONE]") + END)
            for talk in (*streams, *uploads):  # and their connections serve on, though the choice is another
                house.driver.is_wanted = not house.driver.is_wanted
                (await talk.asks(ASK)).says(OK + chunk(b"[DONE]") + END)
                await talk.gets(END)
            assert (len(house.connections_made), len(house.watching.clients)) == (4, 6)

    eagerly(work)
