"""The command lines that a person runs for this installation: the one place that makes them.

Advice is there to be pasted. So a line has the path of the launcher, and `--config FILE` unless the file is the one
that is taken anyway. Where launcher and file lie is a fact of the process: who starts it says so once (`serves`).

    command("accounts")          .venv/bin/glassgate --config other.yaml accounts
    start("--port", "8081")      ./run_proxy.sh --config other.yaml --port 8081
"""

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

USUAL_FILE: Final = "config.yaml"
_PROJECT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """The first words of the lines: of the launcher, of run_proxy.sh, and their options that name the file."""

    glassgate: str = "glassgate"
    glassgate_config: tuple[str, ...] = ()
    script: str = "./run_proxy.sh"
    script_config: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: Path, folder: Path, launcher: Path, project: Path, on_path: str | None) -> "Installation":
        """`folder` is where the person is, `on_path` what the shell takes for `glassgate`; the script begins in
        `project`. Pure, but for the question whether the files are there."""
        known = on_path is not None and os.path.realpath(on_path) == os.path.realpath(launcher)
        named = "glassgate" if known or not launcher.exists() else _near(launcher, folder)
        script = project / "run_proxy.sh"
        here = not script.exists() or folder == project
        return cls(
            named,
            _option(file, folder),
            "./run_proxy.sh" if here else _near(script, folder),
            _option(folder / file, project),
        )

    def command(self, *words: str) -> str:
        """A line that calls `glassgate`."""
        return _line(self.glassgate, *self.glassgate_config, *words)

    def start(self, *words: str) -> str:
        """A line that starts the gateway."""
        return _line(self.script, *self.script_config, *words)

    def capture(self, *words: str) -> str:
        """A line that captures a sign-in."""
        return _line(self.script, "capture", *words, *self.script_config)


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


def start(*words: str) -> str:
    """The line that starts the gateway, for this installation."""
    return _here.start(*words)


def capture(*words: str) -> str:
    """The line that captures a sign-in, for this installation."""
    return _here.capture(*words)


def _line(*words: str) -> str:
    return " ".join(words)


def _option(file: Path, folder: Path) -> tuple[str, ...]:
    whole = folder / file
    return () if whole == folder / USUAL_FILE else ("--config", _near(whole, folder))


def _near(path: Path, folder: Path) -> str:
    """The path from the folder where it lies in it, for a shell."""
    found = path.relative_to(folder) if path.is_relative_to(folder) else path
    return shlex.quote(str(found))
