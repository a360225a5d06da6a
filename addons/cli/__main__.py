"""The program `glassgate`, also as `python -m addons.cli`.

Installed, this file is `glassgate/addons/cli/__main__.py`: the folder `glassgate` of site-packages has the shape of the
repository. Only processes of ours have it on their path, so that `addons` and `providers` stay everybody's names.
"""

import os
import sys
from pathlib import Path


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    if os.name == "nt":
        sys.exit("glassgate: Windows is not supported; in WSL (the Windows Subsystem for Linux) it runs as on Linux")
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from addons.cli.main import main as command

    command(prog_name="glassgate")


if __name__ == "__main__":
    main()
