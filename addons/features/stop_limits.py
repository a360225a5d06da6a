"""The feature of `stop` and `max_tokens`, kept by the gateway for sites that know no such thing.

A filter over events. The outcome is the same however the provider cut its text: stop strings may be split over any
number of deltas, so the longest tail that could still become one is held back; halves of a surrogate pair are joined
first. For sites with one candidate: events of the text lose their `choice`.

Where tools are given, stop strings are looked for in what the reader of calls leaves as text: one that stood within a
call would make it another call, with fewer arguments.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from addons.dialects.text import SurrogateJoiner
from addons.features.feature import Applied, Served
from addons.features.token_estimate import TokenCounter
from providers.contract.events import (
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
from providers.contract.requests import ChatRequest, ModelRequest


class OutputLimits:
    """The filter that cuts the answer at a stop string (text only) or after `max_tokens` tokens (reasoning and
    text)."""

    def __init__(self, stop: tuple[str, ...], max_tokens: int | None) -> None:
        self.done = False
        """True once a limit was reached; the Finish for it has been given, and nothing follows."""
        self.ended = False
        self._stop = tuple(s for s in stop if s)
        self._max_tokens = max_tokens
        self._counter = TokenCounter()
        self._text_pairs = SurrogateJoiner()
        self._reasoning_pairs = SurrogateJoiner()
        self._held = ""
        self._called = False
        """A tool was called before."""
        self._idle = not self._stop and max_tokens is None

    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events as the client may have them."""
        if self._idle:
            return list(events)
        out: list[Event] = []
        for event in events:
            if self.done:
                break
            if isinstance(event, Text):
                self._text(self._text_pairs.feed(event.text), out)
            elif isinstance(event, Reasoning):
                self._give(self._reasoning_pairs.feed(event.text), out, reasoning=True)
            elif isinstance(event, Withdrawn):
                self._counter, self._held = TokenCounter(), ""
                self._text_pairs, self._reasoning_pairs = SurrogateJoiner(), SurrogateJoiner()
                out.append(event)
            else:
                if isinstance(event, Finish | Failure | Image | ToolCallDelta):
                    self._release(out)
                self._called = self._called or isinstance(event, ToolCallDelta)
                if not self.done:
                    out.append(event)
        return out

    def _release(self, out: list[Event]) -> None:
        """Gives everything held back: no more text follows, or what follows stands behind it in the answer (a
        picture)."""
        self._give(self._reasoning_pairs.rest(), out, reasoning=True)
        self._text(self._text_pairs.rest(), out)
        held, self._held = self._held, ""
        self._give(held, out)

    def _text(self, text: str, out: list[Event]) -> None:
        if self.done or not text:
            return
        text = self._held + text
        self._held = ""
        found = [(at + len(stop), at, stop) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            # The stop string that is complete first counts: with another rule the cut of the deltas would matter.
            _, at, stop = min(found)
            self._give(text[:at], out)
            if not self.done:
                self._end("tool_calls" if self._called else "stop", out, stop)
            return
        keep = self._tail(text)
        if keep:
            self._held = text[-keep:]
            text = text[:-keep]
        self._give(text, out)

    def _tail(self, text: str) -> int:
        """Length of the longest end of `text` with which a stop string begins."""
        longest = 0
        for stop in self._stop:
            at = text.find(stop[0], max(0, len(text) - len(stop) + 1))
            while at >= 0 and len(text) - at > longest:
                if stop.startswith(text[at:]):
                    longest = len(text) - at
                at = text.find(stop[0], at + 1)
        return longest

    def _give(self, text: str, out: list[Event], *, reasoning: bool = False) -> None:
        if self.done or not text:
            return
        over = False
        if self._max_tokens is not None:
            room = self._counter.room(text, self._max_tokens)
            over = room < len(text)
            text = text[:room]
            self._counter.add(text)
        if text:
            out.append(Reasoning(text) if reasoning else Text(text))
        if over:
            self._end("length", out)

    def _end(self, reason: FinishReason, out: list[Event], stop: str | None = None) -> None:
        self.done = True
        self._held = ""
        out.append(Finish(reason, stop_sequence=stop))


STOPS_OF_OPENAI: Final = 4
"""Stop strings that OpenAI takes; Anthropic's clients may send more."""


class StopLimits:
    """The Feature of `stop` and `max_tokens` of chats. An official API keeps those itself that it knows."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        if not isinstance(request, ChatRequest):
            return None
        if served.native is None:
            return _beyond_openai(request)
        stop = () if _has_tools(request) else request.stop
        claims = frozenset({"stop", "max_tokens", "max_completion_tokens"})
        own = served.provider is not None and not served.provider.web_session and "max_tokens" in served.native
        most = None if own else request.max_tokens  # a site may be told of a limit and pay no heed to it
        if not stop and most is None:
            return Applied(request, claims)
        return Applied(request, claims, (OutputLimits(stop, most),))


class StopsInWords:
    """The Feature of `stop` where tools are given."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        if served.native is None or not isinstance(request, ChatRequest) or not request.stop or not _has_tools(request):
            return None
        return Applied(request, filters=(OutputLimits(request.stop, None),))


def _beyond_openai(request: ChatRequest) -> Applied | None:
    """The stop strings that an API of the OpenAI form may not take, kept here."""
    if len(request.stop) <= STOPS_OF_OPENAI or request.n != 1:
        return None
    sent, kept = request.stop[:STOPS_OF_OPENAI], request.stop[STOPS_OF_OPENAI:]
    return Applied(replace(request, stop=sent), filters=(OutputLimits(kept, None),))


def _has_tools(request: ChatRequest) -> bool:
    return bool(request.tools or request.extra.get("functions"))
