"""A port that is taken is said before anything starts, in words of ours."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path

import pytest
from click.testing import CliRunner

from addons.app.port import DEMO, GATEWAY, INSPECTOR, asked, is_gateway, port_problem
from addons.cli.checks import status_of
from addons.cli.gateway_http import NoObject, connect, get
from addons.cli.main import main
from tests.support.ports import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_no_problem() -> None:
    assert port_problem("127.0.0.1", free_port(), GATEWAY, is_gateway) is None
    assert port_problem("localhost", free_port(), GATEWAY, is_gateway) is None


@pytest.mark.parametrize(("answers", "who"), [(True, "another Glassgate serves there"), (False, "another program")])
def test_a_taken_port_says_by_whom_and_what_to_do(taken: int, answers: bool, who: str) -> None:
    said = port_problem("127.0.0.1", taken, GATEWAY, lambda url: answers)
    assert said is not None
    for word in (f"127.0.0.1:{taken} is in use", who, "--port N", "listen.port"):
        assert word in said


@pytest.mark.parametrize("choices", [DEMO, INSPECTOR])
def test_a_port_that_config_yaml_does_not_set_is_not_looked_for_there(taken: int, choices: str) -> None:
    said = port_problem("127.0.0.1", taken, choices, lambda url: False)
    assert said is not None
    assert said.endswith(f"choose another port: {choices}")
    assert "config.yaml" not in said


@pytest.mark.parametrize(
    ("host", "port", "word"),
    [("127.0.0.1", 0, "1 to 65535"), ("127.0.0.1", 99999, "not 99999"), ("192.0.2.1", 8080, "no such address"),
     ("no-such-host.invalid", 8080, "listen.host")],
)  # fmt: skip
def test_other_problems(host: str, port: int, word: str) -> None:
    said = port_problem(host, port, GATEWAY, lambda url: False)
    assert said is not None
    assert word in said


def test_what_run_proxy_asks(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        f"listen: {{port: {taken}}}\nproviders: {{p: {{type: openai_compatible, base_url: 'https://x.example/v1', "
        "accounts: [{name: a, session: none}]}}\n"
    )
    environ = {"AUTH_TOKEN": "sk-0123456789abcdefghij"}

    def listen(*arguments: str) -> tuple[int, str]:
        found = CliRunner().invoke(main, ["--config", str(file), "listen", *arguments], env=environ)
        return found.exit_code, found.output

    assert listen()[0] == 1
    assert "mitmproxy" not in listen()[1]
    free = free_port()
    assert listen("--port", str(free)) == (0, f"127.0.0.1 {free}\n")
    assert listen("--port", str(free), "--web-port", str(taken))[1].endswith("choose another port: --web-port N\n")
    assert listen("--port", str(free), "--web-port", str(free))[0] == 1


@contextmanager
def saying(*pieces: bytes, again: bytes = b"") -> Iterator[str]:
    """A program that says this to who asks, and then the last of it again and again; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.recv(10_000)
                    for piece in chain(pieces, repeat(again)):
                        if not piece:
                            return
                        connection.sendall(piece)
                        if again and connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b"":
                            return

        def quiet() -> None:
            with suppress(BlockingIOError):
                serve()

        thread = threading.Thread(target=quiet, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"


def test_json_that_is_too_deep_is_no_gateways() -> None:
    with saying(HEAD + b"[" * 100_000) as url:
        assert not is_gateway(url)
    with saying(HEAD + b'{"status":' + b"[" * 100_000) as url:
        connection = connect(url)
        with pytest.raises(NoObject):
            get(connection, url, "/healthz", {})


def test_of_the_port_of_another_program_the_head_alone_is_read() -> None:
    """doctor read on for as long as that program said something."""
    with saying(HEAD, again=b"x" * 1000) as url:
        assert status_of(f"{url}/healthz") == 200
    assert status_of("http://127.0.0.1:1/healthz") is None


def test_a_patience_is_one_for_the_whole_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then, each in time, kept whoever asked."""
    timers: list[Callable[[], None]] = []

    class Timer:
        def __init__(self, after_s: float, end: Callable[[], None]) -> None:
            timers.append(end)

        def start(self) -> None: ...

        def cancel(self) -> None: ...

    monkeypatch.setattr("addons.app.port.threading.Timer", Timer)
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.getsockname()[1], timeout=60)
        accepted: list[socket.socket] = []

        def answer() -> None:
            accepted.append(server.accept()[0])
            accepted[0].sendall(HEAD + b"{")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with asked(connection, "/", {}, 5) as got:
            timers[0]()
            assert got.read() == b"{"
        thread.join()
        accepted[0].close()
        connection.close()
