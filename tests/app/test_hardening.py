"""A process that holds secrets writes no core and is not read by others."""

import ctypes
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from addons.app import hardening
from tests.support.processes import Gateway

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cores and /proc as Linux has them")

WAIT = """
import ctypes, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
{call}
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)
sys.stdin.read()
"""
HARDEN = "from addons.app.hardening import harden; harden()"
OPEN_VAULT = """
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch
from addons.cli.base import CliContext
CliContext(Path(sys.argv[1])).config()
"""


def core_limit(pid: int) -> list[str]:
    line = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file size" in line)
    return line.split()[4:6]


def killed_with_core(folder: Path, call: str, *arguments: str) -> tuple[bool, int, list[str]]:
    """Whether a process aborted after `call` left a core; how dumpable it was, and its limits."""
    command = [sys.executable, "-c", WAIT.format(call=call), *arguments]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        dumpable = int(process.stdout.readline() or -1)
        limits = core_limit(process.pid)
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
    return os.WCOREDUMP(status), dumpable, limits


@pytest.fixture
def cores(tmp_path: Path) -> None:
    """Skips where this machine writes no core of any process: nothing could be seen to be missing."""
    try:
        if not killed_with_core(tmp_path, "pass")[0]:
            pytest.skip("this machine writes no cores")
    except AssertionError:
        pytest.skip("the limit of this machine cannot be raised")


@pytest.mark.processes
@pytest.mark.usefixtures("cores")
def test_a_killed_process_leaves_no_core(tmp_path: Path) -> None:
    assert killed_with_core(tmp_path, HARDEN) == (False, 0, ["0", "0"])


@pytest.mark.processes
@pytest.mark.usefixtures("cores")
def test_a_command_is_hardened_before_it_reads_a_secret(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "providers: {o: {type: openai_compatible, base_url: 'http://127.0.0.1:9', models: [m], accounts: [{name: a}]}}"
    )
    assert killed_with_core(tmp_path, OPEN_VAULT, str(tmp_path / "config.yaml")) == (False, 0, ["0", "0"])


LOOK_IN = """
import ctypes, os, signal, sys
from addons.app.hardening import harden
ready, told = os.pipe()
holder = os.fork()
if holder == 0:
    if os.geteuid() == 0:
        os.setuid(65534)  # root looks in everywhere
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
    {call}
    os.write(told, b"x")
    signal.pause()
os.read(ready, 1)
if os.geteuid() == 0:
    os.setuid(65534)
seen = []
for name in ("environ", "mem"):
    try:
        open("/proc/%d/%s" % (holder, name), "rb").close()
        seen.append(name)
    except PermissionError:
        pass
os.kill(holder, signal.SIGKILL)
os.waitpid(holder, 0)
print(*seen)
"""


def what_others_can_open(call: str) -> list[str]:
    """The files in /proc of a process after `call` that another one of its user (not root) can open."""
    command = [sys.executable, "-c", LOOK_IN.format(call=call)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


@pytest.mark.processes
def test_other_programs_of_the_user_cannot_look_in() -> None:
    if "environ" not in what_others_can_open("pass"):
        pytest.skip("nobody can look in on this machine")
    assert what_others_can_open("harden()") == []


@pytest.mark.processes
def test_the_gateway_is_hardened(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    providers = {"zai": {"type": "zai", "accounts": [{"name": "demo"}]}}
    with Gateway(tmp_path, providers=providers, by_itself=True) as gateway:
        process = gateway.process
        assert process is not None
        assert core_limit(process.pid) == ["0", "0"]
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        gateway.process = None
        process.returncode = -signal.SIGABRT
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)


def test_where_limits_cannot_be_set_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    calls: list[tuple[int, ...]] = []

    class Libc:
        def prctl(self, *arguments: int) -> int:
            calls.append(arguments)
            return -1

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Libc())
    hardening.harden()
    assert [call[:2] for call in calls] == [(4, 0)]


@pytest.mark.processes
def test_the_limit_of_open_files_is_raised_as_far_as_it_goes() -> None:
    code = "from addons.app.hardening import raise_file_limit; import resource; print(raise_file_limit(), "
    code += "resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    command = ["sh", "-c", 'ulimit -n 200; ulimit -Sn 100; exec "$@"', "sh", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["200", "200"]


def test_memory_of_large_blocks_goes_back_whatever_was_freed_before() -> None:
    """glibc alone has that switch; elsewhere nothing is asked of the C library."""
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda what, value: asked.append((what, value)))
    with patch.object(ctypes, "CDLL", lambda _name: library):
        hardening.give_back_memory()
    assert asked == [(-3, 128 * 1024), (-1, 128 * 1024)]
    with patch.object(ctypes, "CDLL", lambda _name: SimpleNamespace()):
        hardening.give_back_memory()
