"""Uploads over real sockets: 100 MB of which little is held, whoever is slow, and whoever leaves."""

import io
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Final, cast

import h2.config
import h2.connection
import h2.events
import httpx
import openai
import pytest

from tests.support.faulty import PATIENT, provider
from tests.support.processes import KEY, NO_REST, Gateway
from tests.support.taking_api import TakingApi

MB: Final = 1_000_000
UPLOADS = 4
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


BEGINNING: Final = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
)
END: Final = b"\r\n--b--\r\n"


def begun(gateway: Gateway, size: int) -> socket.socket:
    """A raw client that has sent head and beginning of a form of that size."""
    client = socket.create_connection(("127.0.0.1", gateway.port), timeout=60)
    client.sendall(
        b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer %s\r\n"
        b"content-type: multipart/form-data; boundary=b\r\ncontent-length: %d\r\n\r\n"
        % (gateway.port, KEY.encode(), size)
        + BEGINNING
    )
    return client


def fill(client: socket.socket) -> int:
    """Sends until nobody takes any more; gives how much that was."""
    client.settimeout(0.5)
    sent = 0
    try:
        while True:
            sent += client.send(PATTERN)
    except OSError:
        return sent


def test_100_mb_go_by_and_little_is_held_while_the_api_takes_nothing(gateway: Gateway, api: TakingApi) -> None:
    """Again and again: what one upload needed goes back to the system."""
    size, held = 100 * MB, list[float]()

    def look() -> None:
        taken = api.next()
        taken.wait_for(20 * MB)
        time.sleep(0.2)
        held.append(gateway.memory_mb())
        api.go.set()

    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        assert client.audio.transcriptions.create(model="m", file=cast(Any, Generated(3 * MB))).text == "Hello"
        api.next()
        before = gateway.memory_mb()
        for _ in range(UPLOADS):
            api.stops_at = 20 * MB
            api.go.clear()
            watch = threading.Thread(target=look)
            watch.start()
            found = client.audio.transcriptions.create(model="m", file=cast(Any, Generated(size)))
            watch.join()
            assert found.text == "Hello"
            held.append(gateway.memory_mb())
    taken = api.taken[-1]
    assert taken.size == taken.length > size
    assert max(held) - before < 10
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


class OverH2:
    """A client of HTTP/2 with TLS, which sends as far as its windows go."""

    def __init__(self, gateway: Gateway) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.host = f"127.0.0.1:{gateway.port}"
        tcp = socket.create_connection(("127.0.0.1", gateway.port), 60)
        self.tls = context.wrap_socket(tcp, server_hostname="localhost")
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.statuses: dict[int, str] = {}
        self.sent = 0
        self.flush()

    def flush(self) -> None:
        self.tls.sendall(self.h2.data_to_send())

    def asks(self, stream: int, method: str, path: str, *more: tuple[str, str]) -> None:
        head = [(":method", method), (":scheme", "https"), (":path", path), (":authority", self.host)]
        self.h2.send_headers(stream, [*head, ("authorization", f"Bearer {KEY}"), *more], end_stream=method == "GET")
        self.flush()

    def read(self) -> None:
        for event in self.h2.receive_data(self.tls.recv(65536)):
            if isinstance(event, h2.events.ResponseReceived):
                self.statuses[event.stream_id] = dict(cast(Any, event.headers))[":status"]
        self.flush()

    def sends(self, stream: int, size: int) -> None:
        """Sends a body up to that size, as fast as the windows allow. Raises TimeoutError where none comes."""
        while self.sent < size:
            if room := min(self.h2.local_flow_control_window(stream), 16384, size - self.sent):
                self.h2.send_data(stream, PATTERN[:room])
                self.sent += room
                self.flush()
            else:
                self.read()


def test_over_http2_a_held_upload_leaves_its_connection_to_others(gateway: Gateway, api: TakingApi) -> None:
    api.stops_at, size = 3 * MB, 60 * MB
    client, before = OverH2(gateway), gateway.memory_mb()
    kind = "multipart/form-data; boundary=b"
    client.asks(1, "POST", "/v1/audio/transcriptions", ("content-type", kind), ("content-length", str(size + len(END))))
    client.h2.send_data(1, BEGINNING)
    client.sent = len(BEGINNING)
    client.tls.settimeout(0.5)
    with pytest.raises(TimeoutError):  # held: no window comes any more
        client.sends(1, size)
    client.tls.settimeout(60)
    assert client.sent < size // 2
    assert gateway.memory_mb() - before < 10
    client.asks(3, "GET", "/v1/models")
    while 3 not in client.statuses:
        client.read()
    api.go.set()
    client.sends(1, size)
    client.h2.send_data(1, END, end_stream=True)
    client.flush()
    while 1 not in client.statuses:
        client.read()
    client.tls.close()
    assert client.statuses == {1: "200", 3: "200"}
    taken = api.next()
    assert taken.size == taken.length == size + len(END)
