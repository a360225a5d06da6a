"""A body while it arrives, without secrets: what is shown of it now is what will be shown at the end. Pure.

What has come is cleaned up to the last border, once. A border is the end of an event that closes a bracket: no secret
and no encoding of one reaches over it (addons/cleaning/unpacked.py: only rows of numbers span white space, and they do
not end in a bracket). Of what follows nothing is shown until there is more than HOLD_BYTES of it: a secret may be cut
at its end, and too little of it be there to be known.
"""

from collections.abc import Callable, Sequence
from typing import Final

from addons.cleaning.bodies import PACKED_WORDS, is_packed

HOLD_BYTES: Final = 1024
"""Eleven letters of a secret may stand unrecognised at the end; escaped twice over they are shorter than this."""
_BORDERS: Final = (b"}\n\n", b"]\n\n", b"}\r\n\r\n", b"]\r\n\r\n")
_HEAD_BYTES: Final = 8
"""Tell whether a body is packed."""


class ArrivingBody:
    """The cleaned part of a body so far. `clean` takes the secrets out of bytes."""

    def __init__(self, clean: Callable[[bytes], bytes]) -> None:
        self._clean = clean
        self._sure = bytearray()
        self._open = b""
        """What came since the last border, as it came."""
        self.events = 0
        """Whole events up to the last border."""
        self.packed = False

    def take(self, pieces: Sequence[bytes]) -> bytes:
        """The bytes of the body that may be shown now that these pieces have come too."""
        raw = b"".join([self._open, *pieces])
        if not self._sure and not self.packed:
            if len(raw) < _HEAD_BYTES:
                self._open = raw
                return b""
            self.packed = is_packed(raw)
        if self.packed:
            return PACKED_WORDS
        if at := _border(raw):
            clean = self._clean(raw[:at])
            self._sure += clean
            self.events += sum(map(clean.count, (b"\n\n", b"\r\n\r\n")))
            raw = raw[at:]
        self._open = raw
        return bytes(self._sure) + (self._clean(raw)[:-HOLD_BYTES] if len(raw) > HOLD_BYTES else b"")

    def cost(self, pieces: Sequence[bytes]) -> int:
        """The number of bytes `take` would have to clean."""
        return len(self._open) + sum(map(len, pieces))


def _border(raw: bytes) -> int:
    """Where the last border ends; 0 without one."""
    return max((at + len(border) for border in _BORDERS if (at := raw.rfind(border)) >= 0), default=0)
