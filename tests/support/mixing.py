"""Clients that ask with ids and leave at any moment, and a provider that misbehaves at any byte: who got whose answer?

`python -m tests.support.mixing REQUESTS [tls]` runs a gateway of its own with that many, and says what was seen.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.support.faulty import MODEL, PATIENT, provider
from tests.support.mixed_answers import Answer, answer, cut_at_random
from tests.support.processes import NO_REST, Gateway
from tests.support.self_signed import make_certificate

CLIENTS: Final = 24
READ_BYTES: Final = 16 * 1024
"""What the gateway reads of a provider at once."""
PATIENCE_S: Final = 60.0
IN_ADVANCE: Final = 3
"""Requests that a client sends at once, when it does not wait for each answer."""


@dataclass
class Mixer:
    """The provider and the clients; what they saw."""

    random: Random = field(default_factory=lambda: Random(7))
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    """Answers of others, requests that came twice, clients that waited in vain."""
    _asked: dict[int, bool] = field(default_factory=dict)
    """By id, whether it may come once more."""

    # -- the provider -----------------------------------------------------------------------------------------------
    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            answered = 0
            while await self._serve(reader, writer, reused=answered > 0):
                answered += 1
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, reused: bool) -> bool:
        """Answers one request. Gives whether the connection goes on."""
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = json.loads(await reader.readexactly(size))
        number = int(body["messages"][-1]["content"])
        if not self._asked.get(number, True):
            self.faults.append(f"{number} came twice")
        fate = self.random.randrange(20)
        self._asked[number] = drops = reused and fate == 0
        if drops:
            self.seen["dropped"] += 1
            return False
        stream = bool(body.get("stream"))
        found: Answer = answer(number, self.random, stream=stream)
        if fate < 4:
            await self._split(writer, found.data[: self.random.randrange(1, len(found.data))])
            if fate < 3:
                self._reset(writer)
            return False
        if fate < 6 and not found.lasts_until_closed:
            self.seen["unasked"] += 1
            more = answer(-number - 1, self.random, stream=stream)
            if fate == 5:
                found = answer(number, self.random, stream=stream, ends_at=READ_BYTES)
            writer.write(found.data + more.data)
            await writer.drain()
            return True
        await self._split(writer, found.data)
        if fate == 6:
            await asyncio.sleep(self.random.random() / 50)
            return False
        return found.may_serve_on

    async def _split(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        for piece in cut_at_random(data, self.random):
            writer.write(piece)
            await asyncio.sleep(self.random.choice([0, 0, 0.001]))

    @staticmethod
    def _reset(writer: asyncio.StreamWriter) -> None:
        if found := writer.get_extra_info("socket"):  # unless the gateway was first
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    # -- clients ------------------------------------------------------------------------------------------------------
    async def ask(self, gateway: Gateway, numbers: list[int]) -> None:
        """One client, which asks one after the other, and now and then some before it has an answer."""
        streams = None
        while numbers:
            size = self.random.choice([1, 1, 1, IN_ADVANCE])
            asked = {number: self.random.random() < 0.5 for number in numbers[:size]}
            numbers = numbers[size:]
            try:
                streams = streams or await asyncio.open_connection("127.0.0.1", gateway.port)
                streams[1].write(b"".join(_request(gateway, *one) for one in asked.items()))
            except OSError:
                streams = None
                self.seen["cut"] += len(asked)
                continue
            for number, stream in asked.items():
                outcome = await self._outcome(number, streams[0], stream=stream)
                self.seen[outcome] += 1
                if outcome in ("left", "cut"):
                    streams[1].transport.abort()
                    streams = None
                    break
        if streams is not None:
            streams[1].transport.abort()

    async def _outcome(self, number: int, reader: asyncio.StreamReader, *, stream: bool) -> str:
        leaves_s = self.random.random() / 30 if self.random.random() < 0.12 else PATIENCE_S
        try:
            text = await asyncio.wait_for(self._next_answer(reader), leaves_s)
        except TimeoutError:
            if leaves_s == PATIENCE_S:
                self.faults.append(f"{number} waited in vain")
            return "left"
        except (OSError, asyncio.IncompleteReadError):
            return "cut"
        return self._judge(number, text, stream=stream)

    async def _next_answer(self, reader: asyncio.StreamReader) -> str:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            return (await reader.readuntil(b"0\r\n\r\n")).decode()
        size = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        return (await reader.readexactly(size)).decode()

    def _judge(self, number: int, text: str, *, stream: bool) -> str:
        said = text.replace("\\u003c", "<")
        strange = said.replace(f"<{number}>", "")
        if "<" in strange:
            self.faults.append(f"{number} was told {said!r}")
        if '"error"' in text:
            return "error"
        if said.count(f"<{number}>") != 1 + number % 7:
            self.faults.append(f"{number} is not whole: {text!r}")
        return "right"


def _request(gateway: Gateway, number: int, stream: bool) -> bytes:
    fields = {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": str(number)}]}
    body = json.dumps(fields).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", f"host: 127.0.0.1:{gateway.port}"]
    lines += ["content-type: application/json", f"authorization: {gateway.headers['authorization']}"]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


async def mix(gateway: Gateway, mixer: Mixer, requests: int) -> None:
    await asyncio.gather(*(mixer.ask(gateway, list(range(n, requests, CLIENTS))) for n in range(CLIENTS)))


async def run(folder: Path, requests: int, *, tls: bool) -> Mixer:
    """All of it, with a gateway of its own."""
    mixer, context, scheme = Mixer(), None, "http"
    arguments: tuple[str, ...] = ()
    if tls:
        certificate, key = make_certificate(folder)
        context, scheme = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "https"
        context.load_cert_chain(certificate, key)
        arguments = ("--set", f"ssl_verify_upstream_trusted_ca={certificate}")
    server = await asyncio.start_server(mixer.attend, "127.0.0.1", 0, ssl=context)
    async with server:
        url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        entries = {"mixer": provider(url)}
        gateway = Gateway(folder, providers=entries, timeouts=PATIENT, arguments=arguments, **NO_REST)
        gateway.vault.put("mixer", "key", {"api_key": "sk-mixer-0123456789"})
        await asyncio.to_thread(gateway.__enter__)
        try:
            await mix(gateway, mixer, requests)
        finally:
            await asyncio.to_thread(gateway.__exit__)
            mixer.seen["lines of faults"] = gateway.log.count("Traceback")
    return mixer


def main(requests: int, *, tls: bool) -> int:
    with tempfile.TemporaryDirectory() as made:
        found = asyncio.run(run(Path(made), requests, tls=tls))
    print(json.dumps({"requests": requests, "tls": tls, **found.seen, "faults": found.faults[:20]}))  # noqa: T201
    return bool(found.faults or found.seen["lines of faults"])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), tls="tls" in sys.argv))
