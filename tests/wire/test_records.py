"""Recording through a real gateway, reading it again, serving it as a provider: the same words at every turn."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from addons.inspect.recorder import ENDING
from addons.inspect.recording import Recording
from addons.inspect.replay_site import ReplaySite
from providers.sandbox.run import Sandbox
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread

OFFICIAL, ZAI = "sandbox-large", "GLM-4.6-Thinking"
VARIANTS = [
    (ZAI, variant, fault)
    for variant, fault in [
        *((v, "") for v in ("", "details", "glm_block", "content", "done_word", "done_data")),
        *(("", f) for f in ("captcha", "429", "edge", "html", "truncated", "error_after_text", "unknown_event")),
    ]
] + [
    (OFFICIAL, variant, fault)
    for variant, fault in [
        ("", ""),
        ("reasoning", ""),
        *(("", f) for f in ("500", "context", "broken_json", "error_mid", "no_done", "glued", "crlf", "length")),
    ]
]


@pytest.fixture(scope="module")
def recorded(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    """A gateway that has recorded every variant, streamed and whole."""
    folder = tmp_path_factory.mktemp("records")
    folder.chmod(0o700)
    record = {"enabled": True, "folder": str(folder / "kept")}
    with Gateway(folder, sites.description(), record=record, **NO_REST) as gateway:
        for model, variant, fault in VARIANTS:
            for stream in (True, False):
                prompt = f"talk of {variant}{fault}{stream}\n!sandbox variant={variant} fault={fault} pace_ms=1"
                fields = {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
                httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers, timeout=30)
        until(lambda: len(files(folder / "kept")) >= 2 * len(VARIANTS))
        yield gateway, folder / "kept"


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{ENDING}"))


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def command(gateway: Gateway, *arguments: str) -> Result:
    environ = {"SESSION_ENCRYPTION_KEY": gateway.vault_key, "AUTH_TOKEN": KEY}
    return CliRunner().invoke(main, ["--config", str(gateway.config_file), *arguments], env=environ)


def test_every_variant_is_read_alike(recorded: tuple[Gateway, Path]) -> None:
    gateway, folder = recorded
    result = command(gateway, "replay", "--check", str(folder))
    assert result.exit_code == 0, result.output
    assert result.output.count("is read alike") == len(files(folder))


def test_no_secret_stands_in_recordings(recorded: tuple[Gateway, Path], sites: SandboxThread) -> None:
    gateway, folder = recorded
    canaries = [KEY, gateway.vault_key, sites.site("openai").key, *sites.site("zai").tokens, "person@example.com"]
    for path in files(folder):
        text = path.read_text(encoding="utf-8")
        for canary in canaries:
            assert canary not in text
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


def test_what_was_recorded_is_served_again(recorded: tuple[Gateway, Path], tmp_path: Path) -> None:
    _, folder = recorded
    kept = [Recording.load(path.read_bytes()) for path in files(folder)]
    well = [r for r in kept if r.provider == "openai_compatible" and r.outcome == "ok"]
    streams = [r for r in well if json.loads(r.client_request)["stream"]]
    assert streams
    tmp_path.chmod(0o700)
    site = ReplaySite(recordings=streams, speed=0)
    with SandboxThread(Sandbox((), own={"openai": site})) as thread:
        described = {**thread.description(), "sessions": {"openai": {"api_key": "sk-any"}}}
        with Gateway(tmp_path, described, **NO_REST) as gateway:
            for recording in streams:
                answer = httpx.post(
                    f"{gateway.url}/v1/chat/completions",
                    content=recording.client_request.encode(),
                    headers=gateway.headers,
                    timeout=30,
                )
                assert words(answer.text) == words(recording.delivered)


def words(stream: str) -> list[Any]:
    """What a stream says, without ids and times."""
    found = []
    for line in stream.splitlines():
        if line.startswith("data: {"):
            chunk = json.loads(line[6:])
            found.append([(c["delta"], c["finish_reason"]) for c in chunk["choices"]])
    return found


def test_a_case_is_made_of_a_recording(recorded: tuple[Gateway, Path], tmp_path: Path) -> None:
    gateway, folder = recorded
    path = str(files(folder)[0])
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


def test_recording_is_switched_while_it_serves(sites: SandboxThread, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with Gateway(tmp_path, sites.description(), **NO_REST) as gateway:
        fields = {"model": OFFICIAL, "messages": [{"role": "user", "content": "Hi"}]}

        def ask() -> int:
            httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers)
            return len(files(tmp_path / "here"))

        assert ask() == 0
        assert command(gateway, "record", "on", "--folder", str(tmp_path / "here")).exit_code == 0
        until(lambda: ask() > 0)
        assert command(gateway, "record", "off").exit_code == 0

        def stopped() -> bool:
            before = ask()
            return ask() == before

        until(stopped)
