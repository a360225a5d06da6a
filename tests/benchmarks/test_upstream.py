"""The scripted provider: its answers are what a decoder takes, and it reads requests at every split."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from benchmarks.compare.upstream import Counts, Upstream
from tests.providers.seeds import decoder_of
from tests.support.decoding import run, text_of
from tests.support.virtual_time import in_virtual_time


class Line:
    """A transport that keeps what is written, and when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.writes: list[tuple[float, bytes]] = []

    def write(self, data: bytes) -> None:
        self.writes.append((self._clock(), data))

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.writes)


def connected(clock: Callable[[], float] = lambda: 0.0) -> tuple[Upstream, Line, Counts]:
    counts, line = Counts(), Line(clock)
    upstream = Upstream(counts)
    upstream.connection_made(cast(asyncio.Transport, line))
    return upstream, line, counts


def request(prompt: str = "!b3", *, stream: bool = False, path: str = "/v1/chat/completions") -> bytes:
    body = json.dumps({"model": "bench", "stream": stream, "messages": [{"role": "user", "content": prompt}]}).encode()
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def body_of(answer: bytes) -> bytes:
    """The body, out of its chunks where it has such."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return rest
    out = b""
    while size := int(rest.partition(b"\r\n")[0], 16):
        rest = rest.partition(b"\r\n")[2]
        out, rest = out + rest[:size], rest[size + 2 :]
    return out


@pytest.mark.parametrize(
    ("provider", "model", "path", "stream"),
    [
        ("openai_compatible", "m", "/v1/chat/completions", True),
        ("openai_compatible", "m", "/v1/chat/completions", False),
        ("zai", "GLM-4.6", "/api/chat/completions", True),
        ("anthropic", "m", "/v1/messages", True),
        ("anthropic", "m", "/v1/messages", False),
    ],
)
def test_what_it_says_is_as_many_words_as_were_asked_for(provider: str, model: str, path: str, stream: bool) -> None:
    upstream, line, _ = connected()
    upstream.data_received(request("!b7", stream=stream, path=path))
    events = run(decoder_of(provider, model, stream=stream), [body_of(line.data)])
    said = text_of(events).split()
    assert (len(said), set(said) <= {"word", "more"}) == (7, True)
    assert not stream or said[0] != said[1]


def test_requests_are_read_at_every_split_and_one_behind_the_other() -> None:
    two = request("!b2") + request("!b3", stream=True)
    whole, line, counts = connected()
    whole.data_received(two)
    assert counts.requests == 2
    for at in range(1, len(two)):
        upstream, other, _ = connected()
        upstream.data_received(two[:at])
        upstream.data_received(two[at:])
        assert other.data == line.data


def test_other_things_it_is_asked() -> None:
    upstream, line, _ = connected()
    for path in (b"/v1/models", b"/api/v1/chats/new", b"/", b"/counts", b"/nothing"):
        upstream.data_received(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    models, chat, page, told, nothing = (data for _, data in line.writes)
    value: Any = json.loads(body_of(models))
    assert value["data"][0]["id"] == "bench"
    assert len(json.loads(body_of(chat))["id"]) == 36
    assert b"prod-fe-" in body_of(page)
    assert json.loads(body_of(told)) == {"connections": 1, "requests": 4}
    assert nothing.startswith(b"HTTP/1.1 404")


@in_virtual_time
async def test_paced_pieces_come_at_their_times_until_the_client_leaves() -> None:
    upstream, line, _ = connected(asyncio.get_running_loop().time)
    upstream.data_received(request("!b3-20", stream=True))
    await asyncio.sleep(0.05)
    assert [round(at, 3) for at, _ in line.writes] == [0.0, 0.02, 0.04]
    upstream.connection_lost(None)
    await asyncio.sleep(1)
    assert len(line.writes) == 3
