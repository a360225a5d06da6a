"""The frames of a stream: an event's name, and its data with a number that counts all of them."""


class Numbered:
    """Writes the frames of one stream; the first has number 0."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next = 0

    def frame(self, kind: str, fields: bytes) -> bytes:
        """A frame; `fields` are the event's own, as JSON without the braces."""
        return self.closed(opening(kind) + fields)

    def closed(self, begun: bytes) -> bytes:
        """The frame that begins so."""
        number = self.next
        self.next = number + 1
        return b'%b,"sequence_number":%d}\n\n' % (begun, number)


def opening(kind: str) -> bytes:
    """What a frame of an event begins with."""
    return b'event: %b\ndata: {"type":"%b",' % (kind.encode(), kind.encode())
