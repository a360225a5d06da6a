"""Z.AI's text buffer: frames append to it or replace its tail, and what is new in each channel comes out.

The site's page keeps one text over all phases; an edit frame means `text.substring(0, edit_index) + edit_content`, in
JavaScript's UTF-16 units (the page's own script, 2026-03). Readers downstream cannot take words back, so only the
growth of each channel is given out. The text is kept in segments with the state of reading at their start, so an edit
costs as much as the text it replaces, not the whole.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

from providers.zai.structure import Channel, Piece, Structure, cost_of

SEGMENT_CHARS: Final = 2048
WORK_LIMIT: Final = 100_000
"""What may be read at once (Structure.work): a frame, or what is read again for one. Others wait meanwhile: 50 ms."""
CHANGE_WORK: Final = 40
"""What it costs to turn from one channel to another, beside a line of text: a frame may hold thousands of blocks."""
SEGMENTS_LIMIT: Final = 20_000
"""Of 1 KB and more each, however little text it holds; the longest text alone takes 8192."""
AHEAD_CHARS: Final = 64 * 1024
"""How far the reading of a segment may look into the rest of its frame's text."""
TEXT_LIMIT_CHARS: Final = 16 * 1024 * 1024
_SHOWN: Final[tuple[Channel, ...]] = ("reasoning", "answer")
_WORD_CHARS: Final = 64
"""How far back the beginning of a word is looked for."""
_WIDE: Final = "\u2e80"
"""From here on (Chinese, Japanese, Korean) words are not parted by anything."""


class BufferLimit(ValueError):
    """The text grew beyond the limit."""


class _Segment:
    __slots__ = ("_astral", "channel", "derived", "length", "parts", "start", "start_utf16", "structure")

    def __init__(
        self, channel: Channel, start: int, start_utf16: int, structure: Structure, derived: dict[Channel, int]
    ) -> None:
        self.channel = channel
        self.start = start
        self.start_utf16 = start_utf16
        self.structure = structure
        self.derived = derived
        self.parts: list[str] = []
        self.length = 0

    @property
    def end(self) -> int:
        return self.start + self.length

    def text(self) -> str:
        if len(self.parts) > 1:
            self.parts = ["".join(self.parts)]
        return self.parts[0] if self.parts else ""

    def end_utf16(self) -> int:
        return self.start_utf16 + _utf16_length(self.text())


class EditBuffer:
    """The text of one answer. Every method returns the pieces that became new by it."""

    def __init__(self) -> None:
        self.changed = 0
        """Edits that changed or took back text already given out; it stays as it was given."""
        self._structure = Structure()
        self._derived: dict[Channel, int] = dict.fromkeys(_SHOWN, 0)
        self._given: dict[Channel, int] = dict.fromkeys(_SHOWN, 0)
        self._rewritten: dict[Channel, str] = {}
        """Channels whose given text was changed by an edit, with the newest text of each: they go on at a word."""
        self._last: dict[Channel, str] = dict.fromkeys(_SHOWN, "")
        """The last character of each channel that was given out."""
        self._counted = 0
        self._so_far = self._derived.copy()
        """`_derived` with the first `_counted` pieces of the call under way."""
        self._segments = [_Segment("none", 0, 0, self._structure.copy(), self._derived.copy())]

    @property
    def structured(self) -> bool:
        return self._structure.structured

    def given(self, channel: Channel) -> int:
        """The number of characters of a channel given out so far."""
        return self._given[channel]

    def append(self, text: str, channel: Channel) -> list[Piece]:
        """Appends text, labelled as of this channel. Raises BufferLimit."""
        out: list[Piece] = []
        self._begin()
        self._feed(text, channel, out)
        return self._growth(out)

    def edit(self, index: int, text: str, channel: Channel) -> list[Piece]:
        """Replaces everything from `index` (UTF-16 units) on. Raises BufferLimit.

        An index between the halves of a pair leaves the first of them, as on the page; the text may bring another
        second half.
        """
        cut, half = self._position(index)
        return self._replace(cut, [(channel, _paired(half + text) if half else text)])

    def replace(self, runs: Sequence[Piece]) -> list[Piece]:
        """Replaces all of the text by these runs. Raises BufferLimit."""
        return self._replace(0, runs)

    def _replace(self, cut: int, runs: Sequence[Piece]) -> list[Piece]:
        out: list[Piece] = []
        dropped = self._cut(cut, out)
        self._begin()
        for channel, text in runs:
            if not self._structure.structured and ("<glm_block" in text or '<details type="reasoning"' in text):
                self._structure.structure()
            self._feed(text, channel, out)
        if dropped is not None and (changed := _changed(out, dropped)):
            self.changed += 1
            self._rewritten |= dict.fromkeys(changed, "")
        return self._growth(out)

    def whole(self) -> list[Piece]:
        """The text as it stands, from its beginning, whatever was given out. Raises BufferLimit."""
        _check_cost(self._segments)
        out: list[Piece] = []
        for at, segment in enumerate(self._segments):
            structure = segment.structure.copy()
            structure.feed(segment.text(), segment.channel, out)
            following = self._segments[at + 1] if at + 1 < len(self._segments) else None
            if following is None:
                structure.finish(segment.channel, out)
            elif following.channel != segment.channel:
                structure.begin(segment.channel, out)
        return _joined_up(out)

    def finish(self) -> list[Piece]:
        """The end of the text."""
        out: list[Piece] = []
        self._structure.finish(self._segments[-1].channel, out)
        return self._growth(out)

    def _begin(self) -> None:
        """The text of a frame follows."""
        self._counted, self._so_far = 0, self._derived.copy()
        self._structure.work = 0

    # -- feeding --------------------------------------------------------------------------------------------------
    def _feed(self, text: str, channel: Channel, out: list[Piece]) -> None:
        """Takes a long text in segments too: an edit at its end must not cost all of it."""
        for at in range(0, len(text), SEGMENT_CHARS):
            end = at + SEGMENT_CHARS
            self._feed_segment(text[at:end], channel, out, text[end : end + AHEAD_CHARS])

    def _feed_segment(self, text: str, channel: Channel, out: list[Piece], ahead: str) -> None:
        segment = self._segments[-1]
        if segment.channel != channel or segment.length >= SEGMENT_CHARS:
            if segment.channel != channel and segment.length:
                self._structure.begin(segment.channel, out)
                self._structure.work += CHANGE_WORK
            segment = self._open(segment, channel, out)
        segment.parts.append(text)
        segment.length += len(text)
        if segment.start + segment.length > TEXT_LIMIT_CHARS:
            raise BufferLimit(f"the answer is longer than {TEXT_LIMIT_CHARS} characters")
        self._structure.feed(text, channel, out, ahead)
        if self._structure.work > WORK_LIMIT:
            raise BufferLimit("a frame of it has too many lines, tags and blocks")

    def _open(self, last: _Segment, channel: Channel, out: Sequence[Piece]) -> _Segment:
        """A new segment after the last one. `out` holds pieces not yet counted in `_derived`."""
        for kind, piece in islice(out, self._counted, None):
            if kind in self._so_far:
                self._so_far[kind] += len(piece)
        self._counted = len(out)
        segment = _Segment(channel, last.end, last.end_utf16(), self._structure.copy(), self._so_far.copy())
        if not last.length:
            self._segments.pop()
        if len(self._segments) >= SEGMENTS_LIMIT:
            raise BufferLimit("it goes to and fro between thinking and answer too often")
        self._segments.append(segment)
        return segment

    def _growth(self, pieces: list[Piece]) -> list[Piece]:
        """The part of freshly derived pieces that goes beyond what was given out. Tool pieces pass as they are."""
        grown: list[Piece] = []
        derived, given = self._derived, self._given
        for channel, text in pieces:
            if channel not in derived:
                grown.append((channel, text))
                continue
            derived[channel] += len(text)
            new = derived[channel] - given[channel]
            if channel in self._rewritten:
                text = self._from_a_word(channel, text, new)
            elif new < len(text):
                text = text[-new:] if new > 0 else ""
            if text:
                given[channel] = derived[channel]
                self._last[channel] = text[-1]
                grown.append((channel, text))
        return _joined_up(grown)

    def _from_a_word(self, channel: Channel, text: str, new: int) -> str:
        """The growth of a rewritten channel: nothing until it is longer than before, then from the word's beginning."""
        text = self._rewritten[channel] + text
        if new <= 0:
            self._rewritten[channel] = text[-_WORD_CHARS:]
            return ""
        del self._rewritten[channel]
        begin = end = max(len(text) - new, 0)
        while begin and end - begin < _WORD_CHARS and _in_a_word(text[begin - 1]) and _in_a_word(text[begin]):
            begin -= 1
        if begin and text[begin - 1].isspace():
            return text[begin - 1 :]
        last = self._last[channel]
        return f" {text[begin:]}" if last and _in_a_word(last) and _in_a_word(text[begin]) else text[begin:]

    # -- cutting --------------------------------------------------------------------------------------------------
    def _cut(self, cut: int, out: list[Piece]) -> list[Piece] | None:
        """Drop the text from `cut` on and go back to the state there; `out` gets what is derived again up to it.

        Gives the pieces derived from the old text since the same point; None when nothing was dropped.
        Raises BufferLimit: a few words may take back what it took many frames to say.
        """
        if cut >= self._segments[-1].end:
            return None
        dropped: list[_Segment] = []
        while len(self._segments) > 1 and self._segments[-1].start >= cut:
            dropped.append(self._segments.pop())
        last = self._segments[-1]
        _check_cost([last, *dropped])
        old = _derive(last.structure.copy(), last.channel, [last, *reversed(dropped)])
        kept = last.text()[: cut - last.start]
        last.parts, last.length = ([kept], len(kept)) if kept else ([], 0)
        self._structure = last.structure.copy()
        self._derived = last.derived.copy()
        self._rewritten = dict.fromkeys(self._rewritten, "")
        if kept:
            self._structure.feed(kept, last.channel, out)
        return old

    def _position(self, index: int) -> tuple[int, str]:
        """A UTF-16 index as a position in our text; between the halves of a pair the place before them, and the first
        half."""
        segment = self._segments[0]
        for candidate in reversed(self._segments):
            if candidate.start_utf16 <= index:
                segment = candidate
                break
        text = segment.text()
        if _utf16_length(text) == len(text):
            return min(segment.start + index - segment.start_utf16, segment.end), ""
        wanted = index - segment.start_utf16
        at = bisect_right(range(len(text) + 1), wanted, key=lambda end: _utf16_length(text[:end])) - 1
        split = at < len(text) and _utf16_length(text[:at]) < wanted
        return segment.start + at, _first_half(text[at]) if split else ""


def _joined_up(pieces: list[Piece]) -> list[Piece]:
    """Pieces of one channel that follow each other as one. A tool's blocks stay apart."""
    if len(pieces) < 2:
        return pieces
    found: list[Piece] = []
    for channel, run in groupby(pieces, itemgetter(0)):
        if channel == "block":
            found += run
        else:
            found.append((channel, "".join(text for _, text in run)))
    return found


def _derive(structure: Structure, channel: Channel, segments: list[_Segment]) -> list[Piece]:
    """The pieces of a run of segments, read again from the state at its start."""
    out: list[Piece] = []
    for segment in segments:
        if segment.channel != channel:
            structure.begin(channel, out)
            channel = segment.channel
        structure.feed(segment.text(), channel, out)
    return out


def _check_cost(segments: Sequence[_Segment]) -> None:
    """Raises BufferLimit when reading them again at once would hold everybody."""
    if sum(cost_of(segment.text()) for segment in segments if segment.structure.structured) > WORK_LIMIT:
        raise BufferLimit("so many lines and tags of it are not read again")


def _changed(new: list[Piece], old: list[Piece]) -> list[Channel]:
    """The channels whose new pieces do not begin with all that the old ones said."""
    return [channel for channel in _SHOWN if not _joined(new, channel).startswith(_joined(old, channel))]


def _in_a_word(character: str) -> bool:
    return character.isalnum() and character < _WIDE


def _joined(pieces: list[Piece], channel: str) -> str:
    return "".join(text for kind, text in pieces if kind == channel)


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _first_half(character: str) -> str:
    return character.encode("utf-16-le")[:2].decode("utf-16-le", "surrogatepass")


def _paired(text: str) -> str:
    """The text, of which the first two characters may be the halves of one."""
    return text[:2].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") + text[2:]
