"""Addresses that clients name, on a real machine: nothing of it is asked, whatever it is called."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox.run import Sandbox
from tests.support.media import picture, words
from tests.support.processes import NO_REST, Gateway, SandboxThread


class Listener:
    """A server of this machine that counts who comes."""

    def __init__(self) -> None:
        self.came = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.came += 1
            client.close()

    def close(self) -> None:
        self._server.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("remote")
    folder.chmod(0o700)
    with (
        SandboxThread(Sandbox(("zai",))) as sites,
        Gateway(folder, sites.description(), features={"remote_media": True}, **NO_REST) as found,
    ):
        yield found


def asked(gateway: Gateway, part: dict[str, Any]) -> Any:
    return gateway.post({"model": "GLM-4.6V", "messages": [{"role": "user", "content": [words(), part]}]})


def test_an_uploaded_picture_is_seen(gateway: Gateway) -> None:
    answer = asked(gateway, picture())
    assert answer.status_code == 200
    assert "picture" in answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:{port}/cat.png", "usual ports"),
        ("http://localhost:{port}/cat.png", "usual ports"),
        ("http://localhost/cat.png", "not public"),
        ("http://127.0.0.1/cat.png", "not public"),
        ("http://127.1/cat.png", "not public"),
        ("http://2130706433/cat.png", "not public"),
        ("http://0/cat.png", "not public"),
        ("https://[::1]/cat.png", "not public"),
        ("http://169.254.169.254/latest/meta-data/", "not public"),
        ("http://user@localhost/cat.png", "usual ports"),
        ("http://no-such-host.invalid/cat.png", "cannot be looked up"),
    ],
)
def test_nothing_of_this_machine_is_asked(gateway: Gateway, url: str, why: str) -> None:
    here = Listener()
    try:
        answer = asked(gateway, {"type": "image_url", "image_url": {"url": url.format(port=here.port)}})
        assert answer.status_code == 400
        assert why in answer.json()["error"]["message"]
        assert answer.json()["error"]["param"] == "messages[0].content[1]"
        assert here.came == 0
    finally:
        here.close()


def test_the_gateway_itself_is_not_asked_either(gateway: Gateway, tmp_path: Path) -> None:
    answer = asked(gateway, {"type": "image_url", "image_url": {"url": f"{gateway.url}/healthz"}})
    assert answer.status_code == 400
