"""Sandbox sites without sockets: a request goes in, and the answer is read off what the site wrote."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import h11

from providers.sandbox.server import Gone, Request, Site, Wire


@dataclass
class Written:
    """Takes what a server writes, in the place of an asyncio.StreamWriter; `end` says how it was ended."""

    data: bytearray = field(default_factory=bytearray)
    writes: list[bytes] = field(default_factory=list)
    end: str = ""

    def write(self, data: bytes) -> None:
        self.data += data
        self.writes.append(bytes(data))

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def close(self) -> None:
        self.end = self.end or "closed"

    async def wait_closed(self) -> None: ...

    def abort(self) -> None:
        self.end = "reset"

    @property
    def transport(self) -> "Written":
        return self

    def get_extra_info(self, name: str) -> Any:
        assert name == "socket"
        return self

    def setsockopt(self, *values: object) -> None: ...


@dataclass(frozen=True)
class RecordedAnswer:
    """`whole` where the answer came to its end as HTTP has it; `end` how the connection was ended by the site."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    end: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def request(method: str, target: str, body: object = b"", **headers: str) -> Request:
    """A request as the server reads one. A body that is no bytes is JSON; `_` in names of headers stands for `-`."""
    url = urlsplit(target)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, url.path, dict(parse_qsl(url.query, keep_blank_values=True)), named, data)


async def asked(site: Site, one: Request, *, gone: asyncio.Event | None = None) -> RecordedAnswer:
    """What the site answers. The client stays unless `gone` is set."""
    written = Written()
    site.requests.append(one)
    try:
        await site.handle(one, Wire(cast(Any, written), gone or asyncio.Event()))
    except Gone:
        written.end = written.end or "gone"
    return read(bytes(written.data), written.end, one.method)


def ask(site: Site, method: str, target: str, body: object = b"", **headers: str) -> RecordedAnswer:
    """`asked` by itself, for tests that are no coroutines; without waits."""
    return asyncio.run(asked(site, request(method, target, body, **headers)))


def read(data: bytes, end: str = "", method: str = "GET") -> RecordedAnswer:
    """An HTTP/1.1 answer as far as it came. Status 0 where there is none."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    status, fields, body, whole = 0, dict[str, str](), bytearray(), False
    while True:
        try:
            event = client.next_event()
        except h11.RemoteProtocolError:
            break
        if isinstance(event, h11.Response):
            status = event.status_code
            fields = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            whole = isinstance(event, h11.EndOfMessage)
            break
    return RecordedAnswer(status, fields, bytes(body), whole, end)
