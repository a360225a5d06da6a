"""Keys asked for at a terminal: a real one (pty), with the keys that people press."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.vault import prompt as terminal
from addons.vault.errors import VaultLocked
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.support.processes import Gateway

CONFIG = """
vault: {key_source: prompt}
providers:
  official: {type: openai_compatible, base_url: "http://127.0.0.1:9/v1", models: [m1], accounts: [{name: key1}]}
"""
WORDS, OTHER = "correct horse battery staple", "quite another passphrase"
ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A process at a terminal of its own."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environ,
            start_new_session=True,
        )
        os.close(theirs)
        self.text = ""
        self._read_to = 0

    def expect(self, words: str) -> None:
        """Waits until the words stand on the screen, after what was waited for before."""
        end = time.monotonic() + 60
        while words not in self.text[self._read_to :]:
            assert time.monotonic() < end, f"{words!r} never came: {self.text!r}"
            assert self._more(1) is not False, f"{words!r} never came: {self.text!r}"
        self._read_to = self.text.index(words, self._read_to) + len(words)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        while self._more(60):
            pass
        return self.process.wait(30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        os.close(self._ours)

    def _more(self, wait_s: float) -> bool | None:
        """True when something came, None when nothing did, False at the end."""
        if not select.select([self._ours], [], [], wait_s)[0]:
            return None
        try:
            data = os.read(self._ours, 4096)
        except OSError:  # EIO: the process has left its terminal
            return False
        self.text += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def glassgate(house: Path) -> Iterator[object]:
    started: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        command = [sys.executable, "-m", "addons.cli", "--config", str(house / "config.yaml"), *arguments]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        started.append(Terminal(command, environ))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.mark.processes
def test_a_passphrase_is_made_used_and_changed_at_the_terminal(glassgate: type[Terminal], house: Path) -> None:
    made = glassgate("vault", "init")  # type: ignore[arg-type]
    made.expect("New vault passphrase: ")
    made.type(f"{WORDS}\n")
    made.expect("New vault passphrase, again: ")
    made.type(f"{WORDS}\n")
    assert made.end() == 0, made.text
    assert "passphrase, argon2id" in made.text
    changed = glassgate("vault", "rotate-passphrase")  # type: ignore[arg-type]
    changed.expect("Vault passphrase: ")
    changed.type(f"{WORDS}\n")
    for words in ("New vault passphrase: ", "again: "):
        changed.expect(words)
        changed.type(f"{OTHER}\n")
    assert changed.end() == 0, changed.text
    assert "it is asked for from now on" in changed.text
    assert Vault.open(house / ".sessions" / "vault.json", VaultKey.from_text(OTHER)).problem is None
    assert not [words for words in (WORDS, OTHER) if words in made.text + changed.text], "typed in the dark"


@pytest.mark.processes
def test_two_different_entries_change_nothing(glassgate: type[Terminal], house: Path) -> None:
    made = glassgate("vault", "init")  # type: ignore[arg-type]
    for words, given in (("passphrase: ", WORDS), ("again: ", OTHER)):
        made.expect(words)
        made.type(f"{given}\n")
    assert made.end() == 1
    assert "the two entries differ; nothing was changed" in made.text
    assert not (house / ".sessions" / "vault.json").exists()


@pytest.mark.processes
@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_who_gives_no_key_gets_one_line(glassgate: type[Terminal], house: Path, key: str) -> None:
    made = glassgate("vault", "init")  # type: ignore[arg-type]
    made.expect("New vault passphrase: ")
    made.type(key)
    assert made.end() == 1
    assert "glassgate: no key was given" in made.text
    assert "Traceback" not in made.text
    assert not (house / ".sessions").exists()


@pytest.mark.processes
@pytest.mark.parametrize("key", [f"{WORDS}\n", "\x03"], ids=["passphrase", "Ctrl-C"])
def test_the_gateway_asks_at_its_start(tmp_path: Path, key: str) -> None:
    tmp_path.chmod(0o700)
    entry = {"type": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m1"]}
    providers = {"official": {**entry, "accounts": [{"name": "demo"}]}}
    gateway = Gateway(tmp_path, providers=providers)
    gateway.vault.change_key(VaultKey.from_text(WORDS))
    gateway.config["vault"]["key_source"] = "prompt"
    gateway.write_config()
    command = [word for word in gateway.command() if word != "--quiet"]
    started = Terminal(command, gateway.environ())
    try:
        started.expect("Vault passphrase: ")
        started.type(key)
        if key == "\x03":
            assert started.end() != 0
            assert "no key was given" in started.text
        else:
            started.expect("is ready: 0 of 1 accounts can serve")
            started.type("\x03")
            assert started.end() == 0, started.text
    finally:
        started.close()
    assert WORDS not in started.text


@pytest.mark.processes
def test_nobody_is_asked_where_there_is_no_terminal(house: Path) -> None:
    command = [sys.executable, "-m", "addons.cli", "--config", str(house / "config.yaml"), "vault", "init"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for given in (subprocess.DEVNULL, subprocess.PIPE):
        done = subprocess.run(
            command, stdin=given, capture_output=True, text=True, timeout=60, check=False, cwd=house, env=environ,
            start_new_session=True,
        )  # fmt: skip
        assert done.returncode == 1
        assert "from a terminal, and there is none" in done.stderr


def test_ctrl_c_is_given_back_to_whose_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    before = signal.getsignal(signal.SIGINT)

    def interrupted(*_: object, **__: object) -> str:
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        raise KeyboardInterrupt

    monkeypatch.setattr("getpass.getpass", interrupted)
    with pytest.raises(VaultLocked, match="no key"):
        terminal.ask_secret("Key")
    assert signal.getsignal(signal.SIGINT) is before
