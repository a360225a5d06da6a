"""What attackers do to a gateway, as bounded loopback traffic for the soak: with and without a key.

Each attack opens one connection, sends at most a few MB, and ends within seconds. None needs an answer; an answer with
status 200 to one that holds no key is a wrong outcome.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.processes import KEY, Gateway

ANSWER_S = 30.0
ATTACK = "attack"
LATE = f"attack without an answer in {ANSWER_S:.0f} s"


@dataclass
class Wire:
    """One raw connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str
    said: int | None = None
    """The status read last."""

    async def send(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if pause_s:
                await asyncio.sleep(pause_s)

    async def status(self) -> int | None:
        """The status of the first answer, 0 when the connection ended without one, None when nothing came in time."""
        try:
            async with asyncio.timeout(ANSWER_S):
                line = await self.reader.readline()
        except TimeoutError:
            return None
        self.said = int(line.split(b" ")[1]) if line.startswith(b"HTTP/1.1 ") else 0
        return self.said

    def head(self, *lines: str, method: str = "POST", path: str = "/v1/chat/completions") -> bytes:
        return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {self.host}", *lines, "", ""]).encode("latin-1")

    def asked(self, body: bytes) -> bytes:
        return self.head(f"Authorization: Bearer {KEY}", f"Content-Length: {len(body)}") + body


type Attack = Callable[[Wire, random.Random], Awaitable[bool]]
"""Gives whether the outcome was a right one."""


async def many_headers(wire: Wire, rng: random.Random) -> bool:
    await wire.send(wire.head(*(f"a{number}:" for number in range(rng.choice((150, 2000, 8000)))), method="GET"))
    return await wire.status() not in (200, None)


async def endless_chunk_extension(wire: Wire, rng: random.Random) -> bool:
    line = wire.head(f"Authorization: Bearer {KEY}", "Transfer-Encoding: chunked") + b"5;"
    with contextlib.suppress(ConnectionError):
        await wire.send(line, *([b"a" * 65536] * 32))
    return await wire.status() not in (200, None)


async def endless_trailers(wire: Wire, rng: random.Random) -> bool:
    head = wire.head(f"Authorization: Bearer {KEY}", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n"
    with contextlib.suppress(ConnectionError):
        await wire.send(head, *([b"x-t: " + b"a" * 4000 + b"\r\n"] * 256))
    return await wire.status() not in (200, None)


async def body_without_key(wire: Wire, rng: random.Random) -> bool:
    await wire.send(wire.head("Content-Length: 9000000", "Expect: 100-continue"))
    with contextlib.suppress(ConnectionError):
        await wire.send(*([b"x" * 65536] * 16))
    return await wire.status() not in (100, 200, None)


async def says_nothing(wire: Wire, rng: random.Random) -> bool:
    await wire.send(rng.choice((b"", b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0\r\n", b"\r\n\r\n", b"GET /v1/mod")))
    await asyncio.sleep(rng.random() * 2)
    return True


async def guesses_keys(wire: Wire, rng: random.Random) -> bool:
    guess = f"Authorization: Bearer sk-{rng.getrandbits(128):032x}"
    await wire.send(wire.head(guess, method="GET", path="/v1/models?api_key=sk-guess"))
    return await wire.status() == 401


async def odd_heads(wire: Wire, rng: random.Random) -> bool:
    odd = rng.choice(
        (
            wire.head("Content-Length: 3", "Transfer-Encoding: chunked"),
            wire.head("Content-Length: 3", "Content-Length: 4"),
            wire.head("Authorization Bearer no colon"),
            wire.head(method="GET", path="/\x1b]0;title\x07\x1b[2J"),
            wire.head(method="CONNECT", path="127.0.0.1:9"),
            wire.head("Upgrade: websocket", "Connection: upgrade", method="GET"),
            b"GET / HTTP/9.9\r\n\r\n",
            rng.randbytes(3000),
        )
    )
    await wire.send(odd)
    return await wire.status() != 200


async def dear_json(wire: Wire, rng: random.Random) -> bool:
    count = rng.choice((100_000, 900_000))
    body = rng.choice(
        (
            lambda: b'{"model":"sandbox-large","messages":[],"x":[' + b"{}," * count + b"{}]}",
            lambda: b'{"model":"sandbox-large","messages":[' + b"1," * count + b"1]}",
            lambda: b"[" * count,
            lambda: json.dumps({"model": "m", "messages": [{"role": "user", "content": "a" * 5_000_000}]}).encode(),
            lambda: json.dumps({"model": "sandbox-large", "user": "u" * 3_000_000, "messages": []}).encode(),
            lambda: b'{"a":' + b"1" * count + b"}",
        )
    )()
    with contextlib.suppress(ConnectionError):
        await wire.send(wire.asked(body))
    return await wire.status() not in (200, None)


async def does_not_read(wire: Wire, rng: random.Random) -> bool:
    words = {"role": "user", "content": "talk\n!sandbox text='" + "many words " * 500 + "'"}
    await wire.send(wire.asked(json.dumps({"model": "sandbox-large", "stream": True, "messages": [words]}).encode()))
    await asyncio.sleep(rng.random() * 2)
    return True


ATTACKS: tuple[Attack, ...] = (
    many_headers,
    endless_chunk_extension,
    endless_trailers,
    body_without_key,
    says_nothing,
    guesses_keys,
    odd_heads,
    dear_json,
    does_not_read,
)


@contextlib.asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[Wire]:
    host = urlsplit(gateway.url).netloc
    reader, writer = await asyncio.open_connection(*host.split(":"))
    try:
        yield Wire(reader, writer, host)
    finally:
        writer.transport.abort()


async def attack(gateway: Gateway, rng: random.Random) -> tuple[str, str | None]:
    """One attack: ATTACK, or LATE where no answer came in time; and what the gateway did wrong, if anything."""
    chosen = rng.choice(ATTACKS)
    try:
        async with connected(gateway) as wire:
            if await chosen(wire, rng):
                return ATTACK, None
            return (LATE, None) if wire.said is None else (ATTACK, f"attack {chosen.__name__}: status {wire.said}")
    except ConnectionError:
        return ATTACK, None  # it hung up on us: also an answer
