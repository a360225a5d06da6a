"""A format's bodies as people read them: what was asked, what was answered, what each frame of a stream says. Pure.

What was kept may have been edited since, or be of another version: whatever is not of the form is passed over or shown
as it is, and nothing raises.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

LONG: Final = 4000


@dataclass(frozen=True, slots=True)
class Passage:
    """Who says something (`user`, `assistant, thinking`), and what."""

    name: str
    text: str


class FrameReader(Protocol):
    """Reads the JSON frames of one stream in order."""

    head: list[str]
    """What all frames say; complete after the first."""

    def words(self, frame: Mapping[str, Any]) -> list[str]:
        """What a frame says that the ones before it did not."""
        ...


class Transcript(Protocol):
    """Reads what was kept of requests and answers in one format. A str is a line by itself."""

    def asked(self, body: str) -> Iterator[Passage | str]:
        """The request."""
        ...

    def answered(self, delivered: str, held: int = 0) -> Iterator[Passage | str]:
        """What the client was sent, put together again; without so many letters at the end of each text."""
        ...

    def error_of(self, delivered: str) -> str:
        """Code and message of the error that a client was told at the end of what it was sent, or nothing."""
        ...

    def frames(self) -> FrameReader:
        """A reader for one stream."""
        ...


class RawTranscript:
    """The Transcript of a format that is not known (any more), or needs no other."""

    def asked(self, body: str) -> Iterator[Passage | str]:
        if body:
            yield Passage("request", body)

    def answered(self, delivered: str, held: int = 0) -> Iterator[Passage | str]:
        if said := all_but(delivered, held):
            yield Passage("answer", said)

    def error_of(self, delivered: str) -> str:
        return ""

    def frames(self) -> FrameReader:
        return _Frames()


class _Frames:
    def __init__(self) -> None:
        self.head: list[str] = []

    def words(self, frame: Mapping[str, Any]) -> list[str]:
        return [one_line(as_text(frame))]


# -- words ------------------------------------------------------------------------------------------------------------
def all_but(text: str, held: int) -> str:
    """The text without its last letters."""
    return text[: len(text) - held] if held else text


def as_text(value: Any) -> str:
    """A text as it is, all else as JSON."""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        return "(too deep to be shown)"


def shortened(text: str, most: int = LONG) -> str:
    """The text's first characters, and how many there are in all where that is more."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def one_line(text: str, most: int = 400) -> str:
    """The same in one line."""
    return " ".join(text[:most].split("\n")) + ("" if len(text) <= most else f"… ({len(text)} characters)")
