"""`glassgate run` with real processes: a program that asks the gateway, with a key that is lent to it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.processes import KEY, ROOT, Gateway
from tests.support.waiting import until

PROGRAM = f"""#!{sys.executable}
import json, os, sys, urllib.request
base, key = os.environ["ANTHROPIC_BASE_URL"], os.environ["ANTHROPIC_AUTH_TOKEN"]
asked = urllib.request.Request(base + "/v1/models", headers={{"Authorization": "Bearer " + key}})
found = json.load(urllib.request.urlopen(asked))
told = {{"models": len(found["data"]), "key": key, "argv": sys.argv[1:]}}
told["vault"] = "SESSION_ENCRYPTION_KEY" in os.environ
open(os.environ["TOLD"] + ".new", "w").write(json.dumps(told))
os.rename(os.environ["TOLD"] + ".new", os.environ["TOLD"])
if "wait" in sys.argv:
    import time
    time.sleep(600)
sys.exit(5)
"""


def start(gateway: Gateway, folder: Path, *words: str, key: str | None = None) -> "subprocess.Popen[str]":
    program = folder / "bin" / "claude"
    program.parent.mkdir(exist_ok=True)
    program.write_text(PROGRAM)
    program.chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if name != "AUTH_TOKEN"}
    environ |= {"PATH": f"{program.parent}:{os.environ['PATH']}", "TOLD": str(folder / "told"), "TMPDIR": str(folder)}
    environ["ANTHROPIC_BASE_URL"], environ["SESSION_ENCRYPTION_KEY"] = "https://elsewhere.example", "11" * 32
    if key:
        environ["AUTH_TOKEN"] = key
    command = [sys.executable, "-m", "addons.cli", "--config", str(gateway.config_file), "run", "claude", "--", *words]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_code_of_the_sdk_pages_runs_as_it_stands(gateway: Gateway, folder: Path, sdk: str) -> None:
    pytest.importorskip(sdk)
    page = (ROOT / "docs" / "clients" / f"{sdk}-sdk.md").read_text(encoding="utf-8")
    (folder / "my.py").write_text(page.partition("```python\n")[2].partition("```")[0])
    command = [sys.executable, "-m", "addons.cli", "--config", str(gateway.config_file), "run", "--model", "GLM-4.6"]
    done = subprocess.run(
        [*command, sdk, "--", sys.executable, str(folder / "my.py")],
        cwd=ROOT,
        env={**os.environ, "AUTH_TOKEN": KEY},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, "Hello!" in done.stdout) == (0, True), done.stderr


def status_of(gateway: Gateway, key: str) -> int:
    return httpx.get(f"{gateway.url}/v1/models", headers={"authorization": f"Bearer {key}"}).status_code


def told(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "told").read_text())
    return found


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("glassgate-run-")]


def test_a_program_without_a_key_of_the_configuration_is_lent_one(gateway: Gateway, folder: Path) -> None:
    with start(gateway, folder, "-p", "x") as process:
        said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (5, "")
    found = told(folder)
    assert str(found["key"]).startswith("sk-glassgate-run-")
    assert found["models"]
    assert str(found["argv"][-2:]) == "['-p', 'x']"  # type: ignore[index]
    assert found["vault"] is False
    assert left_in(folder) == []
    until(lambda: status_of(gateway, str(found["key"])) == 401)
    assert str(found["key"]) not in gateway.log_file.read_text()


def test_a_key_of_the_configuration_goes_first(gateway: Gateway, folder: Path) -> None:
    with start(gateway, folder, key=KEY) as process:
        process.communicate(timeout=60)
    assert told(folder)["key"] == KEY


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_lent_key_ends_with_the_command_however_it_ends(
    gateway: Gateway, folder: Path, number: signal.Signals
) -> None:
    with start(gateway, folder, "wait") as process:
        until(lambda: (folder / "told").exists())
        key = str(told(folder)["key"])
        assert status_of(gateway, key) == 200
        process.send_signal(number)
        process.wait(60)
        assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
        until(lambda: status_of(gateway, key) == 401)
        if number == signal.SIGKILL:  # the program itself goes on, as any child of a killed shell's
            os.killpg(process.pid, signal.SIGKILL)
        else:
            assert left_in(folder) == []
