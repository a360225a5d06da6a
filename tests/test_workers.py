"""The tests run in two processes that take nothing from each other."""

import itertools
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ports import WORKERS, free_port, ports_of
from tests.support.processes import ROOT

EPHEMERAL = 32768
"""From here on Linux deals ports out by itself (net.ipv4.ip_local_port_range); elsewhere from higher ones."""


def test_workers_have_ports_of_their_own_below_those_of_the_kernel() -> None:
    ranges = [ports_of(f"gw{number}") for number in range(WORKERS)]
    assert not any(set(one) & set(other) for one, other in itertools.combinations(ranges, 2))
    assert all(1024 < ports[0] < ports[-1] < EPHEMERAL for ports in ranges)


def test_a_port_is_free_and_not_given_twice() -> None:
    first, second = free_port(), free_port()
    assert first != second
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", first))


@pytest.mark.processes
@pytest.mark.parametrize(
    ("files", "options", "workers"),
    [
        (("one::test_of_one",), (), 0),
        (("one", "two"), (), 2),
        (("one", "two"), ("-n", "0"), 0),
    ],
    ids=["one file", "two files", "two files by themselves"],
)
def test_two_workers_take_whole_files_and_one_file_has_none(
    tmp_path: Path, files: tuple[str, ...], options: tuple[str, ...], workers: int
) -> None:
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(
            f"import os, pathlib\n\n\ndef test_of_{name}():\n"
            f"    pathlib.Path(__file__).with_suffix('.ran').write_text(os.environ.get('PYTEST_XDIST_WORKER', '-'))\n"
        )
    for name in ("pyproject.toml", "tests/conftest.py"):
        (tmp_path / Path(name).name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    asked = [f"test_{name.replace('::', '.py::') if '::' in name else name + '.py'}" for name in files]
    needed = [word for plugin in ("xdist", "pytest_timeout") for word in ("-p", plugin)]
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *needed, *options, *asked]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    alone["PYTHONPATH"] = str(ROOT)  # conftest.py knows the project
    alone["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the others take a second to import, in each process
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = {(tmp_path / f"test_{name.partition('::')[0]}.ran").read_text() for name in files}
    assert ("created: " in done.stdout) == bool(workers)
    assert f"{workers}/{workers} workers" in done.stdout or not workers
    assert (ran == {"-"}) == (not workers)
