"""`glassgate drift --clear` forgets; `glassgate cases add` keeps answers and nothing else."""

import json
from pathlib import Path

from addons.recordings.drift import Drift
from addons.recordings.recorder import ENDING
from tests.cli.conftest import Run

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
    drift.note("zai", {"phase dreaming": 2, "type chat:mood": 1}, 100, "req_1")
    drift.note("qwen", {"phase odd": 2}, 100, "req_1")
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
