"""Files as the gateway keeps them: in a folder that is ours alone, for nobody else to read."""

import json
from pathlib import Path


def private_folder(path: Path) -> Path:
    path.mkdir(0o700)
    return path


def put(path: Path, value: object) -> Path:
    """Writes JSON there."""
    path.write_text(json.dumps(value))
    path.chmod(0o600)
    return path
