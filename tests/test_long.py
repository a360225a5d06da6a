"""`.ci/long`: what it would run, and that a part that fails is told."""

import json
import os
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from tests.support.drivers import ENV_NAME

ROOT = Path(__file__).parents[1]
LONG = [sys.executable, str(ROOT / ".ci" / "long")]


def load() -> Any:
    loader = SourceFileLoader("long", str(ROOT / ".ci" / "long"))
    module = module_from_spec(spec_from_loader("long", loader) or pytest.fail("it is no module"))
    sys.modules["long"] = module  # dataclasses look for it
    loader.exec_module(module)
    return module


def said(*arguments: str) -> str:
    return subprocess.run([*LONG, *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.processes
def test_every_part_is_over_both_drivers() -> None:
    rows = [line.split()[:2] for line in said("--list").splitlines()]
    for part in ("wire", "visits", "mixing", "soak", "clients"):
        assert {driver for name, driver in rows if name == part} == {"auto", "mitmproxy"}
    assert {driver for name, driver in rows if name in ("flows", "pool")} == {"both"}


@pytest.mark.processes
def test_parts_and_drivers_are_chosen() -> None:
    lines = said("--list", "--only", "soak", "--driver", "auto", "--minutes", "2").splitlines()
    assert len(lines) == 1
    assert lines[0].split()[:2] == ["soak", "auto"]
    assert "--minutes 2.0" in lines[0]


@pytest.mark.processes
def test_what_came_of_it_is_kept(tmp_path: Path) -> None:
    table = said("--only", "pool", "--requests", "50", "--seed", "3", "--out", str(tmp_path))
    (result,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    assert (result["part"], result["driver"], result["passed"], result["status"]) == ("pool", "both", True, 0)
    assert json.loads(result["said"])["requests"] == 50
    assert json.loads(result["said"])["seed"] == 3
    assert "pool     both       passed" in table


@pytest.mark.processes
def test_a_part_that_fails_is_told_and_each_has_its_driver(tmp_path: Path) -> None:
    long = load()
    code = f"import os; print('driver', os.environ.get({ENV_NAME!r})); raise SystemExit(3)"
    for number, driver in enumerate(("both", "mitmproxy")):
        result = long.run(long.Part("soak", driver, [sys.executable, "-c", code]), tmp_path, number, dict(os.environ))
        assert (result.passed, result.status) == (False, 3)
        assert "FAILED (3)" in long.row(result)
        named = None if driver == "both" else driver
        assert (tmp_path / result.log).read_text(encoding="utf-8") == f"driver {named}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("....\n537 passed in 377.30s (0:06:17)\n", "537 passed in 377.30s (0:06:17)"),
        ("==== 2 failed, 291 passed in 171.17s (0:02:51) ====\n", "2 failed, 291 passed in 171.17s (0:02:51)"),
        ('first\n{"requests": 5}\n', '{"requests": 5}'),
        (
            "   5 min  9 requests (whole 9); wrong 0\n  20 min  30 requests (whole 30); wrong 0\n",
            "30 requests (whole 30); wrong 0",
        ),
    ],
)
def test_the_last_words_of_a_part_are_found(text: str, found: str) -> None:
    assert next(said[-1] for pattern in load().FOUND if (said := pattern.findall(text))) == found


@pytest.mark.processes
def test_in_a_fresh_clone_parts_run_in_the_environment_that_is_made_first(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "long", tmp_path / ".ci")
    python = "#!/bin/sh\\necho 3 passed in 1s\\n"
    door = tmp_path / "run_proxy.sh"
    door.write_text(
        f"#!/bin/sh\nmkdir -p .venv/bin && printf '{python}' > .venv/bin/python && chmod +x .venv/bin/python\n"
    )
    door.chmod(0o755)
    command = [sys.executable, str(tmp_path / ".ci" / "long"), "--only", "pool"]
    table = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "3 passed" in table
