"""Splitter of reasoning and answer, told apart by tags inside one text, as it streams in.

The forms (R the reasoning, A the answer): `<think …>R</think>A`, `R</think>A`, `R<answer>A</answer>`, plain `A`; each
A may stand in `<answer>` tags. The text is split at the first `</think>`; the outer `<answer>` and the last `</answer>`
go, as does white space beside a tag.

In the forms without an opening tag nothing tells R from A until `</think>` comes, so an `implicit` splitter holds such
a text back until the tag or the end. An `eager` one passes it on as reasoning; where no tag came in the end, which
`unclosed` says, it was the answer, as `settled_whole` tells. Without `implicit` it is taken for an answer and passed on
at once, and a closing tag that turns up in it all the same is taken out. Where the text is gathered anyway (`gathers`),
it waits for that tag and is split there. A tag in quotes or backticks, or between blanks in the middle of a line, is a
word of the text.
"""

import re
from enum import Enum, auto
from typing import Final

_OPEN: Final = "<think"
_CLOSE: Final = "</think>"
_ANSWER: Final = "<answer>"
_ANSWER_END: Final = "</answer>"
_QUOTES: Final = frozenset("`'\"“‘«")
_BLANKS: Final = frozenset(" \t")
_OPENING: Final = re.compile(r"<think(?:\s[^<>]{0,250})?>")
_OPENING_LIMIT: Final = 256
"""An opening tag with attributes that is longer than this is no tag."""


class _State(Enum):
    START = auto()
    UNDECIDED = auto()
    """Reasoning without an opening tag, or an answer: everything is held."""
    THINKING = auto()
    AFTER = auto()
    """Behind `</think>`, before the first word of the answer."""
    ANSWER = auto()
    """Inside `<answer>`."""
    ANSWERED = auto()
    """Behind a `</answer>` that may not be the last: what follows is held."""
    UNOPENED = auto()
    """An answer as it seems, in which a closing tag alone may still turn up."""
    PLAIN = auto()


class ThinkTags:
    """The splitter: `feed` text, get the new (reasoning, answer); `close` gives the rest. The same texts at every
    cut."""

    def __init__(self, *, implicit: bool = True, gathers: bool = False, eager: bool = False) -> None:
        self._implicit = implicit
        self._eager = eager
        self._gathers = gathers
        self._before = "\n"
        """The character before what is held (UNOPENED)."""
        self._state = _State.START
        self._held = ""
        """A short tail that may be part of a tag."""
        self._gap: list[str] = []
        """White space before it, which may stand before a tag: megabytes of it, in as many pieces as a site likes."""
        self._fresh = False
        """Right behind an opening tag, where white space is no part of the text."""
        self._pile: list[str] = []
        """Long text held (UNDECIDED, ANSWERED)."""
        self._tail = ""
        """The end of the pile, where a tag may have begun."""
        self.unclosed = False
        """Set by `close`: the text ended before the closing tag that its reasoning was to have."""

    @property
    def may_answer(self) -> bool:
        """Whether what is held may turn out to be words of the answer, not of the thinking."""
        undecided = self._state in (_State.START, _State.UNDECIDED, _State.UNOPENED)
        return undecided and bool(self._held or self._pile)

    def feed(self, text: str) -> tuple[str, str]:
        """The (reasoning, answer) that `text` settles."""
        reasoning: list[str] = []
        answer: list[str] = []
        while text:
            text = self._step(text, reasoning, answer)
        return "".join(reasoning), "".join(answer)

    def close(self, *, complete: bool = True) -> tuple[str, str]:
        """The text still held. `complete` False: the answer was cut off, so undecided text is reasoning."""
        held, pile = "".join(self._gap) + self._held, "".join(self._pile)
        state, self._state = self._state, _State.PLAIN
        self.unclosed = state is _State.THINKING
        self._held, self._gap, self._pile, self._tail = "", [], [], ""
        match state:
            case _State.THINKING:
                return held.rstrip(), ""
            case _State.UNDECIDED:
                return settled_whole(pile, complete=complete)
            case _State.UNOPENED:
                return (pile.strip(), "") if held == _CLOSE else ("", pile + held)
            case _State.ANSWER:
                return "", held.rstrip()
            case _State.ANSWERED:
                gap, _, foot = pile.partition(_ANSWER_END)
                return "", (gap + foot.rstrip() if foot.strip() else "")
            case _:
                return "", held

    def _step(self, text: str, reasoning: list[str], answer: list[str]) -> str:
        """Handles one state's part of `text`; returns what is left for the next state."""
        match self._state:
            case _State.START:
                return self._start(text)
            case _State.UNDECIDED:
                return self._undecided(text, reasoning)
            case _State.THINKING:
                return self._inside(text, _CLOSE, reasoning)
            case _State.AFTER:
                return self._after(text)
            case _State.ANSWER:
                return self._inside(text, _ANSWER_END, answer)
            case _State.ANSWERED:
                return self._answered(text, answer)
            case _State.UNOPENED:
                return self._unopened(text, reasoning, answer)
            case _State.PLAIN:
                answer.append(text)
                return ""

    def _start(self, text: str) -> str:
        if not self._held:
            seen = text.lstrip()
            self._gap.append(text[: len(text) - len(seen)])
        else:
            seen = self._held + text
        if not seen or _may_become_tag(seen):
            self._held = seen
            return ""
        text = "".join((*self._gap, seen))
        self._held, self._gap = "", []
        if opening := _OPENING.match(seen[:_OPENING_LIMIT]):
            self._state, self._fresh = _State.THINKING, True
            return seen[opening.end() :]
        if self._implicit and seen.startswith(_ANSWER):
            self._state = _State.AFTER
            return seen
        if not self._implicit:
            self._state = _State.UNOPENED
        else:
            self._state = _State.THINKING if self._eager else _State.UNDECIDED
            self._fresh = self._eager
        return text

    def _undecided(self, text: str, reasoning: list[str]) -> str:
        self._pile.append(text)
        window = self._tail + text
        if _CLOSE not in window:
            self._tail = window[-(len(_CLOSE) - 1) :]
            return ""
        thought, _, rest = "".join(self._pile).partition(_CLOSE)
        self._pile, self._tail = [], ""
        reasoning.append(_OPENING.sub("", thought, count=1).strip())
        self._state = _State.AFTER
        return rest

    def _unopened(self, text: str, reasoning: list[str], answer: list[str]) -> str:
        """Handles text without an opening tag, up to a closing tag that is no quotation."""
        text = self._held + text
        self._held = ""
        out = self._pile if self._gathers else answer
        said, tag, rest = text.partition(_CLOSE)
        if not tag:
            size = _settled_words(text, _CLOSE)
            self._emit_unopened(text[:size], out)
            self._held = text[size:]
            return ""
        self._emit_unopened(said, out)
        if self._before in _BLANKS and not rest:
            self._held = tag  # whether it is a word, the next character tells
            return ""
        if self._before in _QUOTES or (self._before in _BLANKS and rest[0] not in "\r\n"):
            self._emit_unopened(tag, out)
            return rest
        if self._gathers:
            reasoning.append("".join(self._pile).strip())
            self._pile = []
        self._state = _State.AFTER
        return rest

    def _emit_unopened(self, text: str, out: list[str]) -> None:
        if text:
            out.append(text)
            self._before = text[-1]

    def _inside(self, text: str, end_tag: str, out: list[str]) -> str:
        """Handles text between an opening tag and `end_tag`, passed on but for what may belong to the end tag."""
        if self._fresh:
            text = text.lstrip()
            if not text:
                return ""
            self._fresh = False
        if not self._held and text.isspace():
            self._gap.append(text)
            return ""
        text = "".join((*self._gap, self._held, text))
        self._gap = []
        said, tag, rest = text.partition(end_tag)
        if tag:
            kept = said.rstrip()
            out.append(kept)
            self._held = ""
            if end_tag is _CLOSE:
                self._state = _State.AFTER
            else:
                self._state = _State.ANSWERED
                self._pile, self._tail = [said[len(kept) :], _ANSWER_END], ""
            return rest
        settled, tag_at = _settled(text, end_tag)
        out.append(text[:settled])
        self._gap, self._held = [text[settled:tag_at]], text[tag_at:]
        return ""

    def _after(self, text: str) -> str:
        text = (self._held + text).lstrip()
        if _ANSWER.startswith(text) and text != _ANSWER:
            self._held = text
            return ""
        self._held = ""
        if text.startswith(_ANSWER):
            self._state, self._fresh = _State.ANSWER, True
            return text[len(_ANSWER) :]
        self._state = _State.PLAIN
        return text

    def _answered(self, text: str, answer: list[str]) -> str:
        self._pile.append(text)
        window = self._tail + text
        if _ANSWER_END not in window:
            self._tail = window[-(len(_ANSWER_END) - 1) :]
            return ""
        earlier, _, rest = "".join(self._pile).rpartition(_ANSWER_END)
        said = earlier.rstrip()
        answer.append(said)  # an earlier end tag was a word of the answer: only the last one is the frame
        self._pile = [earlier[len(said) :], _ANSWER_END, rest]
        self._tail = rest[-(len(_ANSWER_END) - 1) :]
        return ""


def settled_whole(text: str, *, complete: bool) -> tuple[str, str]:
    """The (reasoning, answer) of a whole text that began with no tag and held no `</think>`."""
    thought, tag, said = text.partition(_ANSWER)
    if tag:
        head, end, foot = said.rpartition(_ANSWER_END)
        return thought.strip(), (head + foot if end else said).strip()
    return ("", text) if complete else (text.strip(), "")


def _may_become_tag(seen: str) -> bool:
    """Whether a text's beginning may still turn out to be `<think …>` or `<answer>`."""
    if _OPEN.startswith(seen) or (_ANSWER.startswith(seen) and seen != _ANSWER):
        return True
    if not seen.startswith(_OPEN) or not seen[len(_OPEN)].isspace():
        return False
    return len(seen) < _OPENING_LIMIT and ">" not in seen


def _settled(text: str, tag: str) -> tuple[int, int]:
    """How much of `text` can be passed on, and where the beginning of `tag` stands at its end, which with the white
    space before it cannot."""
    end = _settled_words(text, tag)
    return len(text[:end].rstrip()), end


def _settled_words(text: str, tag: str) -> int:
    """The number of characters that can be passed on: all but a beginning of `tag` at the text's end."""
    end = len(text)
    at = text.rfind("<", max(0, end - len(tag) + 1))
    return at if at >= 0 and tag.startswith(text[at:]) else end
