"""The chat view's text: the body a client sent and the answer it got, as a person reads them. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from addons.cleaning.index import PIECE
from addons.dialects.registry import transcript_of
from addons.dialects.transcript import LONG, Passage, shortened
from addons.inspect.annotation import Annotation
from addons.inspect.context_view import context_lines
from addons.words.shown import shown

HELD = PIECE - 1
"""Letters at the end of a text that still comes: a secret that is said piece by piece may just have begun there, and
is known when PIECE letters of it are there."""
_NAME: Final = 100
"""Characters of a model's name: it may be the client's word."""
_RULE: Final = 44
"""A line above each part that half a window has room for."""


def chat_text(annotation: Annotation) -> str:
    """What fills the context, roles, reasoning, tool calls, pictures as links, parameters, tokens, timings."""
    asked = rendered(transcript_of(annotation.dialect).asked(annotation.client_request))
    answered = answer_lines(annotation.delivered, annotation.dialect, HELD if annotation.running else 0)
    context = list(context_lines(annotation))
    filling = [_titled("context"), *context, ""] if context else []
    return "\n".join([*_head(annotation), "", *filling, *asked, *answered]).rstrip() + "\n"


def _head(annotation: Annotation) -> Iterator[str]:
    where = f"{annotation.provider}/{annotation.account}" if annotation.provider else "nobody"
    model = shown(annotation.model or "?", _NAME)
    yield f"{annotation.request_id}   {model} → {where}   {annotation.outcome or annotation.part}"
    figures = [
        f"attempt {annotation.attempt}" if annotation.attempt else "",
        f"first word {annotation.first_token_ms} ms" if annotation.first_token_ms is not None else "",
        f"total {annotation.total_ms} ms" if annotation.total_ms is not None else "",
        f"tokens {annotation.prompt_tokens}+{annotation.completion_tokens}"
        if annotation.prompt_tokens is not None
        else "",
    ]
    yield "   ".join(figure for figure in figures if figure)
    if annotation.error:
        yield f"error: {annotation.error}"


def answer_lines(delivered: str, dialect: str = "", held: int = 0) -> Iterator[str]:
    """The answer as the client was sent it, put together again; without so many letters at the end of each text."""
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
            yield _titled(part.name)
            yield shortened(part.text, 50 * LONG)
            yield ""


def _titled(name: str) -> str:
    return f"── {name} " + "─" * max(4, _RULE - len(name))
