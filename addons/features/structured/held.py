"""The filter and check of an answer that has to be JSON: nothing goes out until that is whole and fits. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from addons.features.feature import Flaw
from addons.features.structured.contract import asked_again
from addons.features.structured.finder import JsonFinder, beginning, values_in
from addons.features.structured.wanted import WantedJson
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Image,
    Passthrough,
    Text,
    ToolCallDelta,
    Withdrawn,
)

TRIED_LIMIT: Final = 1000
"""Pieces of an answer that are looked at on the way; its end is where the JSON is found then, if at all."""
_BEHIND = " \t\r\n`"
"""What may follow the JSON and is no word: the end of a fence."""
_AT_VALUES_END = frozenset("}]\"'”")
"""What a text that lacks its last brackets ends with, if no value of it is cut in two."""


class HeldJson:
    """The EventFilter and Check of one answer: its text becomes the JSON alone; where a tool is called, no text at all.

    The JSON is given as soon as it is whole. What else is said then ends the answer at once, and for token counts alone
    the provider is waited for. `last`: no other answer is asked for, so one without it becomes a refusal. An answer
    that is no `stream` may still be withdrawn.
    """

    def __init__(self, wanted: WantedJson, *, stream: bool = True, last: bool = False) -> None:
        self.done = self.ended = False
        self._wanted, self._stream, self._last = wanted, stream, last
        self._finder = JsonFinder()
        self._said: list[str] = []
        self._unfit = ""
        """What is wrong with what was found first."""
        self._tried = 0
        self._passed = self._calls = False

    # -- the filter -----------------------------------------------------------------------------------------------
    def filter(self, events: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            match event:
                case _ if self.done:
                    break
                case Text():
                    self._text(event.text, out)
                case Finish():
                    self._finish(event, out)
                case Failure() if self.ended:
                    self._end(out)  # nothing was missing but its end mark
                case Citation():
                    out.append(replace(event, start=None, end=None))  # its place was in another text
                case Image():
                    pass  # its place would be in the text
                case Withdrawn():
                    self._finder, self._said, self.ended = JsonFinder(), [], False
                    out.append(event)
                case ToolCallDelta() if not self.ended:
                    self._calls = self._passed = True
                    out.append(event)
                case ToolCallDelta():
                    self._end(out)
                case _:
                    out.append(event)
        return out

    def _text(self, text: str, out: list[Event]) -> None:
        if self._calls:
            return
        if self.ended:
            self._behind(text, out)
            return
        self._said.append(text)
        if self._tried >= TRIED_LIMIT:
            return
        for found, left in islice(self._finder.feed(text), TRIED_LIMIT - self._tried):
            self._tried += 1
            if (json := self._wanted.of_text(found)) is not None:
                self._give(json, out)
                self._behind(text[len(text) - left :], out)
                return

    def _give(self, json: str, out: list[Event]) -> None:
        self.ended, self._passed = True, self._stream
        self._said.clear()
        out.append(Text(json))

    def _behind(self, text: str, out: list[Event]) -> None:
        if text.strip(_BEHIND):
            self._end(out)

    def _end(self, out: list[Event]) -> None:
        self.done = self._passed = True
        out.append(Finish("stop"))

    def _finish(self, end: Finish, out: list[Event]) -> None:
        if self.ended:
            self._passed = True
            out.append(Finish("stop"))
            return
        if not self._passed:
            self._last_words("".join(self._said), end, out)
        out.append(end)

    def _last_words(self, text: str, end: Finish, out: list[Event]) -> None:
        """What there is of the JSON where nothing whole was found on the way."""
        if end.reason in ("stop", "length") and (json := self._told_at_last(text, end)) is not None:
            self._passed = True
            out.append(Text(json))
        elif end.reason == "stop" and not self._last:
            if text:
                out.append(Text(text))  # its tokens count
        elif end.reason == "stop":
            self._passed = True
            out.append(Passthrough("delta", {"refusal": f"The model gave no JSON as it was asked for: {self._why()}."}))
        else:
            self._passed = True  # what a limit has cut is not asked for again: another answer would be as long
            if end.reason == "length" and (begun := beginning(text, lists=self._wanted.lists)) is not None:
                out.append(Text(text[begun:]))

    def _told_at_last(self, text: str, end: Finish) -> str | None:
        cut = end.reason == "length" or (not self._finder.in_string and text.rstrip()[-1:] in _AT_VALUES_END)
        for value in values_in(text, cut=cut):
            if (json := self._wanted.of_value(value)) is not None:
                return json
            self._unfit = self._unfit or self._wanted.flaw(value)
        return None

    def _why(self) -> str:
        return self._unfit or "there is none in its answer"

    # -- the check ------------------------------------------------------------------------------------------------
    def passes(self, events: Sequence[Event]) -> bool:
        return self._passed

    def flaw(self, events: Sequence[Event]) -> Flaw | None:
        said = "".join(event.text for event in events if isinstance(event, Text))
        error = ProviderError(ErrorKind.PROVIDER_DOWN, f"the model gave no JSON as it was asked for: {self._why()}.")
        return Flaw(asked_again(said, self._why()), error)
