"""Where TLS records end in a stream of bytes (RFC 8446, 5.1): of half a record that has come, TLS tells nothing."""

from typing import Final

HEAD_BYTES: Final = 5
"""Type, version, and the length of what follows in the last two."""


class TlsRecords:
    """Counts along with what passes by."""

    def __init__(self) -> None:
        self._head = b""
        self._left = 0
        """Bytes of the record that are still to come."""

    @property
    def are_whole(self) -> bool:
        """Whether the last one has come to its end."""
        return not (self._left or self._head)

    def pass_by(self, data: bytes) -> None:
        at, size = self._left, len(data)
        while at < size:
            head = self._head + data[at : at + HEAD_BYTES - len(self._head)]
            if len(head) < HEAD_BYTES:
                self._head, self._left = head, 0
                return
            at += HEAD_BYTES - len(self._head) + int.from_bytes(head[3:])
            self._head = b""
        self._left = at - size
