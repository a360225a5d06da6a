"""`listen.driver` changed while requests run: nothing is lost, and new connections are the other driver's."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest

from tests.support.faulty import MODEL, PATIENT, provider
from tests.support.hostile import Hostile, held
from tests.support.processes import KEY, Gateway, SandboxThread
from tests.support.taking_api import ANSWER, TakingApi
from tests.wire.test_doors import reload

DRIVERS: Final = ("auto", "mitmproxy", "auto")
NAMES: Final = {"auto": "OwnConnection", "mitmproxy": "ProxyConnectionHandler"}
"""What serves a connection, as mitmproxy's list of them has it."""
SCRIPT: Final = """
import sys
from mitmproxy import ctx

def requestheaders(flow):
    if flow.request.method != "POST":
        return
    handler = ctx.master.addons.get("proxyserver").connections[flow.client_conn.id]
    print(f"served by {type(handler).__name__}: {flow.request.path}", file=sys.stderr, flush=True)
"""
FORM: Final = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ntaken\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
)
KIND: Final = "multipart/form-data; boundary=b"
END: Final = b"\r\n--b--\r\n"
FILE: Final = b"f" * 3_000_000


class Client:
    """A raw client, with one request after the other on its connection."""

    def __init__(self, gateway: Gateway) -> None:
        self.port = gateway.port
        self.socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=60)

    def close(self) -> None:
        self.socket.close()

    def post(self, path: str, kind: str, size: int, body: bytes) -> None:
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: {kind}\r\ncontent-length: {size}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)

    def chats(self, prompt: str) -> None:
        body = b'{"model": "%s", "stream": true, "messages": [{"role": "user", "content": "%s"}]}' % (
            MODEL.encode(),
            prompt.encode(),
        )
        self.post("/v1/chat/completions", "application/json", len(body), body)

    def until(self, *words: bytes) -> bytes:
        """What comes, up to the first of the words."""
        found = b""
        while not any(word in found for word in words):
            more = self.socket.recv(65536)
            assert more, found
            found += more
        return found


def served_by(gateway: Gateway) -> list[str]:
    return [line.split("served by ")[1].split(":")[0] for line in gateway.log.splitlines() if "served by " in line]


@pytest.fixture
def gateway(thread: SandboxThread, api: TakingApi, folder: Path) -> Gateway:
    script = folder / "who.py"
    script.write_text(SCRIPT)
    hostile = provider(f"{thread.description()['base_urls']['hostile']}/v1")
    providers = {"hostile": hostile, "taking": provider(api.url, models=["taken"])}
    found = Gateway(folder, providers=providers, timeouts=PATIENT, hurried=True, arguments=("-s", str(script)))
    found.config["listen"]["driver"] = DRIVERS[0]
    found.write_config()
    found.vault.put("hostile", "key", thread.site("hostile").session())
    found.vault.put("taking", "key", {"api_key": "key-of-the-taking-api-0123456789"})
    return found


@pytest.fixture
def api() -> Iterator[TakingApi]:
    with TakingApi() as running:
        yield running


def test_streams_and_uploads_outlive_the_choice_of_another_driver(
    gateway: Gateway, site: Hostile, api: TakingApi
) -> None:
    let_go = threading.Event()
    site.programs["held"] = held(let_go)
    size = len(FORM) + len(FILE) + len(END)
    streams, uploads = list[Client](), list[Client]()
    with gateway, ExitStack() as open_ones:
        for number, driver in enumerate(DRIVERS):
            if number:
                gateway.config["listen"]["driver"] = driver
                gateway.write_config()
                assert reload(gateway).exit_code == 0
            streams.append(open_ones.enter_context(closing(Client(gateway))))
            streams[-1].chats("held please")
            assert b"HTTP/1.1 200" in streams[-1].until(b"Hello ")
            uploads.append(open_ones.enter_context(closing(Client(gateway))))
            uploads[-1].post("/v1/audio/transcriptions", KIND, size, FORM + FILE[: size // 2])
            api.next().wait_for(size // 4)
        assert served_by(gateway) == [NAMES[driver] for driver in DRIVERS for _ in range(2)]
        for upload in uploads:
            upload.socket.sendall(FILE[size // 2 :] + END)
            assert upload.until(ANSWER).startswith(b"HTTP/1.1 200")
        assert [taken.size for taken in api.taken] == [size] * 3
        let_go.set()
        for stream in streams:
            stream.until(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        for client in (*streams, *uploads):  # their connections serve on
            client.chats("Hi")
            assert b"HTTP/1.1 200" in client.until(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert served_by(gateway)[6:] == [NAMES[driver] for driver in (*DRIVERS, *DRIVERS)]
        assert gateway.log.count("the changed configuration is in force\n") == 2, "at once, not at the next start"
        assert "Traceback" not in gateway.log
