"""Where an answer's `[[37]]` marks point: the documents of search results. And the pictures of image tools."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from providers.citations import CitationStyle, CitedText, MarkSyntax, Sources
from providers.jsontext import mapping, text, whole

_BLANK: Final = re.compile(r"\s")
_LONGEST: Final = 6
"""Digits in a mark; no answer has a million sources."""


def cited_text(style: CitationStyle, sources: Sources) -> CitedText:
    """A reader of answer text. Only numbers of known documents are marks: `x[[1]]` is code in many languages."""

    def keys(inside: str) -> tuple[str, ...]:
        return (inside,) if len(inside) <= _LONGEST and sources.find(inside) is not None else ()

    def may_begin(inside: str) -> bool:
        return len(sources) > 0 and (not inside or inside.isdecimal())

    return CitedText(style, MarkSyntax("[[", "]]", keys, may_begin, longest=_LONGEST), sources)


def note_search(extra: Mapping[str, Any], sources: Sources) -> None:
    """The documents of a finished web_search frame. With n documents and `used_id` u, they have the numbers u-n … u-1.

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


def note_pages(pages: Any, sources: Sources) -> None:
    """Pages without numbers: what web_extractor read, or a bare list of sources."""
    if isinstance(pages, list):
        for page in map(mapping, pages):
            sources.add(text(page.get("url")), text(page.get("title")))


def image_urls(extra: Mapping[str, Any], file_base: str) -> Iterable[str]:
    """The pictures of an image tool's frame: those to show, else the originals.

    A picture given by `file_path` alone lies under `file_base` and is readable with the account's session only.
    """
    for name in ("image_list", "tool_result"):
        items = extra.get(name)
        found = [_image_url(item, file_base) for item in items] if isinstance(items, list) else []
        if any(found):
            return [url for url in found if url]
    return ()


def _image_url(item: Any, file_base: str) -> str:
    if isinstance(item, str):
        return item if is_picture(item) else ""
    fields = mapping(item)
    for name in ("image", "url"):
        if is_picture(url := text(fields.get(name))):
            return url
    path = text(fields.get("file_path")).lstrip("/")
    return f"{file_base}/{path}" if path and file_base and not _BLANK.search(path) else ""


def is_picture(url: str) -> bool:
    """Whether a text is the address of a picture, and nothing else."""
    return url.startswith(("https://", "http://", "data:image/")) and not _BLANK.search(url)
