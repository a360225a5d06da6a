"""The demo: sandbox sites, a throw-away vault and a configuration for them; nothing is kept."""

import io
import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from addons.cli import demo
from addons.cli.base import Problem
from addons.cli.demo import provider_entries, serve_demo, start_sites, welcome, write_demo
from addons.cli.proxy_tools import WebDoor
from addons.config.loader import load_config
from addons.vault.keys import VaultKey
from addons.vault.store import Vault

KEY = "11" * 32
URLS = {
    "zai": "http://127.0.0.1:1",
    "qwen": "http://127.0.0.1:2",
    "qwen-auth": "http://127.0.0.1:3",
    "openai": "http://127.0.0.1:4",
}
SITES: dict[str, Any] = {
    "base_urls": URLS,
    "sessions": {
        "zai": {"token": "t-0123456789"},
        "qwen": {"token": "q-0123456789"},
        "openai": {"api_key": "sk-0123456789"},
    },
}


def test_each_site_is_a_provider_under_its_own_name() -> None:
    entries = provider_entries(URLS)
    assert set(entries) == {"zai", "qwen", "official"}
    assert entries["zai"] == {"type": "zai", "base_url": URLS["zai"], "accounts": [{"name": "demo"}]}
    assert entries["qwen"]["auth_url"] == URLS["qwen-auth"]
    assert entries["official"]["base_url"] == "http://127.0.0.1:4/v1"
    assert provider_entries({}) == {}


def test_the_official_forms_can_what_those_can_that_they_stand_in_for() -> None:
    entries = provider_entries({**URLS, "anthropic": "http://127.0.0.1:5"})
    assert entries["anthropic"]["schemas"] is entries["anthropic"]["caches"] is True
    assert "responses" in entries["official"]["operations"]


def test_what_is_written_is_a_configuration_with_a_vault_for_every_account(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    file = write_demo(tmp_path, SITES, "::1", 8123, KEY)
    config = load_config(file, {"AUTH_TOKEN": "sk-demo-0123456789"})
    assert (config.sections.listen.host, config.sections.listen.port) == ("::1", 8123)
    assert config.tokens == ("sk-demo-0123456789",)
    vault = Vault.open(tmp_path / "sessions" / "vault.json", VaultKey.from_text(KEY))
    assert set(vault.records()) == {("zai", "demo"), ("qwen", "demo"), ("official", "demo")}
    assert "sk-0123456789" not in file.read_text()


def test_a_newcomer_is_told_what_to_paste() -> None:
    said = welcome("127.0.0.1", 8080, "sk-demo-x", "GLM", None, "glassgate run claude")
    for words in (
        "http://127.0.0.1:8080/v1",
        "Bearer sk-demo-x",
        '"model": "GLM"',
        "run again with --web",
        "glassgate run claude   (or codex",
        "nothing is kept",
    ):
        assert words in said
    assert "inspector  http://127.0.0.1:1/?token=x" in welcome("h", 1, "k", "m", "http://127.0.0.1:1/?token=x", "a")


class Process:
    """A process that a test ends."""

    def __init__(self, command: list[str], **how: Any) -> None:
        self.command = command
        self.how = how
        self.stdout = io.StringIO(json.dumps(SITES) + "\n")
        self.ended: list[str] = []
        self.signals: list[int] = []
        self.status: int | None = None

    def poll(self) -> int | None:
        return self.status

    def terminate(self) -> None:
        self.ended.append("terminated")

    def wait(self, timeout: float | None = None) -> int:
        self.status = 0 if self.status is None else self.status
        return self.status

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


class House:
    """The demo in this process: its two processes are objects, and signals go to who was set for them."""

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self.handlers: dict[int, Any] = {}
        self.folders: list[Path] = []
        self.while_serving: Any = lambda gateway: None

    def popen(self, command: list[str], **how: Any) -> Process:
        made = Process(command, **how)
        if "sandbox" not in command:
            made.wait = lambda timeout=None: self._serve(made)  # type: ignore[method-assign]
        self.processes.append(made)
        return made

    def _serve(self, gateway: Process) -> int:
        [config] = [word for word in gateway.command if word.endswith("config.yaml")]
        self.folders.append(Path(config).parent)
        assert yaml.safe_load(Path(config).read_text())["listen"]["port"] == 8080
        self.while_serving(gateway)
        gateway.status = 3
        return 3


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House()
    monkeypatch.delenv("AUTH_TOKEN", raising=False)
    monkeypatch.delenv("GLASSGATE_WEB_URL", raising=False)
    before = os.umask(0o077)
    with (
        patch("addons.cli.demo.subprocess.Popen", made.popen),
        patch.object(demo, "port_problem", lambda *a: None),
        patch("addons.cli.demo.signal.signal", made.handlers.__setitem__),
    ):
        yield made
    os.umask(before)


def run(door: WebDoor | None = None) -> int:
    return serve_demo("127.0.0.1", 8080, door, ["mitmdump", "--set", "{config}"])


def test_the_gateway_runs_until_it_ends_and_nothing_is_left(house: House) -> None:
    modes: list[int] = []
    house.while_serving = lambda gateway: modes.append(stat.S_IMODE(house.folders[0].stat().st_mode))
    assert run() == 3
    sites, gateway = house.processes
    assert gateway.command[:2] == ["mitmdump", "--set"]
    environ = gateway.how["env"]
    assert environ["AUTH_TOKEN"].startswith("sk-demo-")
    assert environ["SESSION_ENCRYPTION_KEY"]
    assert "GLASSGATE_WEB_URL" not in environ
    assert (sites.ended, gateway.ended, sites.stdout.closed) == (["terminated"], [], True)
    assert modes == [0o700]
    assert not house.folders[0].exists()


def test_a_key_of_the_persons_own_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTH_TOKEN", "sk-of-mine-0123456789")
    run(WebDoor(8081, "w"))
    assert house.processes[1].how["env"]["AUTH_TOKEN"] == "sk-of-mine-0123456789"
    said = capsys.readouterr().out
    assert "sk-of-mine-0123456789" in said
    assert "http://127.0.0.1:8081/?token=w" in said


@pytest.mark.parametrize("key", ["short", "sk-with\ta-tab-0123456789"])
def test_a_key_that_can_be_none_is_not_the_demos(house: House, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """The gateway would refuse to start with it."""
    monkeypatch.setenv("AUTH_TOKEN", key)
    run()
    assert house.processes[1].how["env"]["AUTH_TOKEN"].startswith("sk-demo-")


def test_the_demo_has_nothing_of_a_gateway_of_the_persons_own(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key check was off, its sandbox was shown a real session, and it ended for want of a file."""
    others = {
        "SKIP_AUTH_TOKEN": "true",
        "AUTH_TOKENS_FILE": "/nowhere",
        "LONGCAT_PASSPORT_TOKEN": "a-real-session",
        "LONGCAT_TOKENS_FILE": "/nowhere",
        "LOG_LEVEL": "verbose",
    }
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    run()
    assert not others.keys() & house.processes[1].how["env"].keys()


def test_signals_go_to_the_gateway_and_a_terminal_that_goes_is_told_once(house: House) -> None:
    def signals(gateway: Process) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGHUP):
            house.handlers[number](number, None)

    house.while_serving = signals
    run()
    assert house.processes[1].signals == [signal.SIGINT, signal.SIGTERM, signal.SIGTERM]


def test_ctrl_c_before_the_gateway_is_up_ends_the_sites(house: House) -> None:
    def interrupted() -> Any:
        house.handlers[signal.SIGHUP](signal.SIGHUP, None)

    with patch.object(demo, "start_sites", interrupted):
        assert run() == 130
    assert house.processes == []


def test_a_port_that_is_taken_is_said_before_anything_is_started(house: House) -> None:
    taken = patch.object(demo, "port_problem", lambda host, port, *a: f"{port} is in use")
    with taken, pytest.raises(Problem, match="8080 is in use\n8081 is in use"):
        run(WebDoor(8081, "w"))
    assert house.processes == []


def test_sites_that_do_not_come_up_end_it(house: House) -> None:
    def silent(command: list[str], **how: Any) -> Process:
        made = Process(command)
        made.stdout = io.StringIO("")
        return made

    with patch("addons.cli.demo.subprocess.Popen", silent), pytest.raises(SystemExit, match="did not start"):
        start_sites()
