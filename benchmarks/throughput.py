"""Requests and stream events a second: the gateway against mitmdump's bare pass-through, in the same run.

    python benchmarks/throughput.py [--seconds 8] [--clients 16] [--streams 100]

Three processes on loopback: the sandbox (official form), the proxy under test, and this one. The load is plain sockets,
written here so that a client library is not what gets measured. Figures of the two proxies alternate, so that a machine
that gets slower in between does so for both.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from addons.cli.demo import start_sites  # noqa: E402
from tests.support.ports import free_port  # noqa: E402
from tests.support.processes import KEY, Gateway  # noqa: E402


@dataclass(frozen=True)
class Way:
    """One way to the sandbox: where, with which key, as which model."""

    name: str
    port: int
    key: str


@contextmanager
def passthrough(target: str, key: str) -> Iterator[Way]:
    """mitmdump as it comes, streaming everything through."""
    port = free_port()
    tool = Path(sys.executable).with_name("mitmdump")
    command = [str(tool), "--quiet", "--mode", f"reverse:{target}@127.0.0.1:{port}", "--set", "stream_large_bodies=1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                asyncio.run(_probe(port))
                break
            except OSError:
                time.sleep(0.05)
        yield Way("bare mitmdump", port, key)
    finally:
        process.terminate()
        process.wait(10)


async def _probe(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def request(way: Way, prompt: str, *, stream: bool) -> bytes:
    message = {"role": "user", "content": prompt}
    body = json.dumps({"model": "sandbox-large", "stream": stream, "messages": [message]}).encode()
    head = [
        "POST /v1/chat/completions HTTP/1.1",
        f"host: 127.0.0.1:{way.port}",
        f"authorization: Bearer {way.key}",
        "content-type: application/json",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Status and number of `data:` lines of one answer, whole or chunked."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    if b"content-length:" in head:
        size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(size)
        return status, 0
    events = 0
    while size := int(await reader.readline(), 16):
        events += (await reader.readexactly(size + 2)).count(b"data:")
    await reader.readline()
    return status, events


async def requests_a_second(way: Way, clients: int, seconds: float) -> float:
    """Whole answers over `clients` kept connections, as fast as they come."""
    data = request(way, "Hi\n!sandbox text=ok", stream=False)
    end = time.monotonic() + seconds

    async def one() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        done = 0
        while time.monotonic() < end:
            writer.write(data)
            status, _ = await read_answer(reader)
            assert status == 200, status
            done += 1
        writer.close()
        return done

    began = time.monotonic()
    total = sum(await asyncio.gather(*(one() for _ in range(clients))))
    return total / (time.monotonic() - began)


async def events_a_second(way: Way, streams: int, events: int, pace_ms: int) -> tuple[float, float]:
    """`streams` at once, each of `events` pieces: events a second, and seconds until the last stream was over."""
    data = request(way, f"Hi\n!sandbox count={events} pace_ms={pace_ms}", stream=True)

    async def one() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", way.port)
        writer.write(data)
        status, found = await read_answer(reader)
        assert status == 200, status
        assert found > events, found
        writer.close()
        return found

    began = time.monotonic()
    total = sum(await asyncio.gather(*(one() for _ in range(streams))))
    return total / (time.monotonic() - began), time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sites, described = start_sites()
    try:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o700)
            key = described["sessions"]["openai"]["api_key"]
            with (
                Gateway(Path(folder), described, accounts={"max_concurrent": 2000}) as gateway,
                passthrough(described["base_urls"]["openai"], key) as bare,
            ):
                measure(options, Way("glassgate", gateway.port, KEY), bare)
    finally:
        sites.terminate()
        sites.wait(10)


def measure(options: Any, ours: Way, bare: Way) -> None:
    figures: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for way in (ours, bare):
            rate = asyncio.run(requests_a_second(way, options.clients, options.seconds))
            figures.setdefault(f"{way.name}: requests/s", []).append(rate)
            events, _ = asyncio.run(events_a_second(way, options.streams, options.events, 0))
            figures.setdefault(f"{way.name}: events/s, {options.streams} streams at full speed", []).append(events)
            _, took = asyncio.run(events_a_second(way, options.streams, 100, 20))
            figures.setdefault(f"{way.name}: seconds for {options.streams} streams of 2 s", []).append(took)
    for name, values in sorted(figures.items()):
        print(f"{name:60} median {statistics.median(values):10.1f}   {min(values):.1f} to {max(values):.1f}")


if __name__ == "__main__":
    main()
