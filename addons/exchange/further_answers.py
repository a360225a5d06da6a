"""Further answers to one request (`n`), for providers that give one at a time: each is asked for on its own, at an
account that has room, and all are given out as one.

The first answer is the attempt that the stream layer makes. The others' attempts are made here, beside it: retried and
mended as any, until one fails for good, which fails the request.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from addons.dialects.base import Encoder, ParsedRequest
from addons.errors import GatewayError
from addons.exchange.context import Context
from addons.features.settings import DEFAULTS
from providers.contract.events import (
    Event,
    Finish,
    FinishReason,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Withdrawn,
)
from providers.contract.pictures import ImageRequest
from providers.contract.requests import ChatRequest, ModelRequest

NO_USAGE: Final = Usage(0, 0, 0)


def asked_for(context: Context, request: ModelRequest) -> int:
    """How many further answers have to be asked for one by one; none where the model's providers give them all at once.

    Raises GatewayError (400) for more than the settings let be asked.
    """
    if not isinstance(request, ChatRequest | ImageRequest) or request.n == 1:
        return 0
    names = [route.provider for route in context.index().find(request.model) or ()]
    single = [name for name in names if not context.providers[name].gives_several]
    if not single:
        return 0
    most = max(context.features.get(name, DEFAULTS).parallel_turns for name in single)
    if request.n > most:
        called = "pictures" if isinstance(request, ImageRequest) else "answers"
        limit = f"at most {most} {called} at a time (features.parallel_turns in config.yaml)"
        told = f"n is {request.n}; provider {single[0]!r} is asked for {limit}."
        raise GatewayError(400, told, param="n", code="integer_above_max_value")
    return request.n - 1


def for_one(parsed: ParsedRequest) -> ParsedRequest:
    """The same request for one answer."""
    request = parsed.request
    assert isinstance(request, ChatRequest | ImageRequest)
    extra = {**request.extra, "n": 1} if "n" in request.extra else request.extra
    return replace(parsed, request=replace(request, n=1, extra=extra))


class FurtherAnswer:
    """The Encoder of one further answer: keeps its events until they are given out, under its own number."""

    streaming = False
    content_type = ""
    keepalive = b""

    def __init__(self, choice: int) -> None:
        self.choice = choice
        self.usage = NO_USAGE
        self.reason: FinishReason | None = None
        self.begun = False
        """The client may have some of it."""
        self.asked = False
        """A provider is at work on it, which takes a place at an account."""
        self._kept: list[Event] = []

    def encode(self, events: Sequence[Event]) -> bytes:
        for event in events:
            match event:
                case Text() | Reasoning() | Image():
                    self._kept.append(replace(event, choice=self.choice))
                case ToolCallDelta():  # ids are made of the request and would be those of the first answer
                    self._kept.append(replace(event, choice=self.choice, id=None))
                case Passthrough() if event.scope != "chunk":
                    self._kept.append(replace(event, choice=self.choice))
                case Withdrawn():
                    self._kept.clear()
                case Usage():
                    self.usage = event
                case Finish():
                    self.reason = event.reason
        return b""

    def error(self, error: GatewayError) -> bytes:
        return b""

    def taken(self) -> list[Event]:
        """What has come since, to be given out."""
        self.begun = self.begun or bool(self._kept)
        found, self._kept = self._kept, []
        return found

    def again(self) -> None:
        """It is asked for anew, since nothing of it was given out."""
        self.usage, self.reason = NO_USAGE, None
        self._kept.clear()


class FurtherAnswers:
    """All further answers to one request. `wake` is called when there is more to give out.

    `first_ended` is called when the first answer is whole, whose place at its account one of these may need.
    """

    def __init__(self, count: int, first_ended: Callable[[], object]) -> None:
        self.first_is_whole = False
        self._first_ended = first_ended
        self.answers = [FurtherAnswer(choice) for choice in range(1, count + 1)]
        self._wake: Callable[[], object] | None = None

    @property
    def over(self) -> bool:
        """Whether all of them are whole."""
        return all(answer.reason is not None for answer in self.answers)

    def woken(self, wake: Callable[[], object]) -> None:
        """Has `wake` called from now on, and once for what has come already."""
        self._wake = wake
        asyncio.get_running_loop().call_soon(self.wake)

    def wake(self) -> None:
        if self._wake is not None:
            self._wake()

    def first_ends(self) -> None:
        if not self.first_is_whole:
            self.first_is_whole = True
            self._first_ended()

    def has_places(self, besides: FurtherAnswer) -> bool:
        """Whether places at accounts are taken for this request, which will be free when its other answers end."""
        return not self.first_is_whole or any(one.asked and one is not besides for one in self.answers)

    def usage_with(self, first: Usage | None) -> Usage:
        """The counts of all answers."""
        found = first or NO_USAGE
        for answer in self.answers:
            found = found.with_spent(answer.usage)
        return found


class AllAnswers:
    """The Encoder of a first answer and its further ones as one answer: its Finish waits for all."""

    def __init__(self, encoder: Encoder, further: FurtherAnswers) -> None:
        self.streaming, self.content_type, self.keepalive = encoder.streaming, encoder.content_type, encoder.keepalive
        self._encoder, self._further = encoder, further
        self._usage: Usage | None = None
        self._end: Finish | None = None

    def encode(self, events: Sequence[Event]) -> bytes:
        """The bytes for these, and for what has come of the others."""
        out: list[Event] = []
        for event in events:
            if isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Finish):
                self._end = event
                self._further.first_ends()
            else:
                out.append(event)
        whole = self._end is not None and self._further.over
        if self.streaming or whole:
            out += (event for answer in self._further.answers for event in answer.taken())
        if self._end is not None and whole:
            others = tuple((answer.choice, answer.reason) for answer in self._further.answers if answer.reason)
            out += (self._further.usage_with(self._usage), Finish(self._end.reason, others))
        return self._encoder.encode(out) if out else b""

    def error(self, error: GatewayError) -> bytes:
        return self._encoder.error(error)
