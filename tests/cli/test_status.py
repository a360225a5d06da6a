"""`glassgate status` tells its client key to nobody who does not know it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from addons.cli.base import Problem
from addons.cli.main import main
from addons.ingress.key_proof import NONCE, PROOF, SHORTEST_KEY, proof_of, proves

KEY = "sk-a-client-key-of-good-length"


@dataclass
class Other:
    """A program that listens where a gateway could be, and keeps what it is told."""

    port: int
    prove: Callable[[str], str | None]
    answer: object = field(default_factory=lambda: {"status": "ok", "accounts": []})
    told: list[str] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def other() -> Iterator[Other]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.told.append(str(self.headers))
            nonce = self.headers.get(NONCE, "")
            made.nonces.append(nonce)
            data = json.dumps(made.answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            if proof := made.prove(nonce):
                self.send_header(PROOF, proof)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Other(server.server_address[1], lambda nonce: None)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def status(folder: Path, other: Other, *arguments: str) -> Result:
    file = folder / "config.yaml"
    file.write_text(json.dumps({"listen": {"port": other.port}, "auth": {"tokens": ["${AUTH_TOKEN}"]}}))
    return CliRunner().invoke(main, ["--config", str(file), "status", *arguments], env={"AUTH_TOKEN": KEY})


@pytest.mark.parametrize(
    "prove",
    [
        lambda nonce, port: None,
        lambda nonce, port: "0" * 64,
        lambda nonce, port: proof_of("another-key-of-good-length", nonce, ("127.0.0.1", port)),
        lambda nonce, port: proof_of(KEY, nonce, ("127.0.0.1", port + 1)),  # had from the gateway, elsewhere
        lambda nonce, port: proof_of(KEY, "ab" * 32, ("127.0.0.1", port)),  # seen before
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_a_stranger_is_told_no_key(
    tmp_path: Path, other: Other, prove: Callable[[str, int], str | None], named: bool
) -> None:
    other.prove = lambda nonce: prove(nonce, other.port)
    result = status(tmp_path, other, *(["--url", other.url] if named else []))
    assert (result.exit_code, len(other.told)) == (0, 1)
    assert KEY not in "".join(other.told)
    assert "no key was sent" in result.stderr


def test_who_knows_it_is(tmp_path: Path, other: Other) -> None:
    other.prove = lambda nonce: proof_of(KEY, nonce, ("127.0.0.1", other.port))
    assert status(tmp_path, other).stderr == ""
    assert [KEY in told for told in other.told] == [False, True]


def test_everybody_is_on_demand(tmp_path: Path, other: Other) -> None:
    assert status(tmp_path, other, "--url", other.url, "--send-key").stderr == ""
    assert [KEY in told for told in other.told] == [False, True]


def test_no_nonce_is_used_twice(tmp_path: Path, other: Other) -> None:
    status(tmp_path, other)
    status(tmp_path, other)
    assert len(set(other.nonces)) == 2


@pytest.mark.parametrize(
    "answer", [[], {}, {"status": 1}, "text", {"status": "ok", "accounts": 5}, {"status": "ok", "accounts": [{"x": 1}]}]
)
def test_what_is_no_gateway_is_said_to_be_none(tmp_path: Path, other: Other, answer: object) -> None:
    other.answer = answer
    result = status(tmp_path, other)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is no Glassgate" in result.stderr


def test_controls_do_not_reach_the_terminal(tmp_path: Path, other: Other) -> None:
    line = {"provider": "p\x1b[2J", "account": "a", "state": "expired", "reason": "\x1b]0;mine\x07\nforged"}
    other.answer = {"status": "degraded\x1b[31m", "problem": "bad\x1b[0m", "accounts": [line]}
    result = status(tmp_path, other)
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "http://[::"])
def test_an_address_that_is_none_is_said(tmp_path: Path, other: Other, url: str) -> None:
    result = status(tmp_path, other, "--url", url)
    assert result.exit_code == 1
    assert "no gateway answers" in result.stderr


# -- the proof itself -------------------------------------------------------------------------------------------------
def test_a_proof_fits_its_key_nonce_and_address_alone() -> None:
    nonce, at = "0f" * 32, ("127.0.0.1", 8080)
    proof = proof_of(KEY, nonce, at)
    assert proves(proof, KEY, nonce, at)
    assert proof_of(KEY, nonce, ("::ffff:127.0.0.1", 8080)) == proof
    for key, other_nonce, address in (
        (KEY + "x", nonce, at),
        (KEY, "0e" * 32, at),
        (KEY, nonce, ("127.0.0.1", 8081)),
        (KEY, nonce, ("127.0.0.2", 8080)),
    ):
        assert not proves(proof, key, other_nonce, address)
    assert not proves(None, KEY, nonce, at)
    assert not proves("ü", KEY, nonce, at)


def test_short_keys_and_odd_nonces_are_not_answered() -> None:
    at = ("127.0.0.1", 8080)
    assert proof_of("k" * (SHORTEST_KEY - 1), "0f" * 32, at) is None
    for nonce in ("", "0f", "0F" * 32, "0f" * 33, "0f" * 32 + "\n", "g" * 64):
        assert proof_of(KEY, nonce, at) is None


@pytest.mark.parametrize("text", ["listen: [", "listen: {port: 1}\nx: 2001-13-45"])
def test_a_configuration_that_cannot_be_read_is_said_with_the_address_asked(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with patch("addons.cli.status._ask", side_effect=Problem("no gateway answers")):
        result = CliRunner().invoke(main, ["--config", str(tmp_path / "config.yaml"), "status"])
    assert (result.exit_code, "that is the usual address" in result.stderr) == (1, True)
