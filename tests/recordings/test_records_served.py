"""Recording through a gateway, reading it again, serving it as a provider: the same words at every turn."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addons.app.job_list import TEND_EVERY_S
from addons.recordings.kept_files import ENDING
from addons.recordings.recording import Recording
from addons.recordings.replay_site import replay_sites
from tests.recordings.record_plan import PLANS, asked
from tests.support.canaries import canaries
from tests.support.harness import VAULT_KEY
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY

OFFICIAL = "sandbox-large"


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites() as running:
        yield running


@pytest.fixture(scope="module")
def recorded(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """A gateway that has recorded every variant of every site, streamed and whole."""
    folder = tmp_path_factory.mktemp("records")
    record = {"enabled": True, "folder": str(folder / "kept")}
    with Served(folder, sites, record=record, **NO_REST) as gateway:
        bodies = [fields for site in PLANS for fields in asked(site)]
        for fields in bodies:
            gateway.post(fields)
        gateway.pass_s(TEND_EVERY_S)
        assert len([one for one in kept(folder / "kept") if one.part == "attempt"]) >= len(bodies)
        yield gateway, folder / "kept"


def kept(folder: Path) -> list[Recording]:
    return [Recording.load(path.read_bytes(), path.name) for path in files(folder)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{ENDING}"))


@pytest.mark.untraced
def test_every_variant_is_read_alike(recorded: tuple[Served, Path]) -> None:
    gateway, folder = recorded
    found = [path for path in files(folder) if not is_begun(Recording.load(path.read_bytes()))]
    result = gateway.command("replay", "--check", *map(str, found))
    assert result.exit_code == 0, result.output
    assert result.output.count("is read alike") == len(found)


def test_no_secret_stands_in_recordings(recorded: tuple[Served, Path], sites: Sites) -> None:
    _, folder = recorded
    forbidden = [KEY, VAULT_KEY.hex(), "person@example.com", *canaries(sites)]
    for path in files(folder):
        text = path.read_text(encoding="utf-8")
        for canary in forbidden:
            assert canary not in text, path.name
        assert path.stat().st_mode & 0o077 == 0


def test_a_changed_answer_is_shown_as_a_diff(recorded: tuple[Served, Path], tmp_path: Path) -> None:
    gateway, folder = recorded
    path = next(p for p in files(folder) if "Hello from the" in p.read_text(encoding="utf-8"))
    other = tmp_path / f"changed{ENDING}"
    other.write_text(path.read_text(encoding="utf-8").replace("Hello from the", "Goodbye to the", 1), encoding="utf-8")
    result = gateway.command("replay", "--check", str(other), str(path))
    assert result.exit_code == 1
    assert "is read differently" in result.output
    assert "is read alike" in result.output


def test_unusable_files_fail_in_one_line(recorded: tuple[Served, Path], tmp_path: Path) -> None:
    gateway, _ = recorded
    broken = tmp_path / f"broken{ENDING}"
    broken.write_text("{")
    checked = gateway.command("replay", "--check", str(broken), str(tmp_path / "missing"))
    assert checked.exit_code == 1
    assert checked.output.count("cannot be checked") == 2
    served = gateway.command("replay", str(broken))
    assert (served.exit_code, served.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("site", PLANS)
def test_what_was_recorded_is_served_again(recorded: tuple[Served, Path], tmp_path: Path, site: str) -> None:
    """The recordings of a site in its place: the gateway then delivers the same, whatever had happened."""
    _, records = recorded
    kind = "openai_compatible" if site == "openai" else site
    own = [recording for recording in kept(records) if recording.provider == kind]
    chats = [recording for recording in own if recording.part == "attempt" and not is_begun(recording)]
    assert len(chats) >= len(list(asked(site))) - sum(map(is_begun, own))
    with Sites((), own=replay_sites(own, 0)) as sites, Served(tmp_path, sites, **NO_REST) as gateway:
        for recording in chats:
            answer = gateway.post(json.loads(recording.client_request))
            if recording.outcome == "broken_off":  # all in one packet, it may fail before the first word goes out
                assert codes(answer.text) == codes(recording.delivered), recording.client_request
            else:
                assert said(answer.text) == said(recording.delivered), recording.client_request


def is_begun(recording: Recording) -> bool:
    """Whether its stream was lost, and the rest of the answer read back by a call of its own."""
    return recording.answer is not None and recording.answer.cut


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


def test_a_case_is_made_of_a_recording(recorded: tuple[Served, Path], tmp_path: Path) -> None:
    gateway, folder = recorded
    path = next(str(path) for path in files(folder) if Recording.load(path.read_bytes()).part == "attempt")
    made = gateway.command("cases", "add", path, "--name", "first", "--folder", str(tmp_path), "--yes")
    assert made.exit_code == 0, made.output
    assert "replaced in it" in made.output
    assert Recording.load((tmp_path / f"first{ENDING}").read_bytes())
    again = gateway.command("cases", "add", path, "--name", "first", "--folder", str(tmp_path), "--yes")
    assert (again.exit_code, "already" in again.output) == (1, True)


def test_unknown_events_show_as_drift(recorded: tuple[Served, Path]) -> None:
    gateway, folder = recorded
    gateway.pass_s(TEND_EVERY_S)
    kinds = json.loads(gateway.command("drift", "--json").output)["zai"]
    strange = next(kinds[kind] for kind in kinds if "chat:mood" in kind)
    assert (folder / strange["example"]).is_file()
    assert "chat:mood" in gateway.command("drift").output
    assert gateway.log.count("type chat:mood") == 1


def test_recording_is_switched_while_it_serves(sites: Sites, tmp_path: Path) -> None:
    with Served(tmp_path, sites, **NO_REST) as gateway:

        def ask() -> int:
            """How many recordings there are behind one more chat."""
            gateway.post({"model": OFFICIAL, "messages": [{"role": "user", "content": "Hi"}]})
            gateway.pass_s(2 * TEND_EVERY_S)
            return len(files(tmp_path / "here"))

        assert ask() == 0
        assert gateway.command("record", "on", "--folder", str(tmp_path / "here")).exit_code == 0
        gateway.pass_s(2 * TEND_EVERY_S)
        assert ask() == 1
        assert gateway.command("record", "off").exit_code == 0
        gateway.pass_s(2 * TEND_EVERY_S)
        assert ask() == 1
