"""The capture of a sign-in, as `python -m addons.capturing`; installed, `python -m glassgate.addons.capturing`."""

import sys
from pathlib import Path


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as in addons/cli/__main__.py
    from addons.capturing.run import main as command

    command(prog_name="capture")


if __name__ == "__main__":
    main()
