"""Reader of text that comes either in increments or as growing snapshots, and nobody says which.

Some sites send each new piece, others repeat everything so far and add to it, and a site may change from one to the
other overnight. The first frames tell: a snapshot begins with all of the frame before it and is longer. It is decided
once, so that equal pieces ("ha", "ha") survive in a stream of increments.

Shared by Qwen, LongCat and K2Think. One object for each text (answer, reasoning) of a stream. Pure.
"""


class CumulativeText:
    """Tells increments from snapshots: `add` each frame's text, get the new part. Empty frames count for nothing.

    `frames` is how many frames must fit before the text counts as snapshots. 2 decides with the second frame, and
    nothing is ever held back. With more, a second frame that looks like a snapshot ("1", then "10") is held until the
    next one settles it; `flush` gives what is held when the stream ends first.
    """

    def __init__(self, *, frames: int = 2) -> None:
        self.conflicts = 0
        """Snapshots that did not go on from the one before."""
        self._frames = frames
        self._decided: bool | None = None
        self._last = ""
        self._seen = 0
        self._held: list[str] = []

    @property
    def cumulative(self) -> bool | None:
        """The kind of the text: True for snapshots, False for increments, None while it is open."""
        return self._decided

    def add(self, text: str) -> str:
        """The part of `text` that is new."""
        if not text:
            return ""
        if self._decided is False:
            return text
        if self._decided:
            return self._growth(text)
        self._seen += 1
        if self._seen == 1:
            self._last = text
            return text
        return self._weigh(text)

    def flush(self) -> str:
        """The text held back at the end of the stream: too few frames for a snapshot, so they were increments."""
        held, self._held = self._held, []
        self._settle(False)
        return "".join(held)

    def _weigh(self, text: str) -> str:
        newest = self._held[-1] if self._held else self._last
        if len(text) <= len(newest) or not text.startswith(newest):
            increments = "".join(self._held) + text
            self._settle(False)
            return increments
        if self._seen < self._frames:
            self._held.append(text)
            return ""
        said = len(self._last)
        self._settle(True)
        self._last = text
        return text[said:]

    def _settle(self, cumulative: bool) -> None:
        self._decided = cumulative
        self._held = []
        self._last = ""

    def _growth(self, text: str) -> str:
        """The text a snapshot adds. Nothing said is taken back; a snapshot of something else is said as a whole."""
        last = self._last
        if text.startswith(last):
            self._last = text
            return text[len(last) :]
        if last.startswith(text):
            return ""
        self.conflicts += 1
        self._last = text
        return text[len(last) :] if _mostly_same(last, text) else text


def _mostly_same(old: str, new: str) -> bool:
    """Whether `new` is `old` with a word changed near its end, not the beginning of another text."""
    half = (len(old) + 1) // 2
    return new.startswith(old[:half])
