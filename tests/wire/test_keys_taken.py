"""Managed keys that are revoked or rotated while they are used, over real sockets and in two gateways of one vault."""

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from click.testing import CliRunner

from addons.cli.main import main
from addons.keys.store import KeyStore
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.support.faulty import MODEL, made, read
from tests.support.hostile import Hostile, held
from tests.support.ports import free_port
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread
from tests.support.waiting import until

ASKED: Final = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
HELD: Final = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "held please"}]}


def keys(gateway: Gateway, *arguments: str, alone: bool = True) -> str:
    """What the command says, once the running gateway, where it is `alone`, has answered that it is in force."""
    line = ["--config", str(gateway.config_file), "keys", *arguments]
    done = CliRunner().invoke(main, line, env={"SESSION_ENCRYPTION_KEY": gateway.vault_key})
    assert done.exit_code == 0, done.output
    assert not (alone and "no gateway has answered" in done.stderr)
    return done.stdout.strip()


def status(gateway: Gateway, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=ASKED, headers=headers, timeout=60).status_code


class Streaming:
    """`with Streaming(gateway, token) as stream:` an answer that is under way, of which the first words have come."""

    def __init__(self, gateway: Gateway, token: str) -> None:
        self._stack = contextlib.ExitStack()
        self._gateway, self._headers = gateway, {"authorization": f"Bearer {token}"}

    def __enter__(self) -> "Streaming":
        asked = httpx.stream(
            "POST", f"{self._gateway.url}/v1/chat/completions", json=HELD, headers=self._headers, timeout=60
        )
        self._answer = self._stack.enter_context(asked)
        self._lines = self._answer.iter_lines()
        said: list[str] = []
        while not any("Hello" in line for line in said):
            line = next(self._lines, None)
            assert line is not None, (self._answer.status_code, said)
            said.append(line)
        self._first = said[-1]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rest(self) -> tuple[str, str]:
        """The whole text, and how it ended, once it has."""
        text = "\n".join([self._first, *self._lines])
        return read(httpx.Response(200, text=text))


@pytest.fixture
def let_go(site: Hostile) -> Iterator[threading.Event]:
    """What the answers of the site wait for."""
    event = threading.Event()
    site.programs["held"] = held(event)
    yield event
    event.set()


@pytest.fixture
def gateway(thread: SandboxThread, folder: Path) -> Iterator[Gateway]:
    with made(folder, thread, **NO_REST) as running:
        yield running


def test_a_key_that_is_revoked_takes_its_streams_with_it(gateway: Gateway, let_go: threading.Event) -> None:
    ada, bob = keys(gateway, "add", "ada"), keys(gateway, "add", "bob")
    with Streaming(gateway, ada) as revoked, Streaming(gateway, bob) as stays:
        keys(gateway, "revoke", "ada")
        assert status(gateway, ada) == 401, "at once"
        text, end = revoked.rest()
        assert (text, end) == ("Hello ", "invalid_api_key"), "an error, and not as if it were whole"
        assert status(gateway, bob) == 200
        let_go.set()
        assert stays.rest()[1] == "done"
    assert status(gateway, keys(gateway, "add", "ada")) == 200, "the name is free for another"
    assert status(gateway, ada) == 401
    assert ada not in gateway.log


def test_a_key_that_is_rotated_keeps_its_streams_and_its_grace(gateway: Gateway, let_go: threading.Event) -> None:
    first = keys(gateway, "add", "ada")
    with Streaming(gateway, first) as stream:
        second = keys(gateway, "rotate", "ada", "--grace", "1h")
        assert [status(gateway, token) for token in (first, second)] == [200, 200]
        third = keys(gateway, "rotate", "ada", "--grace", "0s")
        assert [status(gateway, token) for token in (first, second, third)] == [401, 401, 200]
        let_go.set()
        assert stream.rest()[1] == "done", "it is the same key's"


def test_a_grace_that_ends_needs_no_command(gateway: Gateway) -> None:
    first = keys(gateway, "add", "ada")
    second = keys(gateway, "rotate", "ada", "--grace", "1s")
    until(lambda: status(gateway, first) == 401)
    assert status(gateway, second) == 200


def test_a_file_that_is_changed_without_a_word_is_taken_up(gateway: Gateway, let_go: threading.Event) -> None:
    """As where it was put there by another machine, or the command was killed before it asked."""
    ada = keys(gateway, "add", "ada")
    store = KeyStore(Vault.open(gateway.vault_path, VaultKey.from_text(gateway.vault_key)))
    with Streaming(gateway, ada) as stream:
        store.change(lambda known, secret: ())
        assert stream.rest()[1] == "invalid_api_key"
    assert status(gateway, ada) == 401


# -- two gateways -----------------------------------------------------------------------------------------------------
@pytest.fixture
def pair(thread: SandboxThread, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Gateway]]:
    """Two processes with a configuration each, and one vault, so one file of keys and one ledger."""
    first = made(folder, thread, usage={}, **NO_REST)
    elsewhere = tmp_path_factory.mktemp("second")
    elsewhere.chmod(0o700)
    second = Gateway(elsewhere, **{**first.config, "listen": {"port": free_port()}})
    second.port = int(second.config["listen"]["port"])
    second.vault_key, second.vault_path = first.vault_key, first.vault_path
    with first, second:
        yield [first, second]


def booked(gateway: Gateway) -> list[tuple[Any, ...]]:
    """What the ledger has: requests and tokens of each key."""
    what = "key, count(*), sum(prompt_tokens + completion_tokens) FROM glassgate_requests GROUP BY key ORDER BY key"
    with closing(sqlite3.connect(gateway.vault_path.with_name("usage.db"))) as connection:
        return connection.execute(f"SELECT {what}").fetchall()


def test_a_key_is_in_force_and_out_of_it_in_two_gateways(pair: list[Gateway], let_go: threading.Event) -> None:
    first, second = pair
    ada = keys(first, "add", "ada", alone=False)
    until(lambda: [status(one, ada) for one in pair] == [200, 200])
    with Streaming(first, ada) as here, Streaming(second, ada) as there:
        keys(second, "revoke", "ada", alone=False)
        assert (here.rest()[1], there.rest()[1]) == ("invalid_api_key", "invalid_api_key")
        assert [status(one, ada) for one in pair] == [401, 401]


def test_two_commands_at_once_lose_no_key(pair: list[Gateway]) -> None:
    names = ["k0", "k1", "k2", "k3"]
    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda at: added(pair[at % 2], names[at]), range(len(names))))
    for gateway in pair:
        until(lambda one=gateway: {status(one, token) for token in tokens} == {200})  # type: ignore[misc]
    listed = json.loads(keys(pair[0], "list", "--json"))
    assert {row["name"] for row in listed if row["name"] in names} == set(names)


def added(gateway: Gateway, name: str) -> str:
    """The key that a process of its own has made."""
    program = str(Path(sys.executable).with_name("glassgate"))
    line = [program, "--config", str(gateway.config_file), "keys", "add", name]
    done = subprocess.run(line, env=gateway.environ(), capture_output=True, text=True, timeout=90, check=True)
    return done.stdout.strip()


def test_two_gateways_write_one_ledger_and_one_is_killed(pair: list[Gateway]) -> None:
    """Every request that was answered stands in it once; of the killed one what was written."""
    first, second = pair
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda at: pair[at % 2].post(ASKED).status_code, range(60)))
    assert set(answers) == {200}
    until(lambda: [row[:2] for row in booked(first)] == [("env", 60)])
    tokens = booked(first)[0][2]
    assert first.process
    first.process.kill()
    first.process.wait(60)
    assert [second.post(ASKED).status_code for _ in range(20)] == [200] * 20
    until(lambda: booked(second) == [("env", 80, tokens // 60 * 80)])
    said = httpx.get(f"{second.url}/healthz", headers={"authorization": f"Bearer {KEY}"}).json()
    assert said["status"] == "ok", said
    with closing(sqlite3.connect(second.vault_path.with_name("usage.db"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
