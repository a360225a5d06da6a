"""The cutter of one text of an answer: what is call, what is text. Pure; the outcome is the same however it was cut.

Text flows at once. It is held back from a sign on that a call may begin with, until that is decided. What stands
directly around calls and is nothing by itself (blanks, fences, stray closing tags, special tokens) is dropped with
them; it is held until it is known whether a call follows.
"""

import re
from typing import Final

from addons.features.tools.forms import quoting
from addons.features.tools.forms.block import Block
from addons.features.tools.forms.json_block import JsonBlock
from addons.features.tools.forms.marked import CUT_OFF, HELD_CHARS, MarkedBlock, Sink
from addons.features.tools.forms.tag_names import AROUND, CALL, GLUED, TAG, TAG_BEGUN, plain
from addons.features.tools.forms.tags import TagBlock
from addons.features.tools.forms.written import PHRASE, WrittenBlock
from addons.features.tools.judge import Judge
from addons.features.tools.own_tags import OwnTags
from addons.features.tools.toolbox import Tool

MADE_UP: Final = "a result that the model made up"
"""The kind of drift that is counted for it: nothing of such an answer counts from there on."""
SIGNS: Final = re.compile("[<{\\[`\n\u8c03]")
"""What a call may begin with, or a line that may be one."""


def flows(text: str) -> bool:
    """Whether a piece of text may go out at once where nothing is held: no call can begin in it, or behind it."""
    return not text[-1].isspace() and SIGNS.search(text) is None


_BLANKS: Final = re.compile(r"\s*+")
_LEAD_LIMIT: Final = 4096
"""Of blanks, fences and the like that are held."""
_OPENING_CHARS: Final = 200
_OPENING: Final = re.compile(r"[^<>{\n]*+>?")
_CLOSING_CHARS: Final = 20
_CLOSING: Final = re.compile(r"\s*+>?")
_LIST: Final = re.compile(r"\[\s{0,64}+(\{|\Z)")
_WORD: Final = re.compile(r"[\w.\-]{1,130}+")
_FENCE: Final = re.compile(r"```[^\n`{\[<]{0,40}+\n?")
_STRAY: Final = re.compile(r"</think>|<[|｜][^<>\n]{0,60}+>")
"""What may stand before a call and is nothing: a closing tag of thoughts that did not begin, a special token."""
_STRAY_BEGUN: Final = re.compile(r"<(?:/t?h?i?n?k?|[|｜][^<>\n]{0,60}+)?\Z")
_TICKS: Final = frozenset({"", "`", "``", "```"})
_REMAINS: Final = re.compile(r"[}\]),;]++|</[\w|｜▁.:\-]{1,60}+>|<[|｜][^<>\n]{0,60}+>")
"""What may stand behind a call and is nothing: brackets too many, closing tags, special tokens."""
_REMAINS_BEGUN: Final = re.compile(r"<(?:/[\w|｜▁.:\-]{0,60}+|[|｜][^<>\n]{0,60}+)?\Z")


class Cutter:
    """Reads a text piece by piece and tells a sink what it is. `feed` it, then `end` it."""

    def __init__(self, judge: Judge, sink: Sink, mark: str, *, keeps: bool = False) -> None:
        self._judge, self._sink, self._keeps = judge, sink, keeps
        self._tags = OwnTags(mark)
        self._begin()

    def _begin(self) -> None:
        self._pending = ""
        """The end of the text, while it is not decided what begins there: short."""
        self._marked: MarkedBlock | None = None
        self._block: Block | None = None
        """What may be calls in another form, or is known to hold none."""
        self._source: list[str] = []
        """Its text, while it is held."""
        self._block_chars = 0
        """All characters of it that were read."""
        self._lead: list[str] = []
        """What is dropped if a call follows."""
        self._lead_chars = 0
        self._fenced = ""
        """"open" behind the opening of a fence that is held; "called" behind a call in it."""
        self._line_begins = True
        self._dropped: list[str] = []
        """What stood before the call that was told last."""
        self._called = False
        """What was read last is a call, as far as it is not blank."""
        self._is_void = False
        """What follows is the model's own play of what comes after its calls."""
        self.idle = False
        """Nothing is held: a piece without any sign may go out as it is."""

    @property
    def holds_calls(self) -> bool:
        """The end of the text may be one or more calls."""
        return self._marked is not None or (self._block is not None and not self._block.is_text)

    def feed(self, text: str) -> None:
        if self._is_void:
            return
        text, self._pending = self._pending + text, ""
        self._tags.forget()
        at, end = 0, len(text)
        while at < end:
            state = at, self._marked, self._block
            if self._marked is not None:
                at = self._in_marked(self._marked, text, at)
            elif self._block is not None:
                at = self._in_block(self._block, text, at)
            elif self._judge.is_spent:
                self.text(text[at:])
                at = end
            else:
                at = self._in_text(text, at)
            if state == (at, self._marked, self._block):
                self._pending = text[at:]
                break
        held = self._marked or self._block or self._lead or self._pending
        self.idle = not (held or self._called or self._fenced or self._line_begins)

    def end(self, *, complete: bool = True) -> None:
        """The text is over. Not `complete`: it was cut off, and nothing is read into what is missing."""
        rest, self._pending = self._pending, ""
        marked, self._marked = self._marked, None
        if marked is not None and rest.startswith(f"</{self._tags.name}"):  # within a string, as it seemed
            stop = _end_of(_CLOSING, rest, len(self._tags.name) + 2, len(rest))
            marked.close(rest[:stop], complete=complete)
            self.feed(rest[stop:])
            self.end(complete=complete)
        elif marked is not None:
            marked.close(rest, complete=complete)
            if not complete and not marked.calls and not self._keeps:
                self._lead = []
        elif not (complete or self._keeps) and self._tags.has_begun(rest):
            self._lead = []
            self._judge.unknown[CUT_OFF] += 1
        elif self._block is not None:
            self._source.append(rest)
            self._end_block(self._block, complete=complete)
        elif rest and not (self._called and rest in _TICKS):
            self.text(rest)
        if self._lead and not self._called:
            self.text("")
        self._begin()

    # -- what is found --------------------------------------------------------------------------------------------
    def text(self, text: str) -> None:
        if self._lead:
            text = "".join(self._lead) + text
            self._lead, self._lead_chars = [], 0
        if text:
            self._called = False
            self._line_begins = text.endswith("\n")
            self._sink.text(text)

    def call(self, tool: Tool) -> None:
        self._dropped = [*self._dropped, *self._lead] if self._keeps else []
        self._lead, self._lead_chars = [], 0
        self._called = self._line_begins = True
        if self._fenced:
            self._fenced = "called"
        self._sink.call(tool)

    def arguments(self, fragment: str) -> None:
        self._sink.arguments(fragment)

    def breaks_off(self) -> None:
        self._sink.breaks_off()

    def taken(self, source: str) -> None:
        dropped, self._dropped = "".join(self._dropped), []
        self._sink.taken(dropped + source)

    # -- text -----------------------------------------------------------------------------------------------------
    def _in_text(self, text: str, at: int) -> int:
        """Reads on in text; gives `at` back where more must be known."""
        blanks = _end_of(_BLANKS, text, at, at + _LEAD_LIMIT)
        if blanks > at:
            if not self._called:
                self._hold(text[at:blanks])
            self._line_begins = self._line_begins or "\n" in text[at:blanks]
            return blanks
        opened = self._opened(text, at)
        if opened is None and self._called:
            opened = self._past_remains(text, at)
        if opened is not None:
            return opened
        if self._fenced:  # it holds something else
            self.text("")
            self._fenced, self._block = "", quoting.in_fence()
            return at
        sign = SIGNS.search(text, at + 1)
        stop = len(text) if sign is None else sign.start()
        self._flow(text[at:stop])
        return stop

    def _flow(self, text: str) -> None:
        """Text goes out but for the blanks at its end, which are held."""
        words = text.rstrip()
        if words:
            self.text(words)
        if len(words) < len(text):
            self._hold(text[len(words) :])

    def _hold(self, lead: str) -> None:
        self._lead.append(lead)
        self._lead_chars += len(lead)
        self._line_begins = self._line_begins or "\n" in lead
        if self._lead_chars > _LEAD_LIMIT:
            self.text("")

    def _past_remains(self, text: str, at: int) -> int | None:
        """Behind what a call has left; `at` where more must be known; None where there is nothing."""
        if self._fenced and text[at] == "`":
            if text.startswith(quoting.FENCE, at):
                self._fenced = ""
                return at + len(quoting.FENCE)
            return at if quoting.FENCE.startswith(text[at:]) else None
        if found := _REMAINS.match(text, at):
            return found.end()
        return at if _REMAINS_BEGUN.match(text, at) and not self._tags.name.startswith(text[at + 1 :]) else None

    def _opened(self, text: str, at: int) -> int | None:
        """Behind what was opened here; `at` where more must be known, or a block was opened; None for plain text."""
        match text[at]:
            case "<":
                return self._opened_tag(text, at)
            case "{":
                self._block = JsonBlock(self._judge, "{")
                return at
            case "[":
                found = _LIST.match(text, at)
                if found is not None and found[1]:
                    self._block = JsonBlock(self._judge, "[")
                return at if found is not None else None
            case "`":
                return None if self._fenced else self._opened_ticks(text, at)
            case "调":
                if text.startswith(PHRASE, at):
                    self._block = WrittenBlock(self._judge, as_phrase=True)
                return at if PHRASE.startswith(text[at : at + len(PHRASE)]) else None
        if self._line_begins and (word := _WORD.match(text, at)):
            if word.end() == len(text):
                return at if word[0] in self._judge.toolbox.beginnings else None
            follows = text[word.end() : word.end() + len(GLUED)]
            if follows[0] == "(" and self._judge.toolbox.find(word[0]):
                self._block = WrittenBlock(self._judge, as_phrase=False)
                return at
            if GLUED.startswith(follows) and self._judge.toolbox.find(word[0]):
                self._block = TagBlock(self._judge, glued=True) if follows == GLUED else None
                return at
        return None

    def _opened_ticks(self, text: str, at: int) -> int | None:
        run = text[at : at + len(quoting.FENCE)]
        if text.startswith(quoting.FENCE, at):
            fence = _FENCE.match(text, at)
            assert fence is not None
            if fence.end() == len(text) and fence[0][-1] != "\n" and len(fence[0]) < _OPENING_CHARS:
                return at
            self._hold(fence[0])
            self._fenced = "open"
            self._line_begins = True
            return fence.end()
        if at + len(run) == len(text) and not run.strip("`"):
            return at
        self.text("`")
        self._block = quoting.inline() if text[at + 1 : at + 2] != "`" else None
        return at + 1

    def _opened_tag(self, text: str, at: int) -> int | None:
        behind = at + 1 + len(self._tags.name)
        if text.startswith(self._tags.name, at + 1) and not text[behind : behind + 1].isalnum():
            stop = _end_of(_OPENING, text, behind, behind + _OPENING_CHARS)
            if stop == len(text) < behind + _OPENING_CHARS and text[stop - 1] != ">":
                return at
            self._marked = MarkedBlock(self._judge, self, text[at:stop], follows=self._called, keeps=self._keeps)
            return stop
        if self._called and text.startswith(self._tags.result, at + 1):
            self._judge.unknown[MADE_UP] += 1
            self._is_void = True
            return len(text)
        if self._called and self._tags.result.startswith(text[at + 1 :]):
            return at
        if behind > len(text) and self._tags.name.startswith(text[at + 1 :]):
            return at
        tag = TAG.match(text, at)
        is_whole = tag is not None and tag.end() < len(text)
        if tag is not None and is_whole and not tag[1]:
            name = plain(tag[2])
            if name.startswith(quoting.FOREIGN) and name != quoting.FOREIGN:
                self._block = quoting.foreign()
                return at
            if name in CALL or name in AROUND or self._judge.toolbox.find(tag[2]) is not None:
                self._block = TagBlock(self._judge)
                return at
        if stray := _STRAY.match(text, at):
            self._hold(stray[0])
            return stray.end()
        if _STRAY_BEGUN.match(text, at):
            return at
        may_be = not is_whole and TAG_BEGUN.match(text, at) and self._may_be_tag(tag[2] if tag is not None else None)
        return at if may_be else None

    def _may_be_tag(self, begun: str | None) -> bool:
        """Whether the name of a tag may yet become one that matters."""
        if begun is None:
            return True
        small = plain(begun)
        names = (*CALL, *AROUND, quoting.FOREIGN)
        return begun in self._judge.toolbox.beginnings or any(
            name.startswith(small) or small.startswith(quoting.FOREIGN) for name in names
        )

    # -- blocks in other forms ------------------------------------------------------------------------------------
    def _in_block(self, block: Block, text: str, at: int) -> int:
        begin, behind, _ = self._tags.next(text, at)
        stop = block.feed(text, at, min(begin, at + HELD_CHARS))
        is_over = block.over or (behind > 0 and stop == begin)
        if behind > 0 and not block.over and at == stop:
            stop, is_over = begin, True  # it waits for more, and our own tag is what comes
        if block.over and not self._block_chars and stop == at:
            stop = at + 1  # nothing of that form: no block begins here
        self._source.append(text[at:stop])
        self._block_chars += stop - at
        if block.is_text:
            self._flow("".join(self._source))
            self._source.clear()
        if is_over or (not block.is_text and self._block_chars > HELD_CHARS):
            self._end_block(block, complete=True)
        return stop

    def _end_block(self, block: Block, *, complete: bool) -> None:
        """What was held of a block is calls, or text."""
        self._block = None
        is_long, self._block_chars = self._block_chars > HELD_CHARS, 0
        source, self._source = "".join(self._source), []
        found = () if block.is_text or is_long else block.calls(complete=complete)
        judged = [self._judge.unmarked(one.said, source[one.begin : one.end]) for one in found]
        if not any(judged):
            if source:
                self.text(source)
            if self._fenced and not isinstance(block, quoting.Quoting):
                self._fenced, self._block = "", quoting.in_fence()
            return
        for one, call in zip(found, judged, strict=True):
            if call is None:
                self.text(source[one.begin : one.end])
            else:
                self._say(one.said.words)
                self.call(call.tool)
                self.arguments(call.arguments)
        self.taken(source)

    def _say(self, words: str) -> None:
        """What was said with a call is text before it; of what is held, the blanks alone stay before that."""
        if words:
            lead = "".join(self._lead)
            self._lead = [lead[: len(lead) - len(lead.lstrip())]]
            self.text(words)

    # -- our own blocks -------------------------------------------------------------------------------------------
    def _in_marked(self, block: MarkedBlock, text: str, at: int) -> int:
        begin, behind, is_closing = self._tags.next(text, at)
        if begin > at:
            block.feed(text, at, begin)
            return begin
        if behind < 0:
            return at
        if is_closing and block.in_string and (goes_on := self._tags.string_goes_on(text, behind)) is not False:
            if goes_on:
                block.feed(text, at, behind)
            return behind if goes_on else at
        stop = _end_of(_CLOSING, text, behind, behind + _CLOSING_CHARS) if is_closing else at
        if is_closing and stop == len(text) < behind + _CLOSING_CHARS and text[stop - 1] != ">":
            return at
        block.close(text[at:stop])
        self._marked = None
        return stop


def _end_of(pattern: re.Pattern[str], text: str, at: int, limit: int) -> int:
    """Where a pattern that always matches ends, from `at` on and not beyond `limit`."""
    found = pattern.match(text, at, limit)
    return found.end() if found is not None else at
