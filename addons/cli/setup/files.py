"""Where setup writes, and writing it: private, whole or not at all, and never over what a person has written."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from addons.cli.base import CliContext, Problem
from addons.cli.setup.written import Unwritable, env_with
from addons.config.env_file import read_env
from addons.config.file_reading import FileProblem, NoFile, read_text
from addons.vault.replacing import replace_file
from addons.words.commands import LOCAL_FILE, USUAL_FILE, own_file

_PROJECT: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Place:
    """The configuration that setup makes or adds to, and what lies beside it."""

    config: Path

    @property
    def env(self) -> Path:
        return self.config.parent / ".env"

    def variables(self) -> dict[str, str]:
        """What .env holds. Raises Problem."""
        try:
            return read_env(read_or_nothing(self.env), {})
        except FileProblem as e:
            raise Problem(f"{self.env}: {e}") from None

    def add_variables(self, values: Mapping[str, str]) -> None:
        """Adds those to .env that it does not have. Raises Problem."""
        if not values:
            return
        try:
            text = env_with(read_or_nothing(self.env), values)
        except Unwritable as e:
            raise Problem(str(e)) from None
        write(self.env, text)


def place_of(cli: CliContext, project: Path = _PROJECT) -> Place:
    """The configuration the person named, or the usual one; but not the file of a checkout that git tracks.

    That one counts as the person's where they have worked with it: a vault or a .env lies beside it.
    """
    shipped = project / USUAL_FILE
    if (project / "run_proxy.sh").exists() and cli.file.absolute() == shipped:
        in_use = any((project / name).exists() for name in (".sessions", ".env"))
        return Place(shipped if in_use else project / LOCAL_FILE)
    if cli.named or cli.file.exists():
        return Place(cli.file.absolute())
    return Place(own_file())


def read_or_nothing(file: Path) -> str:
    """The text of a file, empty where there is none. Raises Problem."""
    try:
        return read_text(file).text
    except NoFile:
        return ""
    except FileProblem as e:
        raise Problem(f"{file}: {e}") from None


def write(file: Path, text: str, check: Callable[[Path], None] | None = None) -> None:
    """Puts the text in the file's place, where `check` has nothing against it. Raises Problem, and what `check` raises.

    A link is followed; a file that is there keeps its mode, but for .env, which is the person's alone.
    """
    real = Path(os.path.realpath(file))
    try:
        mode = real.stat().st_mode & 0o777 if real.exists() and real.name != ".env" else 0o600
        real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(real, text.encode(), verify=check)
        real.chmod(mode)
    except OSError as e:
        raise Problem(f"{file} cannot be written: {e.strerror or e}") from None
