"""A line that calls `glassgate` and can be pasted: with its path, and the configuration where it is not the usual."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

USUAL_FILE: Final = Path("config.yaml")


def command_line(file: Path, *words: str) -> str:
    """`glassgate` of this installation with these words, for the configuration `file`."""
    launcher = Path(sys.executable).with_name("glassgate")
    found = shutil.which("glassgate")
    known = found is not None and os.path.realpath(found) == os.path.realpath(launcher)
    named = "glassgate" if known or not launcher.exists() else _near(launcher)
    option = [] if file.absolute() == USUAL_FILE.absolute() else ["--config", _near(file)]
    return " ".join([named, *option, *words])


def _near(path: Path) -> str:
    whole, folder = path.absolute(), Path.cwd()
    return shlex.quote(str(whole.relative_to(folder) if whole.is_relative_to(folder) else whole))
