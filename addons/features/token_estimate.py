"""The token estimate, for where a provider gives no count.

Model families cut text differently; this is an estimate by the shape of the text: a run of letters or digits costs one
token for each begun four characters, a CJK character, a mark or an emoji one, white space nothing. It is the same
however the text was cut into pieces.

It runs for every piece of every answer, also for one of megabytes, so nothing here is done character by character: the
text's UTF-8 bytes become a string of classes (w, x and blank), in which runs are counted by replacing.
"""

from collections.abc import Iterable, Sequence
from typing import Final

_CHARS_PER_TOKEN: Final = 4
_EXACT_CHARS: Final = 1_000_000
"""Of a longer piece the rest is taken to be like its beginning."""
_AT_ONCE_CHARS: Final = 4096
"""Of a stream's pieces together, which are kept until they are counted."""
_PIECE_CHARS: Final = 50
"""What a piece takes in memory besides its letters."""
_WIDE_BLANKS: Final = (b"\xe3\x80\x80", b"\xc2\xa0")
_CONTINUATION: Final = bytes(range(0x80, 0xC0))


def _class_of(byte: int) -> int:
    """A character's class, by the first byte of its UTF-8: Latin, Greek and Cyrillic letters begin with C3 to D3."""
    if byte >= 0x80:
        return ord("w") if 0xC3 <= byte <= 0xD3 and byte not in (0xCA, 0xCB, 0xCC) else ord("x")
    char = chr(byte)
    return ord("w" if char.isalnum() or char == "_" else " " if char.isspace() else "x")


_CLASSES: Final = bytes(map(_class_of, range(256)))


class TokenCounter:
    """Adds up tokens over pieces of text."""

    def __init__(self) -> None:
        self.tokens = 0
        self._open_run = 0
        """Length of the word run the last piece ended in; its next characters continue it."""

    def add(self, text: str) -> None:
        if not text:
            return
        if len(text) > _EXACT_CHARS:
            self._add_long(text)
            return
        classes = _classes(text)
        rest = classes.lstrip(b"w")
        before, run = self._open_run, self._open_run + len(classes) - len(rest)
        self.tokens += _cost(run) - _cost(before)
        if not rest:
            self._open_run = run
            return
        self.tokens += _tokens(rest)
        self._open_run = len(rest) - len(rest.rstrip(b"w"))

    def _add_long(self, text: str) -> None:
        """A piece so long that reading it would hold others: most of it is taken to be like its beginning."""
        before = self.tokens
        self.add(text[:_EXACT_CHARS])
        self.tokens = before + round((self.tokens - before) * len(text) / _EXACT_CHARS)
        self._open_run = 0

    def room(self, text: str, most: int) -> int:
        """The number of characters of `text` that may still come before the count would exceed `most`. Changes
        nothing."""
        probe = self._after(text)
        if probe.tokens <= most:
            return len(text)
        probe, fits, too_many = self, 0, len(text)
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            further = probe._after(text[fits:middle])
            if further.tokens <= most:
                probe, fits = further, middle
            else:
                too_many = middle
        return fits

    def _after(self, text: str) -> "TokenCounter":
        copy = TokenCounter()
        copy.tokens, copy._open_run = self.tokens, self._open_run
        copy.add(text)
        return copy


class LateCounter:
    """Adds up the tokens of an answer whose provider may yet give a count: pieces of a stream are counted many at a
    time, if at all. Together they have as many tokens as one by one."""

    __slots__ = ("_counter", "_room", "_waiting")

    def __init__(self) -> None:
        self._counter = TokenCounter()
        self._waiting: list[str] = []
        self._room = _AT_ONCE_CHARS

    def add(self, texts: Sequence[str]) -> None:
        """The next pieces."""
        self._waiting += texts
        self._room -= sum(map(len, texts)) + _PIECE_CHARS * len(texts)
        if self._room <= 0:
            self._count()

    @property
    def tokens(self) -> int:
        self._count()
        return self._counter.tokens

    def _count(self) -> None:
        self._counter.add("".join(self._waiting))
        self._waiting.clear()
        self._room = _AT_ONCE_CHARS


def _classes(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) == len(text):
        return data.translate(_CLASSES)
    for blank in _WIDE_BLANKS:
        data = data.replace(blank, b" ")
    return data.translate(_CLASSES, _CONTINUATION)


def _tokens(classes: bytes) -> int:
    """The tokens of whole runs: each `wwww` is one, and what is left of a run is one more."""
    fours = classes.replace(b"wwww", b"t")
    rests = fours.count(b"w ") + fours.count(b"wx") + fours.endswith(b"w")  # the last letters of each
    return fours.count(b"x") + fours.count(b"t") + rests


def _cost(length: int) -> int:
    return -(-length // _CHARS_PER_TOKEN)


def count(text: str) -> int:
    """The estimate for one whole text."""
    counter = TokenCounter()
    counter.add(text)
    return counter.tokens


def estimated(texts: Iterable[str]) -> int:
    """The estimate for texts of any size, one behind the other: what is beyond a million characters is not read."""
    pieces = list(texts)
    if len(pieces) != 1 and sum(map(len, pieces)) <= _EXACT_CHARS:
        pieces = ["".join(pieces)]
    if len(pieces) == 1 and len(pieces[0]) <= _EXACT_CHARS:  # nearly always; how they were cut changes nothing
        return _tokens(_classes(pieces[0]))
    counter, read, length = TokenCounter(), 0, 0
    for text in pieces:
        piece = text[: _EXACT_CHARS - read]
        counter.add(piece)
        read += len(piece)
        length += len(text)
    return counter.tokens if read == length else round(counter.tokens * length / read)
