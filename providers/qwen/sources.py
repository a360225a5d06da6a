"""The sources of an answer's `[[37]]` marks: the documents of search results. And the pictures of image tools."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, mapping, text, whole
from providers.shared.citations import CitationStyle, CitedText, MarkSyntax, Sources

_BLANK: Final = re.compile(r"\s")
_PICTURE_LISTS: Final = ("image_list", "tool_result", "images", "results", "data")
"""Where pictures are listed (gpt4free's recordings and reader of 2026-10)."""
_PICTURE_DEPTH: Final = 4
_LONGEST: Final = 6
"""Digits in a mark; no answer has a million sources."""


def cited_text(style: CitationStyle, sources: Sources) -> CitedText:
    """A reader of answer text. Only numbers of known documents are marks: `x[[1]]` is code in many languages."""

    def keys(inside: str) -> tuple[str, ...]:
        return (inside,) if len(inside) <= _LONGEST and sources.find(inside) is not None else ()

    def may_begin(inside: str) -> bool:
        return len(sources) > 0 and (not inside or inside.isdecimal())

    return CitedText(style, MarkSyntax("[[", "]]", keys, may_begin, longest=_LONGEST), sources)


def add_search_sources(extra: Mapping[str, Any], sources: Sources) -> None:
    """Adds the documents of a finished web_search frame. With n documents and `used_id` u, they have the numbers u-n …
    u-1.

    Counting starts at 1: the first batch of 20 says used_id 21.
    """
    result = mapping(extra.get("tool_result"))
    docs = result.get("docs")
    if not isinstance(docs, list):
        docs = extra.get("web_search_info")
    if not isinstance(docs, list):
        return
    used = whole(result.get("used_id"))
    first = used - len(docs) if used is not None else None
    for place, doc in enumerate(map(mapping, docs)):
        key = () if first is None else (str(first + place),)
        sources.add(text(doc.get("url")), text(doc.get("title")), *key)


def add_page_sources(pages: Any, sources: Sources) -> None:
    """Adds pages without numbers: what web_extractor read, or a bare list of sources."""
    if isinstance(pages, list):
        for page in map(mapping, pages):
            sources.add(text(page.get("url")), text(page.get("title")))


def image_urls(extra: Mapping[str, Any], file_base: str) -> Iterable[str]:
    """The pictures of an image tool's frame: those to show, else the originals, else what other fronts list.

    A picture given by `file_path` alone lies under `file_base` and is readable with the account's session only.
    """
    for name in _PICTURE_LISTS:
        if found := list(_pictures(extra.get(name), file_base, _PICTURE_DEPTH)):
            return found
    return ()


def named_pictures(content: str, file_base: str) -> Iterable[str]:
    """The pictures of a drawing's content: an address, or JSON that names some. Empty for words."""
    content = content.strip()
    if is_picture(content):
        return (content,)
    value = loads(content.encode("utf-8", "surrogatepass"), EVENT_VALUES) if content[:1] in ("{", "[") else INVALID
    return list(_pictures(value, file_base, _PICTURE_DEPTH))


def _pictures(value: Any, file_base: str, depth: int) -> Iterator[str]:
    if isinstance(value, list) and depth:
        for item in value:
            yield from _pictures(item, file_base, depth - 1)
    elif isinstance(value, str):
        if is_picture(value):
            yield value
    elif isinstance(value, dict):
        if url := _image_url(value, file_base):
            yield url
        elif depth:
            for name in _PICTURE_LISTS:
                yield from _pictures(value.get(name), file_base, depth - 1)


def _image_url(fields: Mapping[str, Any], file_base: str) -> str:
    for name in ("image", "url", "image_url"):
        if is_picture(url := text(fields.get(name))):
            return url
    path = text(fields.get("file_path")).lstrip("/")
    return f"{file_base}/{path}" if path and file_base and not _BLANK.search(path) else ""


def is_picture(url: str) -> bool:
    """Whether a text is the address of a picture, and nothing else."""
    return url.startswith(("https://", "http://", "data:image/")) and not _BLANK.search(url)
