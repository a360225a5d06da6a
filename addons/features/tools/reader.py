"""The reader of tool calls in an answer's text: a filter over its events. Pure.

Text and thinking flow at once and are held back only from a sign on that a call may begin with; what turns out to be
none is given out exactly as it came. A call in the thinking counts where the answer that follows has none, and either
no text at all or the call stood at the end of the thinking; else it goes out as thinking, or is void where the answer
has calls of its own.

Indexes of calls are dense, id and name come once. Of an answer that is to have one call only, the first counts; what
follows it of calls is dropped and counted. So is all that stands behind a result that the model made up for its call.
A Finish says "tool_calls" where the model stopped by itself, "length" where it did so in the middle of a string: what
is in it is not all.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from addons.features.tools.cutter import Cutter, flows
from addons.features.tools.judge import Judge
from addons.features.tools.toolbox import Tool, Toolbox
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    FinishReason,
    Image,
    Reasoning,
    Text,
    ToolCallDelta,
    Withdrawn,
)

MORE_CALLS: Final = "a call beyond the one that was asked for"
CALLS_LIMIT: Final = 256
"""Of one answer; what follows them is dropped."""
_GOES_ON: Final = (None, None)
"""Id and name of another fragment of the same call."""


class _Candidate:
    """One answer of the request's `n`: the sink of its text, and the calls it has made."""

    def __init__(self, choice: int, judge: Judge, mark: str, most: int, new_id: Callable[[], str]) -> None:
        self.answer = Cutter(judge, self, mark)
        self.thinking = _Thinking(choice, judge, mark)
        self.count = 0
        """Calls that were told."""
        self.is_broken = False
        """One of them was never finished: its arguments are no JSON, lest half a file is written as a whole one."""
        self._choice, self._judge, self._most, self._new_id = choice, judge, most, new_id
        self._has_text = False
        self._drops = False
        """The call that began last is one too many."""
        self._pieces: list[str] = []
        """Of text, or of arguments, for the next event."""
        self._head: tuple[str | None, str | None] | None = None
        """Id and name for that event, where it is of a call."""
        self._told: list[Event] = []

    @property
    def flows(self) -> bool:
        """A piece of its text without any sign may go out as it is; there was text before it."""
        return self.answer.idle and not self.thinking.begun

    @property
    def is_as_it_came(self) -> bool:
        """Nothing was taken out of its text, nor is any of it held that may be."""
        return self.count == 0 and not self.answer.holds_calls

    def text(self, text: str) -> None:
        self._turn_to(None)
        if not self._has_text and not text.isspace():
            self._has_text = True
            if self.thinking.found and self.thinking.behind:
                self._tell()
                self._told += self.thinking.released()
        self._pieces.append(text)

    def call(self, tool: Tool) -> None:
        self._drops = self.count >= self._most
        if self._drops:
            self._judge.unknown[MORE_CALLS] += 1
            return
        self._turn_to((self._new_id(), tool.name))
        self.count += 1

    def arguments(self, fragment: str) -> None:
        if self._drops:
            return
        if self._head is None:
            self._turn_to(_GOES_ON)
        self._pieces.append(fragment)

    def breaks_off(self) -> None:
        self.is_broken = self.is_broken or not self._drops

    def taken(self, source: str) -> None:
        """Nobody asks for it."""

    def _turn_to(self, head: tuple[str | None, str | None] | None) -> None:
        """What comes next is text (None), or of a call with this id and name."""
        if head is None is self._head:
            return
        self._tell()
        self._head = head

    def _tell(self) -> None:
        piece, head = "".join(self._pieces), self._head
        self._pieces.clear()
        if head is not None and (piece or head is not _GOES_ON):
            self._told.append(ToolCallDelta(self.count - 1, *head, piece, self._choice))
            self._head = _GOES_ON
        elif piece:
            self._told.append(Text(piece, self._choice))

    def told(self) -> list[Event]:
        """The events since it was last asked."""
        self._tell()
        told, self._told = self._told, []
        return told

    def end(self, *, complete: bool) -> None:
        """The answer is over: what was held goes out, and calls that stood in the thinking alone."""
        self._told += self.thinking.end(complete=complete)
        self.answer.end(complete=complete)
        if self.count == 0 and self.thinking.found:
            if not self._has_text:
                self._pieces.clear()  # blanks alone
            for tool, arguments in self.thinking.found:
                self.call(tool)
                self.arguments("".join(arguments))


class _Thinking:
    """A candidate's thinking: it flows but for its calls, which are kept until it is known whether they count."""

    def __init__(self, choice: int, judge: Judge, mark: str) -> None:
        self.begun = False
        """It was the last to go on, and not the answer."""
        self.behind = False
        """Something stood behind its last call."""
        self.found: list[tuple[Tool, list[str]]] = []
        self._choice = choice
        self._cutter = Cutter(judge, self, mark, keeps=True)
        self._sources: list[str] = []
        self._pieces: list[str] = []

    def feed(self, event: Reasoning) -> list[Event]:
        self.begun = True
        if self._cutter.idle and flows(event.text):
            self.behind = True
            return [event]
        self._cutter.feed(event.text)
        return self._told()

    def end(self, *, complete: bool) -> list[Event]:
        self.begun = False
        self._cutter.end(complete=complete)
        return self._told()

    def released(self) -> list[Event]:
        """The text of its calls, which are none."""
        self._pieces, self._sources = self._sources, []
        self.found.clear()
        return self._told()

    def _told(self) -> list[Event]:
        said = "".join(self._pieces)
        self._pieces = []
        return [Reasoning(said, self._choice)] if said else []

    def text(self, text: str) -> None:
        self.behind = self.behind or not text.isspace()
        self._pieces.append(text)

    def call(self, tool: Tool) -> None:
        self.behind = False
        self.found.append((tool, []))

    def arguments(self, fragment: str) -> None:
        self.found[-1][1].append(fragment)

    def breaks_off(self) -> None:
        self.found.pop()

    def taken(self, source: str) -> None:
        self._sources.append(source)


class ToolReader:
    """The EventFilter. `mark` is the request's; `quoted` says whether a text stands verbatim in the request; `new_id`
    gives the id of a call."""

    done = ended = False

    def __init__(self, toolbox: Toolbox, mark: str, quoted: Callable[[str], bool], new_id: Callable[[], str]) -> None:
        self._toolbox, self._mark, self._new_id = toolbox, mark, new_id
        self._judge = Judge(toolbox, quoted)
        self._candidates: dict[int, _Candidate] = {}
        self._idle = toolbox.choice == "none" or not toolbox.tools
        """Nothing in the answer is a call."""
        self.unknown = self._judge.unknown
        """What was taken though it was not quite right, or dropped, by kind."""

    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events as the client may have them."""
        if self._idle:
            return list(events)
        out: list[Event] = []
        for event in events:
            if type(event) is Text:
                found = self._candidates.get(event.choice)
                if not event.text:
                    continue
                if found is not None and found.flows and flows(event.text):
                    out.append(event)
                else:
                    self._text(event, out)
            elif type(event) is Reasoning:
                self._reasoning(event, out)
            else:
                self._other(event, out)
        return out

    def _candidate(self, choice: int) -> _Candidate:
        found = self._candidates.get(choice)
        if found is None:
            most = CALLS_LIMIT if self._toolbox.parallel else 1
            found = self._candidates[choice] = _Candidate(choice, self._judge, self._mark, most, self._new_id)
        return found

    def _text(self, event: Text, out: list[Event]) -> None:
        candidate = self._candidate(event.choice)
        if candidate.thinking.begun:
            out += candidate.thinking.end(complete=True)
        candidate.answer.feed(event.text)
        out += candidate.told()

    def _reasoning(self, event: Reasoning, out: list[Event]) -> None:
        candidate = self._candidate(event.choice)
        if event.text:
            if not candidate.thinking.begun:
                candidate.answer.end()
                out += candidate.told()
            out += candidate.thinking.feed(event)

    def _other(self, event: Event, out: list[Event]) -> None:
        if isinstance(event, Withdrawn):
            self._candidates.clear()
        elif isinstance(event, Image):
            self._release(out, complete=True)
        elif isinstance(event, Failure):
            event = self._failure(event, out)
        elif isinstance(event, Finish):
            event = self._finish(event, out)
        elif isinstance(event, Citation):
            answer = self._candidates.get(0)  # (sources are told for the first alone)
            if answer is not None and not answer.is_as_it_came:
                event = replace(event, start=None, end=None)
        out.append(event)

    def _release(self, out: list[Event], *, complete: bool) -> None:
        for candidate in self._candidates.values():
            candidate.answer.end(complete=complete)
            out += candidate.told()

    def _failure(self, event: Failure, out: list[Event]) -> Event:
        """The failure; the end of an answer whose thinking alone had calls in it."""
        if event.thought_alone:
            end = self._finish(Finish("stop"), out)
            return end if any(candidate.count for candidate in self._candidates.values()) else event
        for candidate in self._candidates.values():
            out += (*candidate.thinking.end(complete=False), *candidate.thinking.released())
        self._release(out, complete=False)
        return event

    def _finish(self, event: Finish, out: list[Event]) -> Finish:
        reasons = {0: event.reason, **dict(event.others)}
        for choice, candidate in self._candidates.items():
            reason = reasons.get(choice, event.reason)
            candidate.end(complete=reason not in ("length", "content_filter"))
            out += candidate.told()
            if candidate.is_broken:
                reasons[choice] = "length"
            elif candidate.count and reason == "stop":
                reasons[choice] = "tool_calls"
        first: FinishReason = reasons.pop(0)
        return Finish(first, tuple((choice, reasons[choice]) for choice, _ in event.others))
