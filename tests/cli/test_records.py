"""`glassgate drift --clear` forgets; `glassgate cases add` keeps answers and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from addons.recordings.drift import Drift
from addons.recordings.kept_files import ENDING
from addons.recordings.recorder import Recorder
from addons.recordings.recording import Recording
from tests.cli.conftest import Run
from tests.recordings.test_foreign import URL, entry, har
from tests.recordings.test_recording import delivered, recorded

STEP = {
    "format": "glassgate-recording",
    "version": 1,
    "part": "step",
    "provider": "zai",
    "model": "",
    "outcome": "ok",
    "client_request": "",
    "request": {"method": "POST", "url": "https://chat.z.ai/api/v1/chats/new"},
    "answer": {"status": 200, "pieces": [{"ms": 0, "data": "{}"}]},
}


def test_drift_is_cleared(run: Run, house: Path, made: Path) -> None:
    assert run("drift", "--clear").stdout == "nothing unknown was counted\n"
    drift = Drift.load(made.with_name("drift.json"))
    drift.count("zai", {"phase dreaming": 2, "type chat:mood": 1}, 100, "req_1")
    drift.count("qwen", {"phase odd": 2}, 100, "req_1")
    drift.save()
    assert "phase dreaming" in run("drift").stdout
    assert run("drift", "--clear").stdout == "3 kinds forgotten\n"
    assert run("drift").stdout == "nothing unknown was met\n"
    assert json.loads(run("drift", "--json").stdout) == {}


def test_a_preparing_call_becomes_no_case(run: Run, tmp_path: Path) -> None:
    file = tmp_path / f"a{ENDING}"
    file.write_text(json.dumps(STEP))
    refused = run("cases", "add", str(file), "--folder", str(tmp_path / "cases"), "--yes")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "this is a preparing call" in refused.stderr
    assert "Give the attempt it prepared" in refused.stderr
    assert "replaced in it" not in refused.stdout
    assert not (tmp_path / "cases").exists()


@pytest.fixture
def kept(house: Path) -> Path:
    """A folder with one recording that is read as it was, and one that is not."""
    folder = house / "kept"
    folder.mkdir()
    (folder / f"alike{ENDING}").write_text(recorded().dump())
    (folder / f"other{ENDING}").write_text(recorded(delivered=delivered("Hello")).dump())
    (folder / "notes.txt").write_text("no recording")
    return folder


def test_recordings_are_checked_one_by_one(run: Run, kept: Path) -> None:
    (kept / f"broken{ENDING}").write_text("{")
    result = run("replay", "--check", str(kept))
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert f"alike{ENDING}: is read alike" in lines
    assert f"other{ENDING}: is read differently" in lines
    assert "    -Hello" in lines
    assert any(line.startswith(f"broken{ENDING}: cannot be checked: ") for line in lines)
    assert run("replay", "--check", str(kept / f"alike{ENDING}")).exit_code == 0


def test_what_cannot_be_served_is_refused_before_anything_is(run: Run, kept: Path, house: Path) -> None:
    for named in (str(house / "gone.glass.json"), str(house / "empty")):
        (house / "empty").mkdir(exist_ok=True)
        result = run("replay", named)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output


@pytest.mark.parametrize(("names", "said"), [((f"alike{ENDING}",), "1 recording"), ((".",), "2 recordings")])
def test_recordings_are_served(
    run: Run, kept: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], said: str
) -> None:
    served: list[tuple[int, float, int]] = []

    async def serve(found: list[Recording], speed: float, port: int, announce: Callable[[str], None]) -> None:
        served.append((len(found), speed, port))
        announce("http://127.0.0.1:1")

    monkeypatch.setattr("addons.recordings.replay_site.serve_recordings", serve)
    result = run("replay", *(str(kept / name) for name in names), "--speed", "2", "--port", "7")
    assert result.stdout == f"serving {said} at http://127.0.0.1:1\n"
    assert served == [(int(said[0]), 2.0, 7)]


@pytest.mark.parametrize(("answer", "kept_it"), [("y\n", True), ("n\n", False), ("", False)])
def test_a_case_is_kept_when_the_person_says_so(run: Run, kept: Path, house: Path, answer: str, kept_it: bool) -> None:
    result = run(
        "cases", "add", str(kept / f"alike{ENDING}"), "--folder", str(house / "cases"), "--name", "mine", given=answer
    )
    assert "replaced in it: " in result.stdout
    assert "read as:" in result.stdout
    assert (result.exit_code == 0) is kept_it
    assert (house / "cases" / f"mine{ENDING}").exists() is kept_it


def test_a_case_that_is_read_differently_says_so(run: Run, kept: Path, house: Path) -> None:
    result = run("cases", "add", str(kept / f"other{ENDING}"), "--folder", str(house / "cases"), "--yes")
    assert "today's adapters read it differently" in result.stdout
    assert result.stdout.splitlines()[-1] == f"kept as {house}/cases/other{ENDING}"


@pytest.mark.parametrize("content", [b"", b"{", b'{"log": {"entries": []}}'])
def test_a_file_without_a_chat_becomes_no_case(run: Run, house: Path, content: bytes) -> None:
    (house / "browser.har").write_bytes(content)
    for words in (("cases", "add"), ("record", "import")):
        result = run(*words, str(house / "browser.har"))
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert "browser.har" in result.stderr


def test_a_disk_that_takes_nothing_is_said(run: Run, kept: Path, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "write", lambda *a: None)
    result = run("record", "import", str(kept / f"alike{ENDING}"))
    assert (result.exit_code, result.stderr) == (1, f"glassgate: {house}/recordings cannot be written\n")
    monkeypatch.setattr("addons.cli.records.set_switch", _full)
    assert "record.json cannot be written: No space left" in run("record", "on").stderr


def _full(*a: object, **k: object) -> None:
    raise OSError(28, "No space left")


def test_kinds_are_told_the_most_met_first(run: Run, made: Path) -> None:
    drift = Drift.load(made.with_name("drift.json"))
    drift.count("zai", {"seldom": 1, "often": 9}, 100, "req_1")
    drift.save()
    lines = run("drift").stdout.splitlines()
    assert [" ".join(line.split()[:4]) for line in lines] == ["zai often 9 times,", "zai seldom 1 times,"]
    assert all(line.endswith(", see req_1") for line in lines)
    assert run("drift", "--clear").stdout == "2 kinds forgotten\n"


def test_a_count_that_cannot_be_removed_is_said(run: Run, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "unlink", _full)
    result = run("drift", "--clear")
    assert (result.exit_code, "drift.json cannot be removed: No space left" in result.stderr) == (1, True)


def test_what_is_read_differently_is_a_failure_by_itself(run: Run, kept: Path) -> None:
    assert run("replay", "--check", str(kept / f"other{ENDING}")).exit_code == 1


@pytest.mark.parametrize(("lines", "more"), [(3, False), (60, True)])
def test_only_the_beginning_of_what_is_read_is_shown(
    run: Run, kept: Path, house: Path, monkeypatch: pytest.MonkeyPatch, lines: int, more: bool
) -> None:
    monkeypatch.setattr("addons.cli.records.delivered_lines", lambda recording: [f"line {n}" for n in range(lines)])
    said = run("cases", "add", str(kept / f"alike{ENDING}"), "--folder", str(house / "cases"), "--yes").stdout
    assert (f"    line {min(lines, 40) - 1}\n" in said, "    line 40\n" in said) == (True, False)
    assert ("    …\n" in said) is more


WITH_ZAI = """
providers:
  zai: {type: zai, accounts: [{name: main}]}
"""


@pytest.mark.parametrize(
    ("name", "data", "kept_as"),
    [
        ("seen.har", har(entry()), ["seen"]),
        ("seen.flow", har(entry()), ["seen"]),
        ("seen.har", har(entry(), entry()), ["seen-1", "seen-2"]),
    ],
    ids=["HAR", "flows by name", "two chats"],
)
def test_each_chat_of_a_har_becomes_a_case(run: Run, house: Path, name: str, data: bytes, kept_as: list[str]) -> None:
    (house / "config.yaml").write_text(WITH_ZAI)
    (house / name).write_bytes(data)
    result = run("cases", "add", str(house / name), "--folder", str(house / "cases"), "--yes")
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in (house / "cases").iterdir()) == [f"{kept}{ENDING}" for kept in kept_as]


def test_a_chat_that_cannot_be_read_is_named_beside_those_that_can(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text(WITH_ZAI)
    (house / "seen.har").write_bytes(har(entry(body=""), entry()))
    result = run("cases", "add", str(house / "seen.har"), "--folder", str(house / "cases"), "--yes")
    assert result.exit_code == 0, result.output
    [line] = result.stderr.splitlines()
    assert line.startswith(f"{URL.partition('?')[0]}: the file holds no body"), "and no secret of its query"
