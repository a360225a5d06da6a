"""The door of a real gateway: who has no key costs little, is answered at once, and leaves no key behind."""

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.support.echoes import found_in
from tests.support.faulty import BEGUN, PATIENT, ask, made, read
from tests.support.hostile import TEXT, Hostile, sends
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread
from tests.support.raw_client import connected, read_all, request_bytes

TIMES = {**PATIENT, "head_s": 1, "body_s": 5}
ROOM = 32
"""Connections of clients that a process with 128 open files has room for (addons/app/rules.py)."""


class Narrow(Gateway):
    """A gateway that may have 128 open files."""

    def command(self) -> list[str]:
        return ["sh", "-c", 'ulimit -n 128; exec "$@"', "sh", *super().command()]


@pytest.fixture(scope="module")
def gateway(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Everything that is seen is saved and printed."""
    folder = tmp_path_factory.mktemp("door")
    folder.chmod(0o700)
    with made(folder, thread, timeouts=TIMES, **NO_REST) as running:
        running.__exit__()
        running.arguments = (
            *("-w", str(folder / "flows")),
            *("--set", "termlog_verbosity=debug", "--set", "flow_detail=4"),
        )
        with running:
            yield running


def told(gateway: Gateway) -> bytes:
    """All that is kept and printed of what came."""
    return (gateway.folder / "flows").read_bytes() + gateway.log_file.read_bytes()


def exchanged(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(data)
        return read_all(client)


def error_of(answer: bytes) -> dict[str, str]:
    error: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    return error


# -- refused at the head ----------------------------------------------------------------------------------------------
def test_bodies_without_a_key_are_not_kept(gateway: Gateway) -> None:
    before = gateway.memory_mb()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9900000\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(connected(gateway))
            with contextlib.suppress(OSError):
                client.sendall(head + b"x" * 9_800_000)
        assert gateway.memory_mb() - before < 40
    assert read(ask(gateway, "well")) == (TEXT, "done")


def test_a_program_that_sends_all_before_it_reads_is_told_why(gateway: Gateway) -> None:
    body = b"x" * 9_000_000
    answer = httpx.post(f"{gateway.url}/v1/chat/completions", content=body, timeout=30)
    assert answer.status_code == 401
    with connected(gateway) as client:
        client.sendall(b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 500000\r\n\r\n" + b"x" * 500_000)
        assert read_all(client).startswith(b"HTTP/1.1 401 ")


# -- the key ----------------------------------------------------------------------------------------------------------
LINE = b"authorization: Bearer " + KEY.encode() + b"\r\n"
HOST = b"host: 127.0.0.1\r\n"


def post(fields: dict[str, object]) -> bytes:
    """A chat that is refused, with the key in its body."""
    body = json.dumps(fields).encode()
    length = b"content-length: %d\r\n\r\n" % len(body)
    return b"POST /v1/chat/completions HTTP/1.1\r\n" + HOST + LINE + length + body


REQUESTS = [
    b"POST /v1/models HTTP/1.1\r\n" + HOST + LINE + b"content-length: nine\r\n\r\n",
    b"POST /v1/models HTTP/1.1\r\n" + HOST + LINE + b"content-length: 9\r\ntransfer-encoding: chunked\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\n" + HOST + LINE + b"content-length: 99999999999\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\n" + HOST + LINE + b"bad name: x\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\n" + HOST + LINE.replace(b":", b" ") + b"\r\n",
    b"GET /v1/models HTTP/1.1\r\n" + HOST + LINE + b"x: y\r\n" * 300 + b"\r\n",
    b"GET /v1/models HTTP/9.9\r\n" + HOST + LINE + b"\r\n",
    b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + LINE + b"\r\n",
    b"GET /v1/models HTTP/1.1\r\n" + HOST + LINE + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n",
    b"GET /v1/models?api_key=" + KEY.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /v1/models?access_token=" + KEY.encode() + b" HTTP/1.1\r\n" + HOST + LINE + b"\r\n",
    b"GET /" + KEY.encode() + b"/models HTTP/1.1\r\n" + HOST + b"x-mine: " + KEY.encode() + b"\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\n" + HOST + b"proxy-authorization: Basic " + KEY.encode() + b"\r\n\r\n",
    b"GET /v1/models/x%by HTTP/1.1\r\n%b%breferer: http://u:%b@x/\r\n\r\n" % (KEY.encode(), HOST, LINE, KEY.encode()),
    b"GET /v1/u:" + KEY.encode() + b"@x HTTP/1.1\r\n" + HOST + b"x-hex: " + KEY.encode().hex().encode() + b"\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nhost: u:" + KEY.encode() + b"@x\r\n" + LINE + b"\r\n",
    b"GET /v1/models HTTP/1.1\r\n" + HOST + LINE + b"origin: http://" + KEY.encode() + b".example\r\n\r\n",
    post({"model": KEY, "messages": [{"role": "user", "content": "hi"}]}),
    post({"model": "m", "messages": KEY, "api_key": KEY}),
    b"GET /v1/models HTTP/1.1\r\n" + HOST + LINE,
]


def test_the_clients_key_stands_in_no_flow_and_no_line(gateway: Gateway) -> None:
    for raw in REQUESTS:
        with connected(gateway) as client:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            read_all(client)
    assert read(ask(gateway, "well")) == (TEXT, "done")
    found = told(gateway)
    assert b"/v1/models" in found, "what came is shown"
    assert found_in(found, {"key": KEY}) == []


# -- connections ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "said", [b"", b"\x16\x03\x01\x02\x00\x01\x00", b"\r\n\r\n"], ids=["nothing", "half a TLS hello", "blank lines"]
)
def test_a_connection_that_says_nothing_is_ended(gateway: Gateway, said: bytes) -> None:
    with connected(gateway) as client:
        client.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            assert read_all(client) == b""


@pytest.mark.parametrize("said", [b"", b"PRI * HTTP/2.0\r\n"], ids=["nothing", "half a preface"])
def test_a_tls_connection_that_says_nothing_is_ended(gateway: Gateway, said: bytes) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with connected(gateway) as plain, context.wrap_socket(plain) as client:
        client.sendall(said)
        with contextlib.suppress(OSError):
            while client.recv(65536):  # our side of HTTP/2 begins at once
                pass


def asking(gateway: Gateway, prompt: str) -> socket.socket:
    """Asks at once: who says nothing for a second is sent away."""
    client = connected(gateway)
    client.sendall(request_bytes(gateway, prompt))
    return client


def gone(client: socket.socket) -> bool:
    with contextlib.suppress(ConnectionResetError):
        read_all(client)
    return True


@pytest.fixture(scope="module")
def narrow(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("narrow")
    folder.chmod(0o700)
    plain = made(folder, thread, timeouts=TIMES, **NO_REST)
    gateway = Narrow.__new__(Narrow)
    gateway.__dict__ = plain.__dict__
    with gateway:
        yield gateway


def test_silent_connections_close_the_gateway_to_nobody(narrow: Gateway) -> None:
    before = narrow.cpu_s()
    for _ in range(100):
        assert read(ask(narrow, "well")) == (TEXT, "done")
    hundred_chats_s = narrow.cpu_s() - before
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(narrow)) for _ in range(300)]
        assert read(ask(narrow, "well")) == (TEXT, "done"), "somebody who asks is served although the house is full"
        before = narrow.cpu_s()
        assert all(gone(client) for client in silent)
        assert narrow.cpu_s() - before < hundred_chats_s, "for a second of waiting"
    assert read(ask(narrow, "well")) == (TEXT, "done")


def test_when_all_are_busy_one_more_is_told_so(narrow: Gateway, thread: SandboxThread) -> None:
    site: Hostile = thread.site("hostile")
    site.programs["hang"] = sends(BEGUN, then="silence")
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(asking(narrow, "hang x")) for _ in range(ROOM)]
        for client in busy:
            assert client.recv(100)
        with connected(narrow) as client:
            answer = read_all(client)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
        assert error_of(answer)["code"] == "too_many_connections"
        busy[0].close()
        thread.wait_for("hostile", lambda: site.connections < ROOM)
    assert "connections are turned away" in narrow.log
