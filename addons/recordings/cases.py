"""Regression cases: recordings kept in the repository as tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from addons.inspect.pseudonyms import Pseudonyms
from addons.recordings.check import differences
from addons.recordings.kept_files import ENDING
from addons.recordings.recording import Recording, RecordingProblem, summary
from addons.recordings.session_file import SessionCase

FOLDER: Final = Path("tests/fixtures/cases")
"""Where the tests look for cases, below the project's folder."""

PREPARING: Final = (
    "this is a preparing call (a chat made, a session renewed): there is no answer in it to read again. Give the "
    "attempt it prepared: it has the same request id, and its recording has the model where this one says `preparing`"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A recording ready to be kept. `replaced` says what was, `differs` how today's adapters read it otherwise."""

    recording: Recording
    replaced: str
    differs: tuple[str, ...]

    def dump(self) -> str:
        """The file's text."""
        return self.recording.dump()


def case_of(recording: Recording) -> Case:
    """The case of a recording. Raises RecordingProblem for what cannot be read again: it would prove nothing."""
    if recording.part != "attempt":
        raise RecordingProblem(PREPARING)
    differs = tuple(differences(recording))
    own = Pseudonyms()
    clean = Recording.model_validate(own.value(recording.model_dump(mode="json")))
    return Case(clean, summary(own.counts), differs)


def keep(case: Case | SessionCase, folder: Path, name: str) -> Path:
    """Writes the case; returns its path. Raises RecordingProblem when it is there already or cannot be written."""
    path = folder / f"{name}{ENDING}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as out:
            out.write(case.dump())
    except FileExistsError:
        raise RecordingProblem(f"there is a case {path} already; give another name") from None
    except OSError as e:
        raise RecordingProblem(f"{path} cannot be written: {e.strerror}") from None
    return path
