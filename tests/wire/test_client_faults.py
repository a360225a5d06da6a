"""Clients that leave, stop reading, or never finish asking: through a real mitmdump, with what it costs the others."""

import contextlib
import json
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h2.connection
import h2.events
import httpx
import pytest

from providers.sandbox.run import Sandbox
from providers.sandbox.server import Request, Wire
from providers.sandbox.zai.site import ZaiSite
from tests.support.faulty import BEGUN, MODEL, PATIENT, ask, made, read
from tests.support.hostile import CHUNKED, TEXT, Hostile, chunk, framed, head, sends
from tests.support.processes import NO_REST, Gateway, SandboxThread
from tests.support.raw_client import connected, read_all, request_bytes
from tests.support.waiting import until

TIMES = {**PATIENT, "head_s": 1, "body_s": 10, "write_stall_s": 1}


@dataclass
class SlowToPrepare(ZaiSite):
    """Z.AI's stand-in, whose chats are never made while `holds`."""

    holds: bool = False

    async def handle(self, request: Request, wire: Wire) -> None:
        if self.holds and request.path.endswith("/chats/new"):
            self.requests.append(request)
            await wire.wait_gone()
        await super().handle(request, wire)


@pytest.fixture(scope="module")
def thread() -> Iterator[SandboxThread]:
    with SandboxThread(Sandbox((), own={"hostile": Hostile(), "slow": SlowToPrepare(name="slow")})) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("clients")
    folder.chmod(0o700)
    with made(folder, thread, timeouts=TIMES, **NO_REST) as running:
        yield running


# -- 25: gone ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("moment", ["before the head", "in the middle"])
def test_25_a_client_that_leaves_frees_everything(
    gateway: Gateway, thread: SandboxThread, site: Hostile, moment: str
) -> None:
    site.programs["hang"] = sends(*([] if moment == "before the head" else [BEGUN]), then="silence")
    before, connections = len(site.requests), site.connections
    with connected(gateway) as client:
        client.sendall(request_bytes(gateway, "hang x"))
        thread.wait_for("hostile", lambda: len(site.requests) > before)
        if moment == "in the middle":
            assert client.recv(100)
    thread.wait_for("hostile", lambda: site.connections <= connections)


def test_25_a_client_that_leaves_while_its_chat_is_made(thread: SandboxThread, folder: Path) -> None:
    slow: SlowToPrepare = thread.site("slow")
    accounts = [{"name": "one", "max_concurrent": 1, "queue_s": 10}]
    entry = {"type": "zai", "base_url": thread.description()["base_urls"]["slow"], "accounts": accounts}
    gateway = Gateway(folder, providers={"slow": entry}, **NO_REST)
    gateway.vault.put("slow", "one", slow.session())
    with gateway:
        slow.holds = True
        before = len(slow.requests)
        with connected(gateway) as client:
            client.sendall(request_bytes(gateway, "Hi", "GLM-4.6"))
            thread.wait_for("slow", lambda: any("chats/new" in r.path for r in slow.requests[before:]))
            held = slow.connections
        thread.wait_for("slow", lambda: slow.connections < held)
        slow.holds = False
        fields = {"model": "GLM-4.6", "messages": [{"role": "user", "content": "Hi"}]}
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers, timeout=30)
        assert answer.status_code == 200, "the account's one place is free again"


# -- too many ---------------------------------------------------------------------------------------------------------
def test_more_than_the_gateway_may_have_are_refused(thread: SandboxThread, site: Hostile, folder: Path) -> None:
    site.programs["hang"] = sends(BEGUN, then="silence")
    with (
        made(folder, thread, limits={"requests": 2}, **NO_REST) as gateway,
        connected(gateway) as one,
        connected(gateway) as two,
    ):
        for client in (one, two):
            client.sendall(request_bytes(gateway, "hang x"))
            assert client.recv(100)
        refused = ask(gateway, "well")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["error"]["code"] == "too_many_requests"
        two.close()
        until(lambda: read(ask(gateway, "well")) == (TEXT, "done"))


# -- 26: reading slowly, or not at all --------------------------------------------------------------------------------
@pytest.fixture
def sent(site: Hostile) -> list[int]:
    """What the provider could send so far of an answer that is far too long."""
    sent = [0]

    async def flood(wire: Wire) -> None:
        await wire.raw(head(CHUNKED))
        piece = framed(chunk("x" * 10_000))
        for _ in range(20_000):  # 200 MB
            await wire.raw(piece)
            sent[0] += len(piece)

    site.programs["flood"] = flood
    return sent


def until_still(sent: list[int]) -> None:
    """Until the provider can send no more."""
    previous = -1
    while previous != sent[0]:
        previous = sent[0]
        time.sleep(0.4)


def test_26_a_slow_reader_slows_the_provider(
    gateway: Gateway, thread: SandboxThread, site: Hostile, sent: list[int]
) -> None:
    before = gateway.memory_mb()
    with connected(gateway) as client:
        client.sendall(request_bytes(gateway, "flood x"))
        assert client.recv(1000)
        until_still(sent)
        assert 0 < sent[0] < 60_000_000
        assert gateway.memory_mb() - before < 40
    assert read(ask(gateway, "well")) == (TEXT, "done")


def test_26_who_stops_reading_is_given_up(
    gateway: Gateway, thread: SandboxThread, site: Hostile, sent: list[int]
) -> None:
    with connected(gateway) as client:
        client.sendall(request_bytes(gateway, "flood x"))
        assert client.recv(1000)
        until(lambda: "stopped reading" in gateway.log)
        thread.wait_for("hostile", lambda: site.connections == 0)


def test_26_an_h2_client_that_opens_no_window_is_given_up(
    gateway: Gateway, thread: SandboxThread, site: Hostile, sent: list[int]
) -> None:
    """Its connection could carry more, its stream may not: there the kernel's buffers slow nobody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    before = gateway.memory_mb()
    fields = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "flood x"}]}
    head = [(":method", "POST"), (":scheme", "https"), (":path", "/v1/chat/completions")]
    head += [
        (":authority", f"127.0.0.1:{gateway.port}"),
        *gateway.headers.items(),
        ("content-type", "application/json"),
    ]
    with connected(gateway) as plain, context.wrap_socket(plain) as client:
        assert client.selected_alpn_protocol() == "h2"
        speaking = h2.connection.H2Connection()
        speaking.initiate_connection()
        speaking.send_headers(1, head)
        speaking.send_data(1, json.dumps(fields).encode(), end_stream=True)
        client.sendall(speaking.data_to_send())
        ended = None
        while ended is None:  # everything is read, but no window is ever opened
            found = speaking.receive_data(client.recv(65536))
            ended = next((event for event in found if isinstance(event, h2.events.StreamReset)), None)
            client.sendall(speaking.data_to_send())
        thread.wait_for("hostile", lambda: site.connections == 0)
        speaking.send_headers(3, [(":method", "GET"), *head[1:2], (":path", "/healthz"), *head[3:4]], end_stream=True)
        client.sendall(speaking.data_to_send())
        answered = None
        while answered is None:
            found = speaking.receive_data(client.recv(65536))
            answered = next((event for event in found if isinstance(event, h2.events.ResponseReceived)), None)
        assert dict(answered.headers)[b":status"] == b"200", "the connection serves on"
    assert sent[0] < 100_000_000
    assert gateway.memory_mb() - before < 80
    assert read(ask(gateway, "well")) == (TEXT, "done")


# -- 27: asking without end -------------------------------------------------------------------------------------------
def test_27_heads_that_do_not_end_are_refused_and_harm_nobody(gateway: Gateway) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(gateway)) for _ in range(50)]
        for client in slow:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nx-slow: ")
        assert read(ask(gateway, "well")) == (TEXT, "done")
        for client in slow:
            answer = read_all(client)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_http_request"


def test_27_a_body_that_does_not_end_is_refused(gateway: Gateway) -> None:
    with connected(gateway) as client:
        client.sendall(request_bytes(gateway, "x")[:-5])
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


@pytest.mark.parametrize(
    ("beginning", "piece", "megabytes", "status"),
    [
        pytest.param(b"GET /healthz HTTP/1.1\r\n", b"x: " + b"y" * 1000 + b"\r\n", 52, 431, id="52 MB of head"),
        pytest.param(b"GET /", b"y" * 1000, 52, 431, id="a path of 52 MB"),
        pytest.param(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 104857600\r\n\r\n",
            b"z" * 1024,
            100,
            413,
            id="100 MB of body",
        ),
        pytest.param(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n",
            framed(b"z" * 1000),
            200,
            413,
            id="a body without end",
        ),
    ],
)
def test_27_what_is_too_much_is_refused_and_memory_stays(
    gateway: Gateway, beginning: bytes, piece: bytes, megabytes: int, status: int
) -> None:
    before = gateway.memory_mb()
    lines = beginning.replace(b"host: 127.0.0.1", b"host: 127.0.0.1:%d" % gateway.port)
    lines = lines.replace(b"\r\nhost", b"\r\nauthorization: " + gateway.headers["authorization"].encode() + b"\r\nhost")
    with connected(gateway) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: client.recv(65536))
        client.sendall(lines)
        with contextlib.suppress(OSError):  # the gateway may hang up on the rest
            for _ in range(megabytes * 1024):
                client.sendall(piece)
        assert answer.result(100).startswith(b"HTTP/1.1 %d " % status)
        assert gateway.memory_mb() - before < 60
    assert read(ask(gateway, "well")) == (TEXT, "done")
