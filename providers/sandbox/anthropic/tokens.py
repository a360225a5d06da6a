"""How many tokens a Messages request has, and how many of them a prompt cache held already.

A token is four characters. As in the API, the prompt is tools, system, messages, in that order; `cache_control` on a
block makes everything up to it one cached prefix.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens of a prompt: neither cached nor to be; written to the cache; read from it."""

    plain: int
    written: int = 0
    read: int = 0

    @property
    def all(self) -> int:
        return self.plain + self.written + self.read

    def usage(self) -> dict[str, Any]:
        return {
            "input_tokens": self.plain,
            "cache_creation_input_tokens": self.written,
            "cache_read_input_tokens": self.read,
            "cache_creation": {"ephemeral_5m_input_tokens": self.written, "ephemeral_1h_input_tokens": 0},
        }


def counted(body: Mapping[str, Any], seen: set[str] | None = None) -> Prompt:
    """The tokens of a request; prefixes found in `seen` were cached, and its own are put there."""
    so_far, digest, marks = 0, hashlib.sha256(), []
    last_mark = body.get("cache_control") is not None
    for block, marked in _blocks(body):
        so_far += max(_chars(block) // 4, 1)
        digest.update(json.dumps(block, sort_keys=True).encode())
        if marked:
            marks.append((so_far, digest.hexdigest()))
    if last_mark and so_far:
        marks.append((so_far, digest.hexdigest()))
    if seen is None or not marks:
        return Prompt(so_far)
    read = max((tokens for tokens, name in marks if name in seen), default=0)
    seen.update(name for _, name in marks)
    return Prompt(so_far - marks[-1][0], marks[-1][0] - read, read)


def _blocks(body: Mapping[str, Any]) -> Iterator[tuple[Any, bool]]:
    """The blocks in the order of the prompt, and whether a cached prefix ends there."""
    for tool in body.get("tools") or ():
        yield _bare(tool)
    for block in _as_blocks(body.get("system")):
        yield _bare(block)
    for message in body.get("messages") or ():
        for block in _as_blocks(message.get("content")):
            bare, marked = _bare(block)
            yield [message.get("role"), bare], marked


def _as_blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content or []


def _bare(block: Any) -> tuple[Any, bool]:
    if not isinstance(block, Mapping):
        return block, False
    return {name: value for name, value in block.items() if name != "cache_control"}, bool(block.get("cache_control"))


def _chars(value: Any) -> int:
    """Of all text in a value; a picture's or document's bytes count as nothing."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(name) + _chars(inner) for name, inner in value.items() if name != "data")
    return sum(map(_chars, value)) if isinstance(value, list) else 1
