"""What a comparison was run on: machine, versions."""

import json
import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.compare.way import ROOT

_PACKAGES: Final = ("glassgate", "mitmproxy", "httpx", "pydantic")
_PEERS: Final = ROOT / "benchmarks" / "peers"


def machine() -> dict[str, str]:
    """By name; what cannot be known is left out."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        "node": _said("node", "--version"),
        "nginx": _said("nginx", "-v").rpartition("/")[2],
        **{name: version(name) for name in _PACKAGES},
        **peers(),
    }


def peers() -> dict[str, str]:
    """The versions of the peers that benchmarks/run.sh installs."""
    python = dict(line.split("==") for line in (_PEERS / "requirements.in").read_text().splitlines())
    node: dict[str, str] = json.loads((_PEERS / "package.json").read_text())["dependencies"]
    return {**python, **node}


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def _said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()
