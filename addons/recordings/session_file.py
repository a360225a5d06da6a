"""A session as one file: the recorded exchanges of one client, in their order; a case as a single recording is one.

{"format": "glassgate-session", "version": 1, "exchanges": [recording, …]}
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from addons.inspect.pseudonyms import Pseudonyms
from addons.recordings.check import differences
from addons.recordings.recording import Recording, RecordingProblem, summary

FORMAT: Final = "glassgate-session"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SessionCase:
    """The exchanges of a session, ready to be kept."""

    recordings: tuple[Recording, ...]
    replaced: str
    """What was, in words."""
    left_out: tuple[str, ...]
    """A sentence for each exchange that cannot be read again."""
    differs: tuple[str, ...]
    """How today's adapters read them otherwise."""

    def dump(self) -> str:
        """The file's text."""
        exchanges = [recording.model_dump(mode="json") for recording in self.recordings]
        value = {"format": FORMAT, "version": VERSION, "exchanges": exchanges}
        return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def read_recordings(data: str | bytes, name: str = "the file") -> tuple[Recording, ...]:
    """The recording in a file's text, or all of the session in it, in order. Raises RecordingProblem."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise RecordingProblem(f"{name} is no whole JSON file: it was cut off or edited") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        return (Recording.of(value, name),)
    exchanges = value.get("exchanges")
    if value.get("version") != VERSION or not isinstance(exchanges, list) or not exchanges:
        raise RecordingProblem(f"{name} is a session without exchanges, or of another version than {VERSION}")
    return tuple(Recording.of(one, f"{name}, exchange {number}") for number, one in enumerate(exchanges, start=1))


def sessions_in(recordings: Iterable[Recording]) -> dict[str, list[Recording]]:
    """The attempts of each session, in their order; those of no session are left out."""
    found: dict[str, list[Recording]] = {}
    for recording in recordings:
        if recording.session and recording.part == "attempt":
            found.setdefault(recording.session, []).append(recording)
    return found


def session_case(recordings: Sequence[Recording]) -> SessionCase:
    """The case of a session. Ids get the same stand-ins in all of its exchanges.

    Raises RecordingProblem where none of them can be read again.
    """
    good: list[Recording] = []
    left_out: list[str] = []
    differs: list[str] = []
    for number, recording in enumerate(recordings, start=1):
        try:
            differs += differences(recording)
        except RecordingProblem as problem:
            left_out.append(f"exchange {number} is left out: {problem}")
        else:
            good.append(recording)
    if not good:
        raise RecordingProblem("no exchange of this session can be read again: " + "; ".join(left_out))
    own = Pseudonyms()
    clean: list[Any] = [own.value(recording.model_dump(mode="json")) for recording in good]
    return SessionCase(
        tuple(map(Recording.model_validate, clean)), summary(own.counts), tuple(left_out), tuple(differs)
    )
