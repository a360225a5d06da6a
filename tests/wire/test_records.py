"""Recording through a real gateway, reading it again, serving it as a provider: the same words at every turn."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from addons.recordings.recorder import ENDING
from addons.recordings.recording import Recording
from addons.recordings.replay_site import replay_sites
from providers.sandbox.run import Sandbox
from tests.support.canaries import canaries
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread
from tests.support.waiting import until
from tests.wire.record_plan import PLANS, asked

OFFICIAL = "sandbox-large"


@pytest.fixture(scope="module")
def recorded(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    """A gateway that has recorded every variant of every site, streamed and whole."""
    folder = tmp_path_factory.mktemp("records")
    folder.chmod(0o700)
    record = {"enabled": True, "folder": str(folder / "kept")}
    with Gateway(folder, sites.description(), hurried=True, record=record, **NO_REST) as gateway:
        count = 0
        with httpx.Client(headers=gateway.headers, timeout=30) as client:
            for site in PLANS:
                for fields in asked(site):
                    count += 1
                    client.post(f"{gateway.url}/v1/chat/completions", json=fields)
        until(lambda: len([r for r in kept(folder / "kept") if r.part == "attempt"]) >= count)
        yield gateway, folder / "kept"


def kept(folder: Path) -> list[Recording]:
    return [Recording.load(path.read_bytes(), path.name) for path in files(folder)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{ENDING}"))


def command(gateway: Gateway, *arguments: str) -> Result:
    environ = {"SESSION_ENCRYPTION_KEY": gateway.vault_key, "AUTH_TOKEN": KEY}
    return CliRunner().invoke(main, ["--config", str(gateway.config_file), *arguments], env=environ)


def test_every_variant_is_read_alike(recorded: tuple[Gateway, Path]) -> None:
    gateway, folder = recorded
    found = files(folder)
    result = command(gateway, "replay", "--check", *map(str, found))
    assert result.exit_code == 0, result.output
    assert result.output.count("is read alike") == len(found)


def test_no_secret_stands_in_recordings(recorded: tuple[Gateway, Path], sites: SandboxThread) -> None:
    gateway, folder = recorded
    forbidden = [KEY, gateway.vault_key, "person@example.com", *canaries(sites)]
    for path in files(folder):
        text = path.read_text(encoding="utf-8")
        for canary in forbidden:
            assert canary not in text, path.name
        assert path.stat().st_mode & 0o077 == 0


def test_a_changed_answer_is_shown_as_a_diff(recorded: tuple[Gateway, Path], tmp_path: Path) -> None:
    gateway, folder = recorded
    path = next(p for p in files(folder) if "Hello from the" in p.read_text(encoding="utf-8"))
    other = tmp_path / f"changed{ENDING}"
    other.write_text(path.read_text(encoding="utf-8").replace("Hello from the", "Goodbye to the", 1), encoding="utf-8")
    result = command(gateway, "replay", "--check", str(other), str(path))
    assert result.exit_code == 1
    assert "is read differently" in result.output
    assert "is read alike" in result.output


def test_unusable_files_fail_in_one_line(recorded: tuple[Gateway, Path], tmp_path: Path) -> None:
    gateway, _ = recorded
    broken = tmp_path / f"broken{ENDING}"
    broken.write_text("{")
    checked = command(gateway, "replay", "--check", str(broken), str(tmp_path / "missing"))
    assert checked.exit_code == 1
    assert checked.output.count("cannot be checked") == 2
    served = command(gateway, "replay", str(broken))
    assert (served.exit_code, served.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("site", PLANS)
def test_what_was_recorded_is_served_again(recorded: tuple[Gateway, Path], folder: Path, site: str) -> None:
    """The recordings of a site in its place: the gateway then delivers the same, whatever had happened."""
    _, records = recorded
    kind = "openai_compatible" if site == "openai" else site
    own = [recording for recording in kept(records) if recording.provider == kind]
    chats = [recording for recording in own if recording.part == "attempt"]
    assert len(chats) >= len(list(asked(site)))
    with (
        SandboxThread(Sandbox((), own=replay_sites(own, 0))) as thread,
        Gateway(folder, thread.description(), **NO_REST) as gateway,
        httpx.Client(headers=gateway.headers, timeout=30) as client,
    ):
        for recording in chats:
            body = recording.client_request.encode()
            answer = client.post(f"{gateway.url}/v1/chat/completions", content=body)
            if recording.outcome == "broken_off":  # all in one packet, it may fail before the first word goes out
                assert codes(answer.text) == codes(recording.delivered), recording.client_request
            else:
                assert said(answer.text) == said(recording.delivered), recording.client_request


def codes(delivered: str) -> list[str]:
    """The codes of the errors in an answer, streamed or whole."""
    lines = [line.removeprefix("data: ") for line in delivered.splitlines() if '"error"' in line]
    return [json.loads(line)["error"]["code"] for line in lines]


def said(delivered: str) -> Any:
    """What an answer says, without ids and times; of an error only that it is one (its verdict is not recorded)."""
    if not delivered.startswith("data:"):
        value = json.loads(delivered) if delivered else {"error": {}}
        return [choice["message"] for choice in value["choices"]] if "choices" in value else []
    found: list[Any] = []
    for line in delivered.splitlines():
        if line.startswith("data: {"):
            chunk = json.loads(line[6:])
            said = [(choice["delta"], choice["finish_reason"]) for choice in chunk.get("choices", ())]
            found += [chunk["error"]["code"]] if "error" in chunk else said
    return found


def test_the_sandbox_serves_recordings_in_the_place_of_their_sites(recorded: tuple[Gateway, Path]) -> None:
    gateway, folder = recorded
    command = [sys.executable, "-m", "addons.cli", "--config", str(gateway.config_file)]
    command += ["sandbox", "--replay", str(folder), "--speed", "0", "--json"]
    chat = next(r for r in kept(folder) if r.provider == "openai_compatible" and r.outcome == "ok")
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=gateway.environ()) as process:
        assert process.stdout
        try:
            told = json.loads(process.stdout.readline())
            answer = httpx.post(told["base_urls"]["openai"] + "/v1/chat/completions", content=chat.request.body)
        finally:
            process.terminate()
    assert set(told["sessions"]) == set(PLANS)
    assert chat.answer
    assert answer.content == chat.answer.body
    assert process.returncode == 0


def test_a_case_is_made_of_a_recording(recorded: tuple[Gateway, Path], tmp_path: Path) -> None:
    gateway, folder = recorded
    path = next(str(path) for path in files(folder) if Recording.load(path.read_bytes()).part == "attempt")
    made = command(gateway, "cases", "add", path, "--name", "first", "--folder", str(tmp_path), "--yes")
    assert made.exit_code == 0, made.output
    assert "replaced in it" in made.output
    assert Recording.load((tmp_path / f"first{ENDING}").read_bytes())
    again = command(gateway, "cases", "add", path, "--name", "first", "--folder", str(tmp_path), "--yes")
    assert (again.exit_code, "already" in again.output) == (1, True)


def test_unknown_events_show_as_drift(recorded: tuple[Gateway, Path]) -> None:
    gateway, folder = recorded
    until(lambda: "zai" in json.loads(command(gateway, "drift", "--json").output))
    kinds = json.loads(command(gateway, "drift", "--json").output)["zai"]
    strange = next(kinds[kind] for kind in kinds if "chat:mood" in kind)
    assert (folder / strange["example"]).is_file()
    assert "chat:mood" in command(gateway, "drift").output
    assert gateway.log.count("type chat:mood") == 1


def test_recording_is_switched_while_it_serves(sites: SandboxThread, folder: Path) -> None:
    with Gateway(folder, sites.description(), hurried=True, **NO_REST) as gateway:
        fields = {"model": OFFICIAL, "messages": [{"role": "user", "content": "Hi"}]}

        def ask() -> int:
            httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers)
            return len(files(folder / "here"))

        assert ask() == 0
        assert command(gateway, "record", "on", "--folder", str(folder / "here")).exit_code == 0
        until(lambda: ask() > 0)
        assert command(gateway, "record", "off").exit_code == 0

        def stopped() -> bool:
            before = ask()
            return ask() == before

        until(stopped)
