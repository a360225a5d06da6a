"""Reader of Z.AI's `content_blocks`: the whole answer so far as a list of typed blocks, read as runs of text.

Known types are text, reasoning and tool_calls (the page's script of 2026-03), with the words in `content`. Nested lists
have not been seen; inside a block of text they are taken for its parts. What another kind of block holds is not known
to be the answer: it is passed over, and its kind is told.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from providers.formats.jsontext import mapping, text
from providers.zai.rules import of_subagent
from providers.zai.structure import Channel, Piece

_KINDS: Final[dict[str, Channel]] = {"text": "answer", "reasoning": "reasoning", "thinking": "reasoning"}
_SILENT: Final = frozenset({"tool_calls", "tool_call", "tool_response"})
_WORDS: Final = ("content", "text", "blocks", "content_blocks")
_DEPTH: Final = 4


def runs_of(blocks: Any, unknown: Callable[[str], None]) -> list[Piece]:
    """The text of a list of blocks by channel; empty when none of it is to be shown. `unknown` is told of each kind
    without a meaning."""
    runs: list[Piece] = []
    for block in map(mapping, blocks if isinstance(blocks, list) else ()):
        kind = text(block.get("type"))
        if (channel := _KINDS.get(kind)) is None:
            if kind not in _SILENT:
                unknown(kind)
        elif not of_subagent(block) and (words := "".join(_words(block, _DEPTH))):
            runs.append((channel, words))
    return runs


def _words(block: dict[str, Any], depth: int) -> Iterator[str]:
    """The words of a block: the first of its fields that has any."""
    value = next((block[name] for name in _WORDS if block.get(name)), "")
    if isinstance(value, str):
        yield value
    elif depth:
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str):
                yield part
            elif text(mapping(part).get("type")) in ("", *_KINDS):
                yield from _words(mapping(part), depth - 1)
