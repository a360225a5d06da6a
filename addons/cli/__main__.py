"""The program `glassgate`, also as `python -m addons.cli`.

Installed, this file is `glassgate/addons/cli/__main__.py`: the folder `glassgate` of site-packages has the shape of the
repository. Only processes of ours have it on their path, so that `addons` and `providers` stay everybody's names.
"""

import contextlib
import io
import os
import sys
from pathlib import Path


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    if os.name == "nt":
        sys.exit("glassgate: Windows is not supported; in WSL (the Windows Subsystem for Linux) it runs as on Linux")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from addons.cli.main import main as command

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not every terminal can show every letter
            stream.reconfigure(errors="backslashreplace")
    try:
        command(prog_name="glassgate")
    except OSError as e:
        sys.exit(_ended_by(e))


def _ended_by(error: OSError) -> str:
    """One line for what the system has against going on, such as a full disk behind standard output."""
    with contextlib.suppress(OSError, ValueError):  # what still waits there would fail once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    where = f": {error.filename!r}" if error.filename is not None else ""
    return f"glassgate: {error.strerror or error}{where}"


if __name__ == "__main__":
    main()
