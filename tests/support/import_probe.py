"""Imports every module of addons/ and providers/ in this process and prints, as JSON, what that did to it.

    python -m tests.support.import_probe

What other packages do when they are imported is theirs: they are imported first. `{"effects": [...], "modules": N}`.
"""

import ast
import asyncio
import atexit
import gc
import importlib
import json
import locale
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from mitmproxy import hooks

ROOT: Final = Path(__file__).parents[2]
OURS: Final = ("addons", "providers")
SCRIPTS: Final = {"addons.gateway", "addons.capture"}
"""Left out: mitmproxy runs them, by path, to get what they make; they put the project's folder on its path."""
PATCHABLE: Final = (
    "mitmproxy",
    "tornado",
    "h11",
    "h2",
    "hpack",
    "wsproto",
    "httpx",
    "httpcore",
    "urwid",
    "click",
    "yaml",
)
"""Packages whose objects could be exchanged for ours; others load parts of themselves only when those are used."""
REFUSED: Final = (
    *("_thread.start", "ctypes.dlopen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"),
    *("os.chmod", "os.kill", "os.link", "os.mkdir", "os.putenv", "os.remove", "os.rename", "os.rmdir", "os.symlink"),
    *("os.truncate", "os.unsetenv", "os.utime", "resource.setrlimit", "shutil", "signal.pthread_kill", "socket."),
    *("subprocess.Popen", "sys.setprofile", "sys.settrace", "tempfile.", "urllib.Request"),
)
"""How audit events (docs.python.org/3/library/audit_events.html) begin of what an import has no business with."""


def module_names() -> list[str]:
    files = [file.relative_to(ROOT).with_suffix("") for top in OURS for file in (ROOT / top).rglob("*.py")]
    return sorted({".".join(file.parts).removesuffix(".__init__") for file in files} - SCRIPTS)


def others() -> Iterator[str]:
    """The modules of other packages that ours import at their head."""
    for top in OURS:
        for file in (ROOT / top).rglob("*.py"):
            for node in ast.parse(file.read_bytes()).body:
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names if alias.name.partition(".")[0] not in OURS)
                elif isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] not in OURS:
                    yield str(node.module)
                    yield from (f"{node.module}.{alias.name}" for alias in node.names)


def process() -> dict[str, Any]:
    """What of the process all of its code shares."""
    state: dict[str, Any] = {f"environment: {name}": value for name, value in os.environ.items()}
    state |= {f"signal: {number!r}": signal.getsignal(number) for number in signal.valid_signals()}
    for logger in (logging.getLogger(), *logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            said = (list(logger.handlers), list(logger.filters), logger.level, logger.propagate, logger.disabled)
            if said != (
                [],
                [],
                logging.NOTSET,
                True,
                False,
            ):  # one with a name of its own and nothing else is no effect
                state[f"logger: {logger.name}"] = said
    return state | {
        "logging": (
            logging.getLoggerClass(),
            logging.getLogRecordFactory(),
            logging.raiseExceptions,
            logging.lastResort,
        ),
        "path": list(sys.path),
        "import hooks": (list(sys.meta_path), list(sys.path_hooks)),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.displayhook, sys.breakpointhook),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "limits": (sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits(), gc.get_threshold()),
        "gc": (gc.isenabled(), list(gc.callbacks)),
        "threads": threading.enumerate(),
        "warnings": list(warnings.filters),
        "at exit": getattr(atexit, "_ncallbacks")(),  # noqa: B009
        "locale": locale.setlocale(locale.LC_ALL),
        "folder": Path.cwd(),
        "event loop": getattr(asyncio.events, "_event_loop_policy", None),
    }


def attributes() -> dict[str, Any]:
    """Whatever stands in those packages' modules, in their classes, and in their tables."""
    found: dict[str, Any] = {}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if not isinstance(module, ModuleType) or top not in PATCHABLE:
            continue
        for key, value in vars(module).items():
            found[f"{name}.{key}"] = value
            if isinstance(value, type) and value.__module__ == name:
                found |= {
                    f"{name}.{key}.{own}": held for own, held in vars(value).items() if not own.startswith("_abc")
                }
            elif isinstance(value, dict) and not key.startswith("__"):
                found |= {f"{name}.{key}[{own}]": held for own, held in value.items()}
            elif isinstance(value, (list, set)) and not key.startswith("__"):
                found |= {f"{name}.{key}[{number}]": held for number, held in enumerate(value)}
    return found


def our_hooks() -> dict[str, Any]:
    """The one table of mitmproxy that we may stand in: it lists a hook's class as soon as the class is defined."""
    listed = hooks.all_hooks.items()
    return {
        f"mitmproxy.hooks.all_hooks[{name}]": hook for name, hook in listed if hook.__module__.startswith("addons.")
    }


def changed(before: dict[str, Any], after: dict[str, Any], same: Any) -> Iterator[str]:
    for name in before.keys() | after.keys():
        if name not in before:
            if not isinstance(after[name], ModuleType):  # a package gets an attribute for each module of it
                yield f"{name} is new"
        elif name not in after:
            yield f"{name} is gone"
        elif not same(before[name], after[name]):
            yield f"{name} is another"


def main() -> None:
    sys.dont_write_bytecode = True
    for name in set(others()):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:  # a class or function of the module, not a module
            continue
    effects: list[str] = []
    watched = True

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if watched and event.startswith(REFUSED):
            effects.append(f"{event} {arguments[:1]}")
        if watched and event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            effects.append(f"{event} {arguments[0]} for writing")

    sys.addaudithook(note)
    shared, foreign = process(), attributes()
    names = module_names()
    for name in names:
        importlib.import_module(name)
    effects += changed(shared, process(), lambda one, other: one == other)
    effects += changed(foreign | our_hooks(), attributes(), lambda one, other: one is other)
    watched = False
    json.dump({"effects": sorted(effects), "modules": len(names)}, sys.stdout)


if __name__ == "__main__":
    main()
