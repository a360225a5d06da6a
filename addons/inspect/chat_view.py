"""A chat as a person reads it, from the body a client sent and the answer it got. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from addons.cleaning.index import PIECE
from addons.dialects.registry import transcript_of
from addons.dialects.transcript import LONG, Passage, short
from addons.inspect.annotation import Annotation

HELD = PIECE - 1
"""Letters at the end of a text that still comes: a secret that is said piece by piece may just have begun there, and
is known when PIECE letters of it are there."""
_RULE: Final = 44
"""A line above each part that half a window has room for."""


def chat_text(note: Annotation) -> str:
    """Roles, reasoning, tool calls, pictures as links, parameters, tokens, timings."""
    asked = rendered(transcript_of(note.dialect).asked(note.client_request))
    answered = answer_lines(note.delivered, note.dialect, HELD if note.running else 0)
    return "\n".join([*_head(note), "", *asked, *answered]).rstrip() + "\n"


def _head(note: Annotation) -> Iterator[str]:
    where = f"{note.provider}/{note.account}" if note.provider else "nobody"
    yield f"{note.request_id}   {note.model or '?'} → {where}   {note.outcome or note.part}"
    figures = [
        f"attempt {note.attempt}" if note.attempt else "",
        f"first word {note.first_token_ms} ms" if note.first_token_ms is not None else "",
        f"total {note.total_ms} ms" if note.total_ms is not None else "",
        f"tokens {note.prompt_tokens}+{note.completion_tokens}" if note.prompt_tokens is not None else "",
    ]
    yield "   ".join(figure for figure in figures if figure)
    if note.error:
        yield f"error: {note.error}"


def answer_lines(delivered: str, dialect: str = "", held: int = 0) -> Iterator[str]:
    """What the client was sent, put together again; without so many letters at the end of each text."""
    return rendered(transcript_of(dialect).answered(delivered, held))


def error_of(delivered: str, dialect: str = "") -> str:
    """The error a client was told at the end of what it was sent, or nothing."""
    return transcript_of(dialect).error_of(delivered)


def rendered(parts: Iterable[Passage | str]) -> Iterator[str]:
    """Passages under lines that name them."""
    for part in parts:
        if isinstance(part, str):
            yield part
        else:
            yield f"── {part.name} " + "─" * max(4, _RULE - len(part.name))
            yield short(part.text, 50 * LONG)
            yield ""
