"""`mitmdump -s addons/capture.py`: the same capture as a script, which refuses what would show or keep a session."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.capturing import CaptureRun
from tests.support.forked import start
from tests.support.processes import ROOT

ENTRIES = {"zai": {"type": "zai", "base_url": "https://127.0.0.1:1", "accounts": [{"name": "demo"}]}}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[CaptureRun]:
    tmp_path.chmod(0o700)
    with CaptureRun(tmp_path, ENTRIES) as made:
        yield made


def started(run: CaptureRun, tool: str, *arguments: str) -> None:
    command = [
        str(Path(sys.executable).with_name(tool)),
        *("-s", str(ROOT / "addons" / "capture.py"), "--listen-port", str(run.port)),
        *(() if "--listen-host" in arguments else ("--listen-host", "127.0.0.1")),
        *("--set", f"confdir={run.folder / 'confdir'}", "--set", f"capture_config={run.folder / 'config.yaml'}"),
        *arguments,
    ]
    pipe = subprocess.PIPE
    run.process = start(command, env=run.environ, stdout=pipe, stderr=subprocess.STDOUT)


def output(run: CaptureRun) -> str:
    assert run.process is not None
    said, _ = run.process.communicate(timeout=60)
    return said


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        pytest.param("mitmdump", (), "capture_provider=NAME", id="no provider"),
        pytest.param("mitmdump", ("--set", "capture_provider=zia"), "Did you mean 'zai'?", id="unknown provider"),
        pytest.param("mitmdump", ("-w", "{folder}/flows"), "leave out the option save_stream_file", id="flow file"),
        pytest.param("mitmdump", ("--set", "hardump={folder}/har"), "leave out the option hardump", id="HAR"),
        pytest.param("mitmdump", ("--listen-host", ""), "listens on loopback only", id="no host"),
        pytest.param("mitmdump", ("--listen-host", "0.0.0.0"), "listens on loopback only", id="every interface"),
        pytest.param("mitmdump", ("--mode", "socks5"), "use --mode regular", id="another mode"),
        pytest.param("mitmweb", ("--no-web-open-browser", "--web-port", "0"), "under mitmdump only", id="mitmweb"),
    ],
)
def test_what_would_show_or_keep_a_session_is_refused(
    run: CaptureRun, tool: str, arguments: tuple[str, ...], expected: str
) -> None:
    started(run, tool, *(word.replace("{folder}", str(run.folder)) for word in arguments))
    assert expected in output(run)
    assert not run.vault_path.exists()


def test_it_waits_for_the_sign_in_on_loopback_until_it_is_stopped(run: CaptureRun) -> None:
    started(run, "mitmdump", "--set", "capture_provider=zai", "--set", "capture_timeout_s=2")
    said = output(run)
    assert "waiting for a sign-in to zai/demo" in said
    assert "within 2 s; the vault is as it was" in said
    assert f"127.0.0.1:{run.port}" in said
