"""A changed configuration: judged by the real listeners, read where it holds nobody, swapped whole or not at all."""

import asyncio
import threading
from pathlib import Path

import pytest

import addons.app.reload
from addons.app.reload import UNCHANGED, Reload
from addons.app.reload_requests import ReloadAnswer, answer_to, ask
from addons.app.runtime import Running
from addons.config.configuration import Config
from addons.config.loader import load_config
from addons.transport.httpx_carrier import HttpxCarrier

STRONG = "sk-strong-0123456789abcdef0123456789abcdef"
PROVIDERS = """
vault: {path: s/vault.json}
providers:
  p: {type: openai_compatible, base_url: 'https://x.example/v1', models: [m], accounts: [{name: a, session: none}]}
"""


class House:
    """A running gateway's parts without the gateway."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "config.yaml"
        self.write(f"auth: {{tokens: [{STRONG}]}}")
        self.file.chmod(0o600)
        self.parts = Running(load_config(self.file), None, HttpxCarrier())
        self.hosts = ["127.0.0.1"]
        self.reload = Reload(self.parts.config.file, lambda: self.parts, self.take, lambda: self.hosts)

    def write(self, text: str) -> None:
        self.file.write_text(text + PROVIDERS)

    def take(self, parts: Running) -> None:
        self.parts = parts


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for name in ("AUTH_TOKEN", "AUTH_TOKENS_FILE", "SKIP_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return House(tmp_path)


def test_what_has_not_changed_is_not_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addons.app.reload, "load_config", None)
    asyncio.run(house.reload.look())
    assert house.reload.problem is None


def test_a_good_change_is_in_force(house: House) -> None:
    before = house.parts
    house.write(f"auth: {{tokens: [{STRONG}x]}}")
    asyncio.run(house.reload.look())
    assert house.parts is not before
    assert house.parts.config.tokens == (f"{STRONG}x",)
    assert house.reload.problem is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("auth: {skip: true}", "auth.skip: works only when"),
        ("auth: {tokens: [sk-not-so-long]}", "at least 32 bytes"),
        ("auth: {skip: true}\nlisten: {host: 127.0.0.1}", "auth.skip: works only when"),
    ],
)
def test_the_real_listeners_judge(house: House, text: str, words: str) -> None:
    """Whatever the file says of them."""
    before = house.parts
    house.hosts = ["127.0.0.1", "0.0.0.0"]
    house.write(text)
    asyncio.run(house.reload.look())
    assert house.parts is before
    assert words in (house.reload.problem or "")
    house.hosts = ["127.0.0.1"]
    house.reload.ask()
    asyncio.run(house.reload.look())
    assert house.parts is not before
    assert house.reload.problem is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param(".env", "SKIP_AUTH_TOKEN=true\n", "auth.skip: works only when", id="skip by .env"),
        pytest.param("keys", "sk-not-so-long\n", "at least 32 bytes", id="short key in the keys file"),
        pytest.param("keys", None, "holds keys and can be read by others (mode 0644)", id="keys file opened"),
    ],
)
def test_files_beside_it_open_no_door_either(house: House, name: str, content: str | None, words: str) -> None:
    for file in (".env", "keys"):
        (house.file.parent / file).touch(0o600)
    house.write(f"auth: {{tokens: [{STRONG}], tokens_file: keys}}")
    for _ in range(2):  # the second look sees the file of keys for the first time
        asyncio.run(house.reload.look())
    before = house.parts
    house.hosts = ["0.0.0.0"]
    if content is None:
        (house.file.parent / name).chmod(0o644)
    else:
        (house.file.parent / name).write_text(content)
    asyncio.run(house.reload.look())
    assert house.parts is before
    assert words in (house.reload.problem or "")


def test_a_file_opened_to_others_is_noticed_by_its_mode_alone(house: House) -> None:
    house.hosts = ["0.0.0.0"]
    house.file.chmod(0o666)
    asyncio.run(house.reload.look())
    assert "read and changed by others (mode 0666)" in (house.reload.problem or "")
    house.file.chmod(0o600)
    asyncio.run(house.reload.look())
    assert house.reload.problem is None


def test_who_asks_is_answered(house: House) -> None:
    """Without a vault too: the gateway makes the folder where questions are left."""
    folder, question = house.file.parent / "s", "ab" * 16
    assert folder.is_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    ask(folder, house.file.absolute(), question)
    asyncio.run(house.reload.look())
    found = answer_to(folder, question)
    assert found is not None
    assert found.done
    house.write("lisen: {}")
    ask(folder, house.file.absolute(), "cd" * 16)
    asyncio.run(house.reload.look())
    found = answer_to(folder, "cd" * 16)
    assert found is not None
    assert not found.done
    assert "did you mean 'listen'" in found.said


def test_unchanged_files_are_not_said_to_be_changed(house: House, caplog: pytest.LogCaptureFixture) -> None:
    folder, before = house.file.parent / "s", house.parts
    ask(folder, house.file.absolute(), "ab" * 16)
    with caplog.at_level("INFO", "glassgate"):
        asyncio.run(house.reload.look())
        house.reload.ask()
        asyncio.run(house.reload.look())
    found = answer_to(folder, "ab" * 16)
    assert found is not None
    assert (found.done, found.said) == (True, UNCHANGED)
    assert house.parts is before
    assert [record.getMessage() for record in caplog.records] == [UNCHANGED, UNCHANGED]
    house.hosts = ["127.0.0.1", "0.0.0.0"]
    house.file.chmod(0o666)
    asyncio.run(house.reload.look())
    assert house.reload.problem is not None
    house.hosts = ["127.0.0.1"]
    house.reload.ask()
    asyncio.run(house.reload.look())
    assert not house.reload.problem
    assert house.parts is not before, "what was refused is taken up, unchanged too"


def test_what_only_a_start_can_change_is_told_and_the_rest_is_in_force(house: House) -> None:
    house.write(f"auth: {{tokens: [{STRONG}x]}}\nlisten: {{port: 8099}}")
    asyncio.run(house.reload.look())
    assert house.parts.config.tokens == (f"{STRONG}x",)
    assert house.reload.problem == "listen changed: this takes effect at the next start"


def test_another_driver_needs_no_start(house: House) -> None:
    house.write(f"auth: {{tokens: [{STRONG}]}}\nlisten: {{driver: mitmproxy}}")
    asyncio.run(house.reload.look())
    assert house.parts.config.sections.listen.driver == "mitmproxy"
    assert house.reload.problem is None


@pytest.mark.parametrize("fault", [KeyError("x"), RecursionError(), UnicodeDecodeError("utf-8", b"", 0, 1, "x")])
def test_any_fault_is_a_problem_and_no_end(house: House, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def fails(file: Path) -> None:
        raise fault

    before = house.parts
    monkeypatch.setattr(addons.app.reload, "load_config", fails)
    house.reload.ask()
    asyncio.run(house.reload.look())
    assert house.parts is before
    assert type(fault).__name__ in (house.reload.problem or "")


@pytest.mark.parametrize("hangs", ["_stamp", "load_config"])
def test_a_disk_that_hangs_is_a_problem_and_holds_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, hangs: str
) -> None:
    event = threading.Event()
    monkeypatch.setattr(addons.app.reload, "READ_S", 0.05)
    plain = getattr(addons.app.reload, hangs)

    def hanging(*arguments: object) -> object:
        event.wait(60)
        return plain(*arguments)

    async def look() -> None:
        before = house.parts
        for _ in range(3):
            house.reload.ask()
            await house.reload.look()
        assert house.parts is before
        assert "could not be read within" in (house.reload.problem or "")
        assert len([record for record in caplog.records if "could not be read" in record.getMessage()]) == 1
        event.set()
        monkeypatch.setattr(addons.app.reload, "READ_S", 60)
        await house.reload.look()
        assert house.reload.problem is None, "it goes again"

    monkeypatch.setattr(addons.app.reload, hangs, hanging)
    asyncio.run(look())


def asked(house: House, question: str = "ab" * 16) -> ReloadAnswer:
    """What is answered to who asks for a reload."""
    folder = house.file.parent / "s"
    ask(folder, house.file.absolute(), question)
    asyncio.run(house.reload.look())
    found = answer_to(folder, question)
    assert found is not None
    return found


def test_who_asks_is_told_what_is_in_force(house: House) -> None:
    house.write(f"auth: {{tokens: [{STRONG}x]}}")
    assert asked(house) == ReloadAnswer(True, "the changed configuration is in force")
    house.write(f"auth: {{tokens: [{STRONG}y]}}\nlisten: {{port: 8099}}")
    assert asked(house, "cd" * 16) == ReloadAnswer(
        True, "the changed configuration is in force; listen changed: this takes effect at the next start"
    )


def test_who_asks_while_a_disk_hangs_is_told_that(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def hung(file: Path) -> None:
        raise TimeoutError

    monkeypatch.setattr(addons.app.reload, "load_config", hung)
    found = asked(house)
    assert not found.done
    assert "could not be read within" in found.said


def test_after_a_disk_has_hung_the_files_are_looked_at_though_they_are_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(addons.app.reload, "READ_S", 0.05)
        patch.setattr(addons.app.reload, "_stamp", lambda *_: event.wait(60))
        asyncio.run(house.reload.look())
    event.set()
    assert "could not be read within" in (house.reload.problem or "")
    asyncio.run(house.reload.look())
    assert house.reload.problem is None


def test_what_waits_for_the_next_start_is_told_until_it_is_taken_back(house: House) -> None:
    """Another change, taken up since, does not put it in force."""
    waits = "listen changed: this takes effect at the next start"
    for text, problem in (
        (f"auth: {{tokens: [{STRONG}]}}\nlisten: {{port: 5}}", waits),
        (f"auth: {{tokens: [{STRONG}x]}}\nlisten: {{port: 5}}", waits),
        (f"auth: {{tokens: [{STRONG}x]}}", None),
    ):
        house.write(text)
        asyncio.run(house.reload.look())
        assert house.reload.problem == problem


def test_each_problem_has_its_line_and_is_told_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.write("lisen: {}\nrooting: {}")
    for _ in range(3):
        house.reload.ask()
        asyncio.run(house.reload.look())
    [record] = caplog.records
    first, *lines = record.getMessage().splitlines()
    assert first == "the changed configuration is not taken up; the one from before stays in force:"
    assert lines == (house.reload.problem or "").splitlines()
    assert len(lines) == 2
    house.write("lisen: {}")
    asyncio.run(house.reload.look())
    assert len(caplog.records) == 2, "another problem is told"


@pytest.mark.parametrize("name", [".env", "tokens.txt"])
def test_files_beside_it_are_watched_too(house: House, name: str) -> None:
    (house.file.parent / "tokens.txt").write_text(STRONG)
    (house.file.parent / "tokens.txt").chmod(0o600)
    house.write("auth: {tokens_file: tokens.txt}")
    for _ in range(2):  # the second look sees the file of keys for the first time
        asyncio.run(house.reload.look())
    assert house.reload.problem is None
    before = house.parts
    asyncio.run(house.reload.look())
    assert house.parts is before
    file = house.file.parent / name
    file.write_text(f"{STRONG}\n{STRONG}x\n" if name != ".env" else "OTHER=1\n")
    file.chmod(0o600)
    asyncio.run(house.reload.look())
    assert house.reload.problem is None
    assert house.parts is not before


def test_what_was_asked_for_is_asked_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def read(file: Path) -> Config:
        reads.append(file)
        return load_config(file)

    monkeypatch.setattr(addons.app.reload, "load_config", read)
    house.reload.ask()
    for _ in range(3):
        asyncio.run(house.reload.look())
    assert len(reads) == 1
