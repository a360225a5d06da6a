"""Providers that cannot be connected to: the client is told host, port, proxy and TLS, in one kind of sentence."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Self

import httpx
import pytest

from tests.support.forward_proxy import ForwardProxy
from tests.support.ports import free_port
from tests.support.processes import NO_REST, Gateway
from tests.support.self_signed import SelfSignedServer

API = "https://api.example.com/v1"


class Server:
    """Does one thing with each connection after its first bytes; None: keeps it and says nothing."""

    def __init__(self, act: Callable[[socket.socket], object] | None) -> None:
        self._act = act
        self._kept: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self._act is None:
                self._kept.append(client)
                continue
            with client:
                client.recv(65536)
                self._act(client)


def refuses(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], tuple[int, str, str]]]:
    """Name of a provider that cannot be reached → status, code, message."""
    folder = tmp_path_factory.mktemp("unreachable")
    folder.chmod(0o700)
    dead = free_port()
    with ExitStack() as stack:
        closes, plain, silent = (stack.enter_context(Server(act)).port for act in (socket.socket.close, refuses, None))
        signed = stack.enter_context(SelfSignedServer(folder)).port
        through = stack.enter_context(ForwardProxy()).url
        kinds: dict[str, dict[str, Any]] = {
            "refused": {"base_url": f"http://127.0.0.1:{dead}/v1"},
            "dns": {"base_url": "https://no-such-host.invalid/v1"},
            "tls-closed": {"base_url": f"https://127.0.0.1:{closes}/v1"},
            "tls-plain": {"base_url": f"https://127.0.0.1:{plain}/v1"},
            "tls-silent": {"base_url": f"https://127.0.0.1:{silent}/v1"},
            "tls-wrong": {"base_url": f"https://127.0.0.1:{signed}/v1"},
            "proxy-dead": {"base_url": API, "proxy": f"http://127.0.0.1:{dead}"},
            "proxy-refuses": {"base_url": API, "proxy": f"http://127.0.0.1:{plain}"},
            "proxy-silent": {"base_url": API, "proxy": f"http://127.0.0.1:{silent}"},
            "proxy-plain": {"base_url": f"https://127.0.0.1:{plain}/v1", "proxy": through},
        }
        common = {"type": "openai_compatible", "accounts": [{"name": "k"}]}
        providers = {name: {**common, **own, "models": [f"m-{name}"]} for name, own in kinds.items()}
        gateway = Gateway(folder, providers=providers, timeouts={"connect_s": 1}, **NO_REST)
        ports = {"DEAD": dead, "CLOSES": closes, "PLAIN": plain, "SILENT": silent, "SIGNED": signed}
        for name in kinds:
            gateway.vault.put(name, "k", {"api_key": "sk-abcdefghijklmnop"})
        stack.enter_context(gateway)

        def ask(name: str) -> tuple[int, str, str]:
            fields = {"model": f"m-{name}", "messages": [{"role": "user", "content": "Hi"}]}
            url = f"{gateway.url}/v1/chat/completions"
            answer = httpx.post(url, json=fields, headers=gateway.headers, timeout=30)
            error = answer.json()["error"]
            message = error["message"]
            for word, port in ports.items():
                message = message.replace(f":{port}", f":{word}")
            return answer.status_code, error["code"], message

        yield ask


@pytest.mark.parametrize(
    ("name", "status", "code", "named"),
    [
        ("refused", 502, "upstream_unreachable", ("127.0.0.1:DEAD", "refused")),
        ("dns", 502, "upstream_unreachable", ("no-such-host.invalid:443", "looked up")),
        ("tls-closed", 502, "upstream_unreachable", ("127.0.0.1:CLOSES", "TLS", "http://")),
        ("tls-plain", 502, "upstream_tls", ("127.0.0.1:PLAIN does not speak TLS", "http://")),
        ("tls-silent", 504, "upstream_timeout", ("127.0.0.1:SILENT", "no TLS connection")),
        ("tls-wrong", 502, "upstream_tls", ("certificate at 127.0.0.1:SIGNED", "nothing was sent")),
        ("proxy-dead", 502, "upstream_unreachable", ("api.example.com:443", "the proxy http://127.0.0.1:DEAD")),
        ("proxy-refuses", 502, "upstream_unreachable", ("the proxy http://127.0.0.1:PLAIN refuses", "407")),
        ("proxy-silent", 504, "upstream_timeout", ("api.example.com:443 through the proxy http://127.0.0.1:SILENT",)),
        ("proxy-plain", 502, "upstream_tls", ("127.0.0.1:PLAIN", "does not speak TLS")),
    ],
)
def test_what_the_client_is_told(
    told: Callable[[str], tuple[int, str, str]], name: str, status: int, code: str, named: tuple[str, ...]
) -> None:
    found, found_code, message = told(name)
    assert (found, found_code) == (status, code)
    assert [word for word in named if word not in message] == []
    assert "Errno" not in message
