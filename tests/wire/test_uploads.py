"""Uploads over real sockets: 100 MB of which little is held, whoever is slow, and whoever leaves."""

import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Final, cast

import httpx
import openai
import pytest

from tests.support.faulty import PATIENT, provider
from tests.support.processes import KEY, NO_REST, Gateway
from tests.support.taking_api import TakingApi

MB: Final = 1_000_000
PATTERN: Final = bytes(range(256)) * 4096


class Generated(io.RawIOBase):
    """A file that nobody has stored."""

    name = "a.wav"

    def __init__(self, size: int) -> None:
        self.size, self.at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = (0, self.at, self.size)[whence] + offset
        return self.at

    def read(self, size: int = -1) -> bytes:
        found = PATTERN[: min(len(PATTERN), self.size - self.at, size if size >= 0 else self.size)]
        self.at += len(found)
        return found


@pytest.fixture(scope="module")
def api() -> Iterator[TakingApi]:
    with TakingApi() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(api: TakingApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("uploads")
    folder.chmod(0o700)
    found = Gateway(folder, providers={"taking": provider(api.url)}, timeouts=PATIENT, **NO_REST)
    found.vault.put("taking", "key", {"api_key": "key-of-the-taking-api-0123456789"})
    with found as running:
        with openai.OpenAI(base_url=f"{running.url}/v1", api_key=KEY, max_retries=0) as client:
            client.audio.transcriptions.create(
                model="m", file=cast(Any, Generated(3 * MB))
            )  # all that is needed is loaded now
        api.next()
        yield running


@pytest.fixture(autouse=True)
def as_usual(api: TakingApi) -> None:
    api.stops_at, api.early = None, None
    api.go.clear()


def begun(gateway: Gateway, size: int) -> socket.socket:
    """A raw client that has sent head and beginning of a form of that size."""
    client = socket.create_connection(("127.0.0.1", gateway.port), timeout=60)
    client.sendall(
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer %s\r\n"
        b"content-type: multipart/form-data; boundary=b\r\ncontent-length: %d\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' % (gateway.port, KEY.encode(), size)
    )
    return client


def fill(client: socket.socket) -> int:
    """Sends until nobody takes any more; gives how much that was."""
    client.settimeout(1)
    sent = 0
    try:
        while True:
            sent += client.send(PATTERN)
    except OSError:
        return sent


def test_100_mb_go_by_and_little_is_held_while_the_api_takes_nothing(gateway: Gateway, api: TakingApi) -> None:
    size, before, held = 100 * MB, gateway.memory_mb(), list[float]()
    api.stops_at = 20 * MB

    def look() -> None:
        taken = api.next()
        taken.wait_for(20 * MB)
        time.sleep(0.5)
        held.append(gateway.memory_mb())
        api.go.set()

    watch = threading.Thread(target=look)
    watch.start()
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        found = client.audio.transcriptions.create(model="m", file=cast(Any, Generated(size)))
    watch.join()
    assert found.text == "Hello"
    taken = api.taken[-1]
    assert taken.size == taken.length > size
    assert max(held[0], gateway.memory_mb()) - before < 10
    assert taken.end.endswith(
        PATTERN[(size - 100) % len(PATTERN) :][:100] + b"\r\n" + taken.end.splitlines()[-1] + b"\r\n"
    )


def test_a_client_that_leaves_in_the_middle_ends_the_call(gateway: Gateway, api: TakingApi) -> None:
    with begun(gateway, 20 * MB) as client:
        for _ in range(10):
            client.sendall(PATTERN[:MB])
        taken = api.next()
        taken.wait_for(5 * MB)
    assert taken.ended.wait(30)
    assert taken.size < taken.length


def test_a_held_client_that_leaves_ends_the_call_too(gateway: Gateway, api: TakingApi) -> None:
    """One whose system still has something to send cannot say so before that was taken; a reset says it at once."""
    api.stops_at = 3 * MB
    with begun(gateway, 400 * MB) as client:
        assert fill(client) > 3 * MB
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        taken, before = api.next(), gateway.log.count("client_left")
    deadline = time.monotonic() + 30
    while gateway.log.count("client_left") == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    api.go.set()
    assert taken.ended.wait(30)


@pytest.mark.parametrize(("status", "told"), [(401, 502), (429, 429)])
def test_an_early_answer_reaches_a_client_that_still_sends(
    gateway: Gateway, api: TakingApi, status: int, told: int
) -> None:
    api.stops_at = 3 * MB
    api.early = b"HTTP/1.1 %d No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}" % status
    with httpx.Client(timeout=60) as client:
        answer = client.post(
            f"{gateway.url}/v1/audio/transcriptions",
            headers=gateway.headers,
            data={"model": "m"},
            files={"file": cast(Any, Generated(50 * MB))},
        )
    assert (answer.status_code, answer.headers["x-should-retry"]) == (told, "true")
    assert answer.json()["error"]["message"]
    assert api.next().ended.wait(30)


def test_an_api_that_breaks_off_in_the_middle_is_told(gateway: Gateway, api: TakingApi) -> None:
    api.stops_at, api.early = 3 * MB, b""
    with begun(gateway, 400 * MB) as client:
        fill(client)
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 502")
    assert b"x-should-retry: true" in answer
    api.next()
