"""No secret and no word of a prompt stands in what is kept and told of requests: ledger, audit log, metrics, traces,
backup and reports."""

import sqlite3
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from unittest.mock import patch

import httpx
import pytest
from click.testing import CliRunner

from addons.cli.main import main
from addons.keys.store import PREFIX
from tests.support.canaries import canaries
from tests.support.echoes import found_in
from tests.support.ports import free_port
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread
from tests.support.waiting import until

WORD: Final = "vermilion-hippocampus-of-the-prompt"
ANSWERED: Final = "cerulean-xylophone-of-the-answer"
WRONG: Final = "sk-somebody-elses-key-4711-not-ours"
METRICS_TOKEN: Final = "metrics-token-of-somebody-8842"
LEDGER: Final = ("usage.db", "usage.db-wal", "usage.db-shm")


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector of traces: its address, and the bodies that it was sent."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(str(self.headers).encode() + self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def environ(gateway: Gateway) -> dict[str, str]:
    return {**Gateway.environ(gateway), "METRICS_TOKEN": METRICS_TOKEN}


def command(gateway: Gateway, *arguments: str) -> str:
    line = ["--config", str(gateway.config_file), *arguments]
    done = CliRunner().invoke(main, line, env=environ(gateway))
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def written(gateway: Gateway) -> int:
    """Rows of the ledger."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(gateway.vault_path.with_name("usage.db"))) as connection:
        return int(connection.execute("SELECT count(*) FROM glassgate_requests").fetchone()[0])
    return 0


def ask_in_all_ways(gateway: Gateway, managed: str) -> int:
    """Requests that end well and badly, whole and streamed, in several forms; gives how many leave a row."""
    said = [{"role": "user", "content": f"{WORD}\n!sandbox text='{ANSWERED}'"}]
    failing = [{"role": "user", "content": f"{WORD}\n!sandbox fault=captcha"}]
    bodies = [
        ("/v1/chat/completions", {"model": "sandbox-large", "messages": said}),
        ("/v1/chat/completions", {"model": "sandbox-large", "messages": said, "stream": True, "user": WORD}),
        ("/v1/messages", {"model": "GLM-4.6", "max_tokens": 50, "messages": said, "metadata": {"user_id": WORD}}),
        ("/v1/responses", {"model": "qwen3.7-plus", "input": WORD, "metadata": {"a": WORD}}),
        ("/v1/chat/completions", {"model": "GLM-4.6", "messages": failing}),
        ("/v1/chat/completions", {"model": "sandbox-large", "messages": WORD}),
        ("/v1/embeddings", {"model": "sandbox-large", "input": WORD}),
        (f"/v1/chat/completions?q={WORD}", {"model": f"no such model {managed}", "messages": said}),
    ]
    with httpx.Client(base_url=gateway.url, timeout=60) as http:
        for token in (managed, KEY):
            answers = [
                http.post(path, json=body, headers={"authorization": f"Bearer {token}"}) for path, body in bodies
            ]
            assert ANSWERED in answers[0].text, answers[0].text
            assert {answer.status_code for answer in answers} >= {200, 400, 404, 502}
        for headers in ({"authorization": f"Bearer {WRONG}"}, {"x-api-key": WRONG}):
            assert http.post(bodies[0][0], json=bodies[0][1], headers=headers).status_code == 401
    return 2 * len(bodies)


@pytest.fixture(scope="module")
def kept(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, bytes], dict[str, str]]:
    folder = tmp_path_factory.mktemp("operating")
    folder.chmod(0o700)
    with collector() as (address, traces):
        gateway = Gateway(
            folder,
            sites.description(),
            usage={},
            metrics={"token": "${METRICS_TOKEN}"},
            tracing={"endpoint": address, "take_context": True},
            arguments=("--set", "termlog_verbosity=debug"),
            **NO_REST,
        )
        with patch.object(gateway, "environ", lambda: environ(gateway)), gateway:
            managed = command(gateway, "keys", "add", "ada", "--note", "of a note")
            count = ask_in_all_ways(gateway, managed)
            until(lambda: written(gateway) == count)
            metrics = httpx.get(f"{gateway.url}/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
            assert metrics.status_code == 200
            beside = gateway.vault_path.parent
            places = {name: (beside / name).read_bytes() for name in LEDGER}
            places["metrics"] = metrics.content
            rotated = command(gateway, "keys", "rotate", "ada")
            command(gateway, "backup", str(folder / "backup.tar"))
            places |= {f"usage {how}": command(gateway, "usage", how).encode() for how in ("--csv", "--json")}
            places["keys list"] = command(gateway, "keys", "list", "--json").encode()
            until(lambda: b"chat GLM-4.6" in b"".join(traces))
        places["traces"] = b"\n".join(traces)
    for name in ("audit.jsonl", "keys.json", "usage.db"):
        places[f"{name} at the end"] = (beside / name).read_bytes()
    places["backup"] = (folder / "backup.tar").read_bytes()
    with tarfile.open(folder / "backup.tar") as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            places[f"{member.name} in the backup"] = file.read() if file is not None else b""
    secrets = {f"session {number}": secret for number, secret in enumerate(canaries(sites))}
    secrets |= {
        "config key": KEY,
        "managed key": managed.removeprefix(PREFIX),
        "rotated key": rotated.removeprefix(PREFIX),
        "wrong key": WRONG,
    }
    secrets |= {"metrics token": METRICS_TOKEN, "vault key": gateway.vault_key}
    return places, {**secrets, "prompt": WORD, "answer": ANSWERED}


def test_no_secret_and_no_word_stands_in_any_of_them(kept: tuple[Mapping[str, bytes], dict[str, str]]) -> None:
    places, secrets = kept
    assert len(secrets) > 8
    assert {place: found for place, content in places.items() if (found := found_in(content, secrets))} == {}


def test_they_have_what_was_asked(kept: tuple[Mapping[str, bytes], dict[str, str]]) -> None:
    """Else the test would show nothing."""
    places, _ = kept
    for place in ("metrics", "traces", "usage --csv", "usage --json", "keys list", "usage.db at the end"):
        assert b"ada" in places[place], place
    assert b"GLM-4.6" in places["usage.db-wal"] + places["usage.db"]
    assert b"provider_challenge" in places["metrics"]
    assert b'"keys rotate"' in places["audit.jsonl at the end"]
    assert {"vault.json in the backup", "keys.json in the backup", "usage.db in the backup"} <= places.keys()
