"""Importing a module does nothing but define what is in it."""

import json
import subprocess
import sys

from tests.support.processes import ROOT


def test_importing_any_module_has_no_side_effects() -> None:
    """No file, socket, process or thread; nothing of the process, of logging or of mitmproxy is another afterwards."""
    command = [sys.executable, "-m", "tests.support.import_probe"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["modules"] > 300
    assert told["effects"] == []
