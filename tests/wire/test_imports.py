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


_START = """
import asyncio, gc, json, sys
import mitmproxy.tools.dump, mitmproxy.tools.main
from mitmproxy import master, options
before, collections = set(sys.modules), lambda: sum(found["collections"] for found in gc.get_stats())

async def load():
    master.Master(options.Options())
    begun = collections()
    import addons.gateway
    return collections() - begun

told = {"collections": asyncio.run(load()), "modules": sorted(set(sys.modules) - before)}
print(json.dumps(told))
"""
_NEEDED = {
    "ahocorasick_rs", "annotated_types", "brotli", "colorsys", "cryptography", "dotenv", "fractions", "getpass",
    "mitmproxy", "mmap", "pydantic", "pydantic_core", "resource", "sortedcontainers", "termios", "typing_extensions",
    "typing_inspection", "yaml", "zoneinfo",
}  # fmt: skip
"""What mitmdump has not imported itself by then."""
_OURS_FOR_LATER = (
    "addons.capturing", "addons.cli", "addons.importing", "addons.mitm.web_door", "addons.mitm.web_look",
    "addons.mitm.web_views", "addons.recordings.foreign", "addons.recordings.replay_site", "providers.k2think",
    "providers.anthropic", "providers.longcat", "providers.official", "providers.openai", "providers.qwen",
    "providers.sandbox", "providers.zai",
)  # fmt: skip


def test_a_start_takes_no_time_for_what_is_not_asked_for() -> None:
    """Each package more costs every start, and memory for good; so does looking for garbage that is not there."""
    done = subprocess.run([sys.executable, "-c", _START], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["collections"] == 0
    packages = {name.partition(".")[0] for name in told["modules"]} - {"addons", "providers"}
    assert {name for name in packages if not name.startswith("_") and name != "cython_runtime"} <= _NEEDED
    assert [name for name in told["modules"] if name.startswith(_OURS_FOR_LATER)] == []
    assert len(told["modules"]) < 620
