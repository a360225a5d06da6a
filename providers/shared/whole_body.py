"""The body of a whole answer while it comes, bounded in bytes."""

from typing import Final


class WholeBody:
    """Keeps what comes, up to `most` bytes; of a body that is larger nothing is kept."""

    __slots__ = ("_left", "_pieces", "most")

    def __init__(self, most: int) -> None:
        self.most: Final = most
        self._left = most
        self._pieces: list[bytes] = []

    def take(self, data: bytes) -> bool:
        """Whether it still fits."""
        self._left -= len(data)
        if self._left < 0:
            self._pieces.clear()
            return False
        self._pieces.append(data)
        return True

    def taken(self) -> bytes:
        """All of it, which is kept no longer."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body
