"""Citation marks in an answer's text: found across chunk borders, turned into Citation events, and rewritten.

A site marks a sentence with something like `【turn0search1】` and names the sources elsewhere. What becomes of a mark:

    annotations   taken out of the text; the Citation points at the place where it stood
    links         replaced by a markdown link `[[1]](url)`, numbered by source in order of first use
    raw           left as it is; the Citation spans it

Text between the same brackets that is no mark (`【注意】`) is never touched. Work is linear in the text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from providers.contract.events import Citation, Text

type CitationStyle = Literal["annotations", "links", "raw"]

SOURCE_LIMIT: Final = 2000
KEY_LIMIT: Final = 4 * SOURCE_LIMIT
URL_LIMIT: Final = 8192
TITLE_LIMIT: Final = 1000
MARK_LIMIT: Final = 10_000
"""Brackets of one answer that are looked at; what comes after them is passed on as it is."""
_BLANK: Final = re.compile(r"\s")
_UNSAFE: Final = re.compile(r"[\s<>()\\]")


@dataclass(frozen=True, slots=True)
class CitedSource:
    """One source of an answer."""

    url: str
    title: str


class Sources:
    """The sources an answer may cite, by every key its marks may use. A key named again means the newer source."""

    def __init__(self) -> None:
        self._by_key: dict[str, CitedSource] = {}
        self._by_url: dict[str, CitedSource] = {}

    def add(self, url: str, title: str, *keys: str) -> None:
        """Adds a source. One without a web address cannot be linked to and is passed over."""
        if not url.startswith(("https://", "http://")) or len(url) > URL_LIMIT or _BLANK.search(url):
            return
        if url not in self._by_url and len(self._by_url) >= SOURCE_LIMIT:
            return
        source = CitedSource(url, title.strip()[:TITLE_LIMIT])
        self._by_url[url] = source
        for key in keys:
            if len(self._by_key) < KEY_LIMIT or key in self._by_key:
                self._by_key[key] = source

    def find(self, key: str) -> CitedSource | None:
        return self._by_key.get(key)

    def __iter__(self) -> Iterator[CitedSource]:
        """Every source once, in the order the site named them."""
        return iter(self._by_url.values())

    def __len__(self) -> int:
        return len(self._by_url)


@dataclass(frozen=True, slots=True)
class MarkSyntax:
    """The syntax of a site's marks."""

    opening: str
    closing: str
    keys: Callable[[str], tuple[str, ...]]
    """The source keys named between the brackets; empty when that is ordinary text."""
    may_begin: Callable[[str], bool]
    """Whether text after an opening bracket may still grow into a mark: decides what is held back."""
    longest: int = 160
    """Characters after which an unclosed bracket is ordinary text."""


class CitedText:
    """Reader of answer text: text in, Text and Citation events out. What may become a mark is held until that is
    clear."""

    def __init__(self, style: CitationStyle, syntax: MarkSyntax, sources: Sources) -> None:
        self._style = style
        self._syntax = syntax
        self._sources = sources
        self._held = ""
        self._length = 0
        self._looked = 0
        self._numbers: dict[str, int] = {}
        self._unresolved: list[tuple[str, int, int]] = []

    def feed(self, text: str) -> list[Text | Citation]:
        """The events of the next piece of raw answer text."""
        if not self._held and (self._looked >= MARK_LIMIT or self._syntax.opening[0] not in text):
            self._length += len(text)
            return [Text(text)] if text else []
        out: list[Text | Citation] = []
        self._read(self._held + text, out)
        return out

    def flush(self) -> list[Text | Citation]:
        """The events at the end of the answer: held text, citations whose source was named late, or the bare
        sources."""
        out: list[Text | Citation] = []
        held, self._held = self._held, ""
        self._emit(held, out)
        for key, start, end in self._unresolved:
            if (source := self._sources.find(key)) is not None:
                self._numbers.setdefault(source.url, len(self._numbers) + 1)
                out.append(Citation(source.url, source.title, None, start, end))
        self._unresolved.clear()
        if not self._numbers:
            out += [Citation(source.url, source.title) for source in self._sources]
        return out

    def _read(self, text: str, out: list[Text | Citation]) -> None:
        """Emits text up to each mark, then the mark; the text's end is held when a mark may have begun there."""
        syntax = self._syntax
        done = at = 0
        while (at := text.find(syntax.opening, at) if self._looked < MARK_LIMIT else -1) >= 0:
            self._looked += 1
            begin = at + len(syntax.opening)
            end = text.find(syntax.closing, begin, begin + syntax.longest + len(syntax.closing))
            if end >= 0 and (keys := syntax.keys(text[begin:end])):
                self._emit(text[done:at], out)
                done = at = end + len(syntax.closing)
                self._mark(text[begin - len(syntax.opening) : done], keys, out)
            elif end < 0 and self._may_grow(text[begin : begin + syntax.longest + len(syntax.closing) + 1]):
                break
            else:
                at = begin
        keep = at if at >= 0 else len(text) - self._cut_opening(text, done)
        self._emit(text[done:keep], out)
        self._held = text[keep:]

    def _may_grow(self, inside: str) -> bool:
        cut = _overlap(inside, self._syntax.closing)
        inside = inside[: len(inside) - cut]
        return len(inside) <= self._syntax.longest and self._syntax.may_begin(inside)

    def _cut_opening(self, text: str, done: int) -> int:
        return min(_overlap(text, self._syntax.opening), len(text) - done)

    def _emit(self, text: str, out: list[Text | Citation]) -> None:
        if text:
            self._length += len(text)
            out.append(Text(text))

    def _mark(self, mark: str, keys: tuple[str, ...], out: list[Text | Citation]) -> None:
        if self._style == "raw":
            start = self._length
            self._emit(mark, out)
            for key in keys:
                self._cite(key, mark, start, out)
            return
        for key in keys:
            start = self._length
            shown = self._link(key) if self._style == "links" else ""
            self._emit(shown, out)
            self._cite(key, shown or None, start, out)

    def _cite(self, key: str, mark: str | None, start: int, out: list[Text | Citation]) -> None:
        source = self._sources.find(key)
        if source is None:
            if len(self._unresolved) < SOURCE_LIMIT:
                self._unresolved.append((key, start, self._length))
            return
        self._numbers.setdefault(source.url, len(self._numbers) + 1)
        out.append(Citation(source.url, source.title, mark, start, self._length))

    def _link(self, key: str) -> str:
        source = self._sources.find(key)
        if source is None:
            return ""
        number = self._numbers.setdefault(source.url, len(self._numbers) + 1)
        return f"[[{number}]]({_UNSAFE.sub(_percent, source.url)})"


def _overlap(text: str, word: str) -> int:
    """The number of characters at the end of `text` that are a beginning of `word`, short of the whole."""
    for size in range(min(len(word) - 1, len(text)), 0, -1):
        if text.endswith(word[:size]):
            return size
    return 0


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
