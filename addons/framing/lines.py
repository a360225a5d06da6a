"""A buffer that gives lines up to a blank one: bounded in bytes and lines, and no byte is looked at twice."""

import re
from dataclasses import dataclass
from typing import Final, Self

from h11._receivebuffer import ReceiveBuffer

HTTP1: Final = frozenset({"HTTP/1.0", "HTTP/1.1"})
_END: Final = re.compile(rb"\n\r?\n")
_BLANK: Final = re.compile(rb"(?:\r?\n)*")


class TooLarge(Exception):
    """More was sent than is read. The message names the bound: `larger than 64 KB`, `more than 100 lines`."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The bound of a head (or of trailers), in bytes and lines."""

    bytes: int
    lines: int


class LineBuffer(ReceiveBuffer):
    """h11's ReceiveBuffer with bounds that are kept while the bytes come, and not only when all are there."""

    def __init__(self) -> None:
        super().__init__()
        self._searched = 0
        self._lines = 0

    def __iadd__(self, more: bytes | bytearray) -> Self:
        self._data += more
        return self

    def _extract(self, count: int) -> bytearray:
        self._searched = self._lines = 0
        return super()._extract(count)

    @property
    def data(self) -> bytearray:
        """The buffered bytes, to be looked at; `drop` takes them away."""
        return self._data

    def drop(self, count: int) -> None:
        """Takes the first bytes away."""
        self._searched = self._lines = 0
        del self._data[:count]

    def take(self, count: int) -> bytes:
        """The first bytes, which go; as many as there are, at most `count`."""
        return bytes(self._extract(count))

    def skip_blank_lines(self) -> int:
        """Drops the blank lines at the beginning; gives how many bytes they were."""
        found = _BLANK.match(self._data)
        count = found.end() if found else 0
        if count:
            self._extract(count)
        return count

    def take_line(self, most: int) -> bytes | None:
        """The next line with its end, or None: it is not whole yet. Raises TooLarge."""
        at = self._data.find(b"\n", self._searched, most)
        if at >= 0:
            return bytes(self._extract(at + 1))
        if len(self._data) >= most:
            raise TooLarge(f"longer than {most} bytes")
        self._searched = len(self._data)
        return None

    def take_lines(self, bound: Bound) -> list[bytes] | None:
        """The lines before the first blank one, which goes too; None while that has not come. Raises TooLarge."""
        if self._data.startswith((b"\r\n", b"\n")):
            self._extract(1 if self._data[0] == 0x0A else 2)
            return []
        found = _END.search(self._data, max(0, self._searched - 2))
        end = found.end() if found else len(self._data)
        self._lines += self._data.count(b"\n", self._searched, end)
        self._searched = end
        if end > bound.bytes:
            raise TooLarge(f"larger than {bound.bytes // 1024} KB")
        if self._lines - (found is not None) > bound.lines:
            raise TooLarge(f"more than {bound.lines} lines")
        if found is None:
            return None
        return [line.removesuffix(b"\r") for line in bytes(self._extract(end)).split(b"\n")[:-2]]
