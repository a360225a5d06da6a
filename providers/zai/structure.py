"""The structure inside Z.AI's one text buffer: which characters are reasoning, which are answer, which a tool's.

Plain text goes to the channel its frame is labelled with. Once a tag of the site's begins a run of text, the text is
*structured*: `<details type="reasoning" …>` holds quoted reasoning, `<glm_block …>` holds a tool's JSON, and what
stands outside is the answer. Incremental and cheap to copy, so that an edit can go on from an earlier state.
"""

import re
from copy import copy
from typing import Final, Literal, Self

type Channel = Literal["reasoning", "answer", "tool", "block", "none"]
"""`tool`: plain text of a tool's answer; `block`: the whole JSON of one glm_block; `none`: not to be shown."""
type Piece = tuple[Channel, str]

_OPENERS: Final = ("<details", "<glm_block")
_OPEN: Final = re.compile(r"<(details|glm_block)(\s[^<>]{0,2048})?>")
_CLOSE: Final = "</details>"
_BLOCK_CLOSE: Final = "</glm_block>"
_SUMMARY: Final = "<summary>"
_SUMMARY_CLOSE: Final = "</summary>"
TAG_LIMIT: Final = 2048
"""An unfinished tag longer than this is text."""
TAG_WORK: Final = 20
BLOCK_LIMIT: Final = 2 * 1024 * 1024
"""Characters of a tool's JSON kept; the rest is passed over, and the JSON then tells nothing."""


def cost_of(text: str) -> int:
    """The most it costs to read a structured text again (Structure.work), without reading it."""
    tags = sum(map(text.count, (*_OPENERS, _CLOSE, _BLOCK_CLOSE, _SUMMARY)))
    return TAG_WORK * tags + 3 * text.count("\n")  # a line may be a quote mark, a blank and words


class Structure:
    """The reader's state. `feed` appends pieces to `out`; pieces of one channel join to that channel's text."""

    def __init__(self) -> None:
        self.structured = False
        self.inside: Literal["", "details", "block"] = ""
        self._sniffing = True
        self._held = ""
        self.work = 0
        """What reading has cost since somebody set this to 0: a line 1, a tag TAG_WORK."""
        # outside
        self._after_close = False
        self._fresh_line = True
        # details
        self._done = False
        self._line_start = True
        self._quoted = False
        self._after_quote = False
        self._newlines = 0
        self._separator = ""
        self._started = False
        self._seen_ahead = ""
        """The text being fed, and what is known to follow it."""
        self._looked_to = 0
        self._words_up_to_there = False
        """The outcome of the last look ahead, which holds for every place up to where it ended."""
        # glm_block
        self._block: list[str] = []
        self._block_size = 0

    def copy(self) -> Self:
        """A copy to go on from later."""
        other = copy(self)
        other._block = self._block.copy()
        return other

    def begin(self, before: Channel, out: list[Piece]) -> None:
        """The label changes: text may begin with a tag again. `before` is the channel of the text so far."""
        if not self.structured:
            self._release(before, out)
            self._sniffing = True

    def structure(self) -> None:
        """Makes the site's tags count from here on, wherever they stand."""
        self.structured = True
        self._sniffing = False

    def feed(self, text: str, channel: Channel, out: list[Piece], ahead: str = "") -> None:
        """Reads text on. `ahead`: what follows in the same frame; only looked at, to tell quoted tags from real
        ones."""
        if not self.structured:
            if not self._sniffing:
                out.append((channel, text))
                return
            if not self._sniff(text, channel, out):
                return
            text = ""
        text = self._held + text
        self._held = ""
        self._seen_ahead = text + ahead if ahead else text
        self._looked_to = 0
        at = 0
        while at < len(text):
            self.work += 1 if self.inside == "details" else TAG_WORK
            if self.inside == "details":
                at = self._in_details(text, at, channel, out)
            elif self.inside == "block":
                at = self._in_block(text, at, out)
            else:
                at = self._outside(text, at, channel, out)
        self._seen_ahead = ""

    def finish(self, channel: Channel, out: list[Piece]) -> None:
        """The end of the text: what was held because it might have become a tag."""
        if self.inside == "details":
            self._reason("<" if self._held == "<" else "", out)
            self._held = ""
        elif not self.inside:
            self._release(channel, out)

    # -- plain text -----------------------------------------------------------------------------------------------
    def _sniff(self, text: str, channel: Channel, out: list[Piece]) -> bool:
        """Whether a run of text turned out to begin with a tag; it is held back while it may."""
        self._held += text
        lead = self._held.lstrip()
        if lead.startswith(_OPENERS):
            self.structure()
            self._held = lead
        elif len(self._held) > TAG_LIMIT or not any(opener.startswith(lead) for opener in _OPENERS):
            self._sniffing = False
            self._release(channel, out)
        return self.structured

    def _release(self, channel: Channel, out: list[Piece]) -> None:
        held, self._held = self._held, ""
        if held:
            out.append((channel, held))

    # -- outside of any tag ---------------------------------------------------------------------------------------
    def _outside(self, text: str, at: int, channel: Channel, out: list[Piece]) -> int:
        if text.find("<", at) < 0:
            self._emit(text[at:] if at else text, channel, out)
            return len(text)
        match = _OPEN.search(text, at)
        while match and match[1] == "details" and 'type="reasoning"' not in (match[2] or ""):
            match = _OPEN.search(text, match.end())
        if match is None:
            end = self._unfinished_tag(text, at)
            self._emit(text[at:end], channel, out)
            self._held = text[end:]
            return len(text)
        self._emit(text[at : match.start()], channel, out)
        if match[1] == "details":
            self._enter_details('done="true"' in (match[2] or ""))
        else:
            self.inside = "block"
            self._block, self._block_size = [], 0
        return match.end()

    @staticmethod
    def _unfinished_tag(text: str, at: int) -> int:
        """Where an opening tag begins that the text cuts off; the length of the text when there is none."""
        begin = text.rfind("<", at)
        tail = text[begin : begin + TAG_LIMIT + 1] if begin >= 0 else ""
        if not tail or len(tail) > TAG_LIMIT or ">" in tail:
            return len(text)
        may_be = any(opener.startswith(tail) or tail.startswith(opener) for opener in _OPENERS)
        return begin if may_be else len(text)

    def _emit(self, text: str, channel: Channel, out: list[Piece]) -> None:
        """Text of the frame's own channel, without the line ends that only part a tag from the answer."""
        if self._after_close and self._fresh_line:
            text = text.lstrip("\n")
        if not text:
            return
        self._after_close = False
        if channel == "answer":
            self._fresh_line = text.endswith("\n")
        out.append((channel, text))

    # -- inside details -------------------------------------------------------------------------------------------
    def _enter_details(self, done: bool) -> None:
        self.inside = "details"
        self._done = done
        self._line_start, self._quoted, self._after_quote = True, False, False
        self._newlines = 0
        self._separator = "\n\n" if self._started or self._separator else ""
        self._started = False

    def _in_details(self, text: str, at: int, channel: Channel, out: list[Piece]) -> int:
        if self._after_quote:
            self._after_quote = False
            if text[at] == " ":
                return at + 1
        if self._line_start:
            moved = self._line_head(text, at)
            if moved is not None:
                return moved
            self._line_start, self._quoted = False, False
        return self._line_body(text, at, channel, out)

    def _line_head(self, text: str, at: int) -> int | None:
        """What only the beginning of a line can be: a quote mark, a tag, an empty line. None: it is none of these."""
        first = text[at]
        if first == ">":
            self._line_start, self._quoted, self._after_quote = False, True, True
            return at + 1
        if first == "\n":
            self._newlines += 1
            return at + 1
        if first != "<":
            return None
        if text.startswith(_CLOSE, at):
            return self._leave(at + len(_CLOSE))
        if text.startswith(_SUMMARY, at):
            end = text.find(_SUMMARY_CLOSE, at)
            if end >= 0:
                return end + len(_SUMMARY_CLOSE)
            self.work += TAG_WORK
            return self._hold(text, at) if len(text) - at < TAG_LIMIT else at + len(_SUMMARY)
        rest = text[at : at + len(_CLOSE)]
        return self._hold(text, at) if _CLOSE.startswith(rest) or _SUMMARY.startswith(rest) else None

    def _line_body(self, text: str, at: int, channel: Channel, out: list[Piece]) -> int:
        """Reasoning up to the end of the line, of the text, or of the details."""
        end = text.find("\n", at)
        stop = len(text) if end < 0 else end
        close = text.find(_CLOSE, at, stop)
        if close >= 0:
            after = close + len(_CLOSE)
            if self._closes(after, channel):
                self._reason(text[at:close], out)
                return self._leave(after)
            self._reason(text[at:after], out)
            return after
        if end >= 0:
            self._reason(text[at:end], out)
            self._newlines += 1
            self._line_start = True
            return end + 1
        begin = text.rfind("<", at)
        if begin >= 0 and _CLOSE.startswith(text[begin : begin + len(_CLOSE)]):
            self._reason(text[at:begin], out)
            return self._hold(text, begin)
        self._reason(text[at:], out)
        return len(text)

    def _closes(self, after: int, channel: Channel) -> bool:
        """Whether a `</details>` in the middle of a line is the site's, or the model's own words being quoted.

        While the tag says done="false" the site closes by an edit, so in a quoted line of a thinking frame it is words.
        Afterwards it is words only when a close at the beginning of a line follows and all lines up to it are quoted.
        """
        if not self._quoted:
            return True
        if not self._done:
            return channel != "reasoning"
        if after > self._looked_to:
            text = self._seen_ahead
            at = text.find("\n", after)
            while at >= 0 and text.startswith(">", at + 1):
                at = text.find("\n", at + 1)
            self._words_up_to_there = at >= 0 and text.startswith(_CLOSE, at + 1)
            self._looked_to = at if at >= 0 else len(text)
        return not self._words_up_to_there

    def _leave(self, at: int) -> int:
        self.inside = ""
        self._after_close = True
        return at

    def _hold(self, text: str, at: int) -> int:
        self._held = text[at:]
        return len(text)

    def _reason(self, text: str, out: list[Piece]) -> None:
        """A piece of a reasoning line. Empty lines are held until more follows: none is passed on at either end."""
        if not self._started:
            text = text.lstrip()
        if not text:
            return
        lines = "\n" * self._newlines if self._started else self._separator
        self._newlines = 0
        self._started = True
        out.append(("reasoning", lines + text))

    # -- inside a tool's block ------------------------------------------------------------------------------------
    def _in_block(self, text: str, at: int, out: list[Piece]) -> int:
        end = text.find(_BLOCK_CLOSE, at)
        if end >= 0:
            self._collect(text[at:end])
            out.append(("block", "".join(self._block)))
            self._block = []
            return self._leave(end + len(_BLOCK_CLOSE))
        begin = text.rfind("<", max(at, len(text) - len(_BLOCK_CLOSE) + 1))
        keep = begin if begin >= 0 and _BLOCK_CLOSE.startswith(text[begin:]) else len(text)
        self._collect(text[at:keep])
        return self._hold(text, keep)

    def _collect(self, text: str) -> None:
        self._block_size += len(text)
        if self._block_size <= BLOCK_LIMIT:
            self._block.append(text)
