"""The sources in the results of Z.AI's own tools, and the marks with which its answers point at them.

Three shapes: `[ref_id=turn0search0†Title†https://…]` in the text of a tool_response (2026-09), `search_result` lists
in the JSON of a glm_block (2025) or in a frame's metadata, and pictures as `image_url` parts of a tool's result.
Marks in the answer: 【turn0search1】 by reference, 【1†source】 by index.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, mapping, text, whole
from providers.shared.citations import MarkSyntax, Sources

_REF: Final = re.compile(
    r"\[ref_id=([\w.:-]{1,64})†((?:(?!\[ref_id=)[^\n]){0,500}?)†(https?://[^\s†]{1,2000}?)"
    r"(?:†[^\]\n†]{0,500}+){0,3}+\](?![\w/?&=.%#-])"
)
_REF_BEGIN: Final = "[ref_id="
_HELD_LIMIT: Final = 8192
_DEPTH: Final = 8
_NODES: Final = 20_000


class ToolResults:
    """Collector of sources from tool results as they come; each picture in them is named once."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._held = ""
        self._pictures: set[str] = set()

    def feed_text(self, piece: str) -> None:
        """Text of a tool's answer, cut anywhere."""
        found = self._held + piece
        end = self._scan(found) if "]" in piece else 0
        begin = found.rfind(_REF_BEGIN, end)
        if begin < 0:
            begin = max(end, len(found) - len(_REF_BEGIN))
        self._held = found[begin:] if len(found) - begin <= _HELD_LIMIT else ""

    def read_json(self, value: Any) -> list[str]:
        """The JSON of a tool's block or of a frame's metadata; gives the addresses of new pictures in it."""
        pictures: list[str] = []
        position = 0
        for node in _walk(value):
            if isinstance(node, str):
                self._scan(node)
                continue
            url = text(mapping(node.get("image_url")).get("url"))
            if url.startswith(("https://", "http://", "data:image/")) and url not in self._pictures:
                self._pictures.add(url)
                pictures.append(url)
            results = node.get("search_result")
            for item in map(mapping, results if isinstance(results, list) else ()):
                position += 1
                self._add(item, position)
        return pictures

    def read_block(self, block: str) -> list[str]:
        """The text inside a glm_block."""
        value = loads(block.strip().encode("utf-8", "replace"), EVENT_VALUES)
        return [] if value is INVALID else self.read_json(value)

    def _scan(self, found: str) -> int:
        """Remember every source named in the text; gives the place after the last."""
        end = 0
        for match in _REF.finditer(found):
            self._sources.add(match[3], match[2], match[1])
            end = match.end()
        return end

    def _add(self, item: dict[str, Any], position: int) -> None:
        url = text(item.get("url")) or text(item.get("link"))
        index = whole(item.get("index"))
        keys = [str(position if index is None else index)]
        if ref := text(item.get("ref_id")):
            keys.append(ref)
        self._sources.add(url, text(item.get("title")), *keys)


def _walk(value: Any) -> Iterator[dict[str, Any] | str]:
    """Every object and string in a JSON value, also in JSON that stands in strings (`result`, `arguments`)."""
    todo: list[tuple[Any, int]] = [(value, 0)]
    for _ in range(_NODES):
        if not todo:
            return
        node, depth = todo.pop()
        if isinstance(node, dict):
            yield node
            children = list(node.values())
        elif isinstance(node, list):
            children = node
        elif isinstance(node, str):
            yield node
            inner = loads(node.encode("utf-8", "replace"), EVENT_VALUES) if node[:1] in ("{", "[") else INVALID
            children = [inner] if isinstance(inner, dict | list) else []
        else:
            continue
        if depth < _DEPTH:
            todo += [(child, depth + 1) for child in reversed(children)]


_BY_REF: Final = re.compile(r"(turn\d+[a-z_]+\d+)(?:†.*)?")
_BY_INDEX: Final = re.compile(r"(\d{1,6})†.*")
_SEPARATORS: Final = re.compile(r"[,，、;；|]")
_GROWING_REF: Final = re.compile(r"turn\d*(?:[a-z_]+(?:\d+(?:[†,，、;； |].*)?)?)?")
_GROWING_INDEX: Final = re.compile(r"\d{1,6}(?:†.*)?")


def mark_keys(inside: str) -> tuple[str, ...]:
    """The keys between 【 and 】, none when it is no mark. One mark may name several references."""
    inside = inside.strip()
    if match := _BY_INDEX.fullmatch(inside):
        return (match[1],)
    keys: list[str] = []
    for part in _SEPARATORS.split(inside):
        match = _BY_REF.fullmatch(part.strip())
        if match is None and not keys:
            return ()
        if match is not None:
            keys.append(match[1])
        elif "†" not in inside:
            return ()
    return tuple(keys)


def mark_may_begin(inside: str) -> bool:
    """Whether the text after 【 may still become a mark."""
    inside = inside.lstrip(" ")
    if len(inside) <= 4:
        return "turn".startswith(inside) or bool(_GROWING_INDEX.fullmatch(inside))
    return bool(_GROWING_REF.fullmatch(inside) or _GROWING_INDEX.fullmatch(inside))


MARKS: Final = MarkSyntax(opening="【", closing="】", keys=mark_keys, may_begin=mark_may_begin)
