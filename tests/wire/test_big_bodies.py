"""Big and cunning bodies of clients, and answers of sites, through a real mitmdump: others are served meanwhile."""

import gzip
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import brotli
import httpx
import pytest
import zstandard

from providers.sandbox.server import Wire
from tests.support.faulty import PATIENT, ask, made, read
from tests.support.hostile import CHUNKED, DONE, Hostile, chunk, framed, head
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread

MB = 1_000_000
MOST_CHATS = 300
"""While another client waits, the gateway may do work worth so many small chats; it was thousands."""


@pytest.fixture(scope="module")
def gateway(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("big")
    folder.chmod(0o700)
    record = {"enabled": True, "folder": str(folder / "recordings")}
    with made(folder, thread, timeouts=PATIENT, limits={"body_mb": 33}, record=record, **NO_REST) as running:
        yield running


@pytest.fixture(scope="module")
def chat_s(gateway: Gateway) -> float:
    """What a small chat costs here, in seconds of the gateway's own work."""
    before = gateway.cpu_s()
    for _ in range(40):
        assert read(ask(gateway, "hello"))[1] == "done"
    return (gateway.cpu_s() - before) / 40


def longest_wait(gateway: Gateway, work: Callable[[], httpx.Response]) -> tuple[float, httpx.Response]:
    """The longest that another client waited for its chat while `work` was done, and what came of the work.

    A wait is counted in seconds of the gateway's own work: how busy the machine is else changes nothing.
    """
    waits: list[float] = []
    over = threading.Event()

    def others() -> None:
        while not over.is_set():
            began = gateway.cpu_s()
            assert read(ask(gateway, "hello"))[1] == "done"
            waits.append(gateway.cpu_s() - began)

    other = threading.Thread(target=others)
    other.start()
    try:
        answer = work()
    finally:
        over.set()
        other.join()
    return max(waits), answer


def with_content(content: bytes) -> bytes:
    return b'{"model":"m","messages":[{"role":"user","content":' + content + b"}]}"


BODIES: dict[str, tuple[int, Callable[[], bytes]]] = {
    "text": (200, lambda: with_content(b'"' + b"a, " * (32 * MB // 3) + b'"')),
    "escapes": (200, lambda: with_content(b'"' + b"\\n" * (16 * MB) + b'"')),
    "letters, which are recorded": (200, lambda: with_content(b'"' + b"a" * MB + b'"')),
    "objects": (
        400,
        lambda: b'{"model":"m","messages":[{"role":"user","content":"x"}],"x":[' + b"{}," * (10 * MB) + b"1]}",
    ),
    "bad parts": (400, lambda: with_content(b"[" + b'{"type":1},' * (2 * MB) + b"1]")),
    "a long name of a conversation": (200, lambda: with_content(b'"x"')[:-1] + b',"user":"' + b"u" * (30 * MB) + b'"}'),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_big_body_does_not_hold_the_others(name: str, gateway: Gateway, chat_s: float) -> None:
    status, make = BODIES[name]
    body = make()
    url = f"{gateway.url}/v1/chat/completions"
    headers = {**gateway.headers, "content-type": "application/json"}
    wait, answer = longest_wait(gateway, lambda: httpx.post(url, content=body, headers=headers, timeout=60))
    assert wait < MOST_CHATS * chat_s
    assert answer.status_code == status, answer.text


ZEROS = bytes(200 * MB)
LONG = with_content(b'"' + b"a, " * (3 * MB) + b'"')
PACKED: dict[str, tuple[int, Callable[[], bytes]]] = {
    "gzip": (200, lambda: gzip.compress(LONG, 6)),
    "zstd": (200, lambda: zstandard.compress(LONG)),
    "br": (413, lambda: brotli.compress(ZEROS, quality=1)),
    "gzip, gzip": (413, lambda: gzip.compress(gzip.compress(ZEROS, 6))),
    "deflate": (400, lambda: b"\x78\x01" + b"\x00\x00\x00\xff\xff" * (6 * MB)),
}


@pytest.mark.parametrize("coding", PACKED)
def test_what_is_big_when_it_is_inflated_does_not_hold_the_others(coding: str, gateway: Gateway, chat_s: float) -> None:
    status, make = PACKED[coding]
    body = make()
    url, headers = f"{gateway.url}/v1/chat/completions", {**gateway.headers, "content-encoding": coding}
    wait, answer = longest_wait(gateway, lambda: httpx.post(url, content=body, headers=headers, timeout=60))
    assert wait < MOST_CHATS * chat_s
    assert answer.status_code == status


def streams(*events: bytes) -> Callable[[Wire], Awaitable[None]]:
    async def program(wire: Wire) -> None:
        await wire.raw(head(CHUNKED) + b"".join(map(framed, events)) + b"0\r\n\r\n")

    return program


ANSWERS: dict[str, Callable[[], bytes]] = {
    "values": lambda: b'data: {"choices":[' + b'{"delta":{"content":"a"}},' * 300_000 + b"{}]}\n\n",
    "lines": lambda: b"data: {}\n" * 400_000 + b"\n",
    "text": lambda: b'data: {"choices":[{"delta":{"content":"' + b"a, " * (3 * MB) + b'"}}]}\n\n',
    "comments": lambda: b": c\n\n" * MB,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_big_answer_does_not_hold_the_others(name: str, gateway: Gateway, chat_s: float, site: Hostile) -> None:
    site.programs[name] = streams(ANSWERS[name]())
    wait, answer = longest_wait(gateway, lambda: ask(gateway, name, timeout=60))
    assert wait < MOST_CHATS * chat_s
    assert read(answer)[1] != "done"


def test_a_small_packet_of_many_events_does_not_hold_the_others(gateway: Gateway, chat_s: float, site: Hostile) -> None:
    said = chunk("word") + b"data: {}\n\n" * 100_000 + chunk(finish="stop") + DONE
    packed = gzip.compress(said)
    assert len(packed) < 16 * 1024

    async def program(wire: Wire) -> None:
        await wire.raw(head(f"content-length: {len(packed)}", "content-encoding: gzip") + packed)

    site.programs["packed"] = program
    wait, answer = longest_wait(gateway, lambda: ask(gateway, "packed", timeout=60))
    assert wait < MOST_CHATS * chat_s
    assert read(answer) == ("word", "done")


def test_a_big_form_reaches_its_api_whole(tmp_path: Path) -> None:
    headers = {"authorization": f"Bearer {KEY}"}
    tmp_path.chmod(0o700)
    with (
        SandboxThread() as api,
        made(tmp_path, api, ("openai",), ("sandbox-large",), limits={"body_mb": 33}, **NO_REST) as gateway,
    ):
        there, asked = f"{gateway.url}/v1/audio/transcriptions", {"model": "sandbox-large"}
        sound = {"file": ("a.wav", b"RIFF" + bytes(30 * MB))}
        answer = httpx.post(there, files=sound, data=asked, headers=headers, timeout=60)
        assert (answer.status_code, answer.json().get("text")) == (200, f"Hello there, {30 * MB + 4} bytes")
