"""The command lines that a person runs for this installation: the one place that makes them.

Advice is there to be pasted. So a line has the path of the launcher, and `--config FILE` unless the file is the one
that is taken anyway. Where launcher and file lie is a fact of the process: who starts it says so once (`serves`).

    command("accounts")     .venv/bin/glassgate --config other.yaml accounts
    start("8081")           ./run_proxy.sh --config other.yaml --port 8081
    capture("zai")          ./run_proxy.sh capture zai --config other.yaml

A wheel has no run_proxy.sh: there `glassgate serve` and `glassgate capture` do the same.

The file that is taken anyway is the first of: config.local.yaml and config.yaml in the person's folder (for
run_proxy.sh: in its own), and the file in the person's own folder of configurations (XDG Base Directory).
"""

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOCAL_FILE: Final = "config.local.yaml"
"""What a person writes into in a checkout: git tracks config.yaml."""
USUAL_FILE: Final = "config.yaml"
_PROJECT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """How the line of each program begins, and its options that name the file; by default as in a checkout's folder."""

    glassgate: str = "glassgate"
    glassgate_config: tuple[str, ...] = ()
    starts: tuple[str, ...] = ("./run_proxy.sh",)
    start_config: tuple[str, ...] = ()
    captures: tuple[str, ...] = ("./run_proxy.sh", "capture")
    capture_config: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: Path, folder: Path, launcher: Path, project: Path, on_path: str | None) -> "Installation":
        """`folder` is where the person is, `on_path` what the shell takes for `glassgate`; run_proxy.sh lies in
        `project` and begins there. Pure, but for the question whether the files are there."""
        known = on_path is not None and os.path.realpath(on_path) == os.path.realpath(launcher)
        named = "glassgate" if known or not launcher.exists() else _near(launcher, folder)
        whole, script = folder / file, project / "run_proxy.sh"
        config = _option(whole, folder, usual_file(folder))
        if script.exists():
            words = "./run_proxy.sh" if folder == project else _near(script, folder)
            its_config = _option(whole, folder, usual_file(project, own=None))
            return cls(named, config, (words,), its_config, (words, "capture"), its_config)
        return cls(named, config, (named, *config, "serve"), (), (named, *config, "capture"), ())

    def command(self, *words: str) -> str:
        """A line that calls `glassgate`."""
        return _line(self.glassgate, *self.glassgate_config, *words)

    def start(self, port: str | None = None) -> str:
        """A line that starts the gateway, at a port of its own if one is named."""
        return _line(*self.starts, *self.start_config, *(("--port", port) if port else ()))

    def capture(self, *words: str) -> str:
        """A line that captures a sign-in."""
        return _line(*self.captures, *words, *self.capture_config)


_here = Installation()


def serves(file: Path) -> None:
    """Sets the configuration file that the lines of this process name."""
    global _here
    folder = Path.cwd()
    launcher = Path(sys.executable).parent / "glassgate"  # not resolved: the environment's own, not the system's
    _here = Installation.of(file, folder, launcher, _PROJECT, shutil.which("glassgate"))


def command(*words: str) -> str:
    """The line that calls `glassgate` with these words, for this installation."""
    return _here.command(*words)


def start(port: str | None = None) -> str:
    """The line that starts the gateway, for this installation; at a port of its own if one is named."""
    return _here.start(port)


def capture(*words: str) -> str:
    """The line that captures a sign-in, for this installation."""
    return _here.capture(*words)


def _line(*words: str) -> str:
    return " ".join(words)


def own_file() -> Path:
    """The configuration in the person's own folder, for an installation that lies in no folder of theirs."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".config"
    return folder / "glassgate" / USUAL_FILE


def usual_file(folder: Path, own: Callable[[], Path] | None = own_file) -> Path:
    """The configuration that a program takes that is started in `folder` and told of none."""
    places = [folder / LOCAL_FILE, folder / USUAL_FILE, *([own()] if own else [])]
    return next((place for place in places if place.exists()), folder / USUAL_FILE)


def usual_file_here() -> Path:
    """`usual_file` of the folder where the person is, as it is told: short where it lies there."""
    folder = Path.cwd()
    found = usual_file(folder)
    return Path(found.name) if found.parent == folder else found


def _option(file: Path, folder: Path, usual: Path) -> tuple[str, ...]:
    return () if file == usual else ("--config", _near(file, folder))


def _near(path: Path, folder: Path) -> str:
    """The path from the folder where it lies in it, for a shell."""
    found = path.relative_to(folder) if path.is_relative_to(folder) else path
    return shlex.quote(str(found))
