"""Running flows: their summary from the first moment, and what has arrived of them so far.

Annotation and summary are written when a request moves on, a few times in its life. What arrives is looked at by one
loop, four times a second, and only while somebody looks at the list: an event costs nothing more than without an
inspector. All that is put on a flow is cleaned first, as at its end; what the provider is sent is not touched by that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import nsmallest
from typing import Final

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.addons.view import View

from addons.cleaning.bodies import show_as_searched
from addons.cleaning.cleaner import Cleaner
from addons.exchange.attempt import Attempt
from addons.exchange.live_port import Underway
from addons.exchange.outcome import ExchangeInfo
from addons.exchange.stage import Stage
from addons.inspect.annotation import KEY, RUNNING, Annotation
from addons.inspect.arriving import ArrivingBody
from addons.inspect.summary import summary_line

log = logging.getLogger("glassgate")

REFRESH_S: Final = 0.25
"""Between two looks: so often, at most, a flow changes for who looks at it."""
AT_ONCE: Final = 25
"""Flows in one look; those that have waited longest."""
AT_ONCE_BYTES: Final = 32 * 1024
"""Cleaned on the event loop (200 ns a byte); more goes to a thread."""
BYTES_PER_S: Final = 512 * 1024
"""Whoever has a flow open reads all of it again when it has changed: the longer it is, the more seldom it changes."""
_PER_HASHED: Final = 8
"""What is to be sent is not read again but hashed (by mitmweb), which is so many times faster."""
PARTS_LIMIT: Final = 200
_PART_S: Final = 5e-7
"""Parts of a request are so far from each other in the list: more than the 2.4e-7 s that Unix time is exact to as a
float, and all together no longer than another request takes to come between."""

_BEING_MADE: Final = frozenset({Stage.QUEUED, Stage.PAUSED, Stage.SESSION})
"""The next attempt is not counted yet."""


class Live:
    """The running flows. `looked_at`: does anybody look now? `changed` is given changed flows. `clock` is the
    attempts'."""

    def __init__(
        self,
        clock: Callable[[], float],
        view: View,
        looked_at: Callable[[], bool],
        changed: Callable[[Sequence[mflow.Flow]], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._view = view
        self._looked_at = looked_at
        self._changed = changed
        self._running: dict[str, _Running] = {}
        self._of_request: dict[str, _Running] = {}

    def __len__(self) -> int:
        return len(self._running)

    # -- the life of a flow ---------------------------------------------------------------------------------------
    def begin(self, info: ExchangeInfo) -> None:
        """Starts showing a request; it is here whole."""
        one, exchange = _Running(info.flow, info.progress, info), info.progress
        self._running[info.flow.id] = self._of_request[info.id] = one
        exchange.watch(moved := partial(self._safely, one, one.write_annotation))
        moved()

    async def planned(self, flow: http.HTTPFlow) -> None:
        """Shows the attempt in the flow, about to be sent or to be stopped by a person."""
        if (one := self._running.get(flow.id)) is not None and one.exchange.attempt is not None:
            self._safely(one, one.follow)
            try:
                await one.clean_request(one.exchange.attempt)
            except Exception:
                self._give_up(one)
            self._safely(one, one.write_annotation)

    def shown(self, flow: mflow.Flow) -> None:
        """Notes that a flow is shown: it may have been stopped."""
        one = self._running.get(flow.id)
        if one is not None and flow.intercepted and one.held_since is None:
            one.held_since = self._clock()
            self._safely(one, one.write_annotation)

    def attempt_ended(self, flow: http.HTTPFlow) -> None:
        """Takes off the flow what was shown of an attempt: its last form comes now."""
        if (one := self._running.get(flow.id)) is not None:
            self._safely(one, one.leave_attempt)

    def ended(self, flow: http.HTTPFlow) -> int:
        """Stops showing a request that has ended; returns for how many milliseconds a person held it."""
        one = self._running.get(flow.id)
        if one is None:
            return 0
        self._running.pop(flow.id)
        self._of_request.pop(one.info.id, None)
        self._safely(one, one.end)
        one.restore()
        return round(one.held_s * 1000)

    def place(self, request_id: str) -> float | None:
        """The `timestamp_created`, by which lists are ordered, of a new part of a request: before the request's own
        flow, behind the parts that stand there."""
        one = self._of_request.get(request_id)
        if one is None:
            return None
        one.parts = min(one.parts + 1, PARTS_LIMIT - 1)
        return one.flow.timestamp_created - (PARTS_LIMIT - one.parts) * _PART_S

    # -- the loop -------------------------------------------------------------------------------------------------
    async def refresh(self) -> None:
        """Brings the running flows up to date, every REFRESH_S. One that cannot be shown is left alone; its end will
        be."""
        if not self._running or not self._looked_at():
            return
        now = self._clock()
        due = [one for one in self._running.values() if now - one.refreshed >= one.pause_s and self._may_be_shown(one)]
        problem: Exception | None = None
        for one in nsmallest(AT_ONCE, due, key=lambda one: one.refreshed):
            one.refreshed = now
            try:
                changed = not one.ended and await one.refresh()
            except Exception as e:
                one.lost, problem = True, e
                continue
            if changed:
                await self._changed([one.flow])
            await asyncio.sleep(0)  # all of them together would keep everybody waiting
        if problem is not None:
            raise problem

    # -- faults ---------------------------------------------------------------------------------------------------
    def _safely(self, one: "_Running", work: Callable[[], None]) -> None:
        """Runs `work` for the display in the midst of a request: a fault there is none of the request's."""
        if one.lost:
            return
        try:
            work()
        except Exception:
            self._give_up(one)

    @staticmethod
    def _give_up(one: "_Running") -> None:
        """It is shown again at its end."""
        if not one.lost:
            one.lost = True
            log.exception("request %s is not shown while it runs: a fault of the gateway", one.info.id)

    def _may_be_shown(self, one: "_Running") -> bool:
        return not one.lost and self._in_list(one)

    def _in_list(self, one: "_Running") -> bool:
        """Somebody may have thrown the flow out of the list, or have put a file's flows in the place of all."""
        return self._view.get_by_id(one.flow.id) is one.flow


@dataclass(slots=True)
class _Running:
    """One request under way, and what is shown of it."""

    flow: http.HTTPFlow
    exchange: Underway
    info: ExchangeInfo
    attempt: Attempt | None = None
    parts: int = 0
    refreshed: float = float("-inf")
    pause_s: float = 0.0
    held_since: float | None = None
    held_s: float = 0.0
    ended: bool = False
    lost: bool = False
    """There was a fault in showing it."""
    _said: str = ""
    _asked: str | None = None
    """The client's request as it may be shown; None before it was cleaned."""
    _withheld: bytes | None = None
    """Its body as it came, too big to be cleaned at once: not shown meanwhile."""
    _body: ArrivingBody | None = None
    _sent: ArrivingBody | None = None
    _bodies: int = 0
    _sents: int = 0
    """Pieces of both that were taken."""
    _arrivals: list[list[float]] = field(default_factory=list)
    _deliveries: list[list[float]] = field(default_factory=list)
    _delivered: str = ""
    _kind: str | None = None
    """The answer's content type as it came, where another is shown."""
    _shown: tuple[str, int, int] = ("", 0, 0)

    # -- what is told ---------------------------------------------------------------------------------------------
    def write_annotation(self) -> None:
        """Writes annotation and comment as things stand; nothing after the end, however late the call."""
        if self.ended:
            return
        if self.exchange.model is not None and self._asked is None and self._withheld is None:
            self._clean_asked()
        attempt = self.attempt
        if self.held_since is not None and not self.held_s and attempt is not None and attempt.sent_at is not None:
            self.held_s = attempt.sent_at - self.held_since
        annotation = self._annotation()
        annotation.put_on(self.flow)
        self.flow.metadata[KEY] |= {"arrivals": self._arrivals, "deliveries": self._deliveries}
        if self.flow.comment == self._said:  # else a person has written another
            self.flow.comment = self._said = summary_line(annotation)

    def _annotation(self) -> Annotation:
        info, exchange, attempt = self.info, self.exchange, self.attempt
        model, provider, account = exchange.about or (exchange.model or "", "", "")
        first = attempt.report.first_token_at if attempt is not None else None
        number = exchange.tries
        if number and attempt is None and exchange.stage in _BEING_MADE:
            number += 1
        return Annotation(
            request_id=info.id,
            provider=provider,
            account=account,
            model=exchange.context.cleaner.text(model),
            attempt=number,
            most=exchange.context.limits.max_attempts,
            call=f"{info.method} {info.path}",
            outcome=RUNNING,
            doing=self._doing(),
            first_token_ms=round((first - exchange.began) * 1000) if first is not None else None,
            held_ms=round(self.held_s * 1000),
            stream=attempt is not None and attempt.streaming,
            dialect=info.dialect,
            client_request=self._asked or "",
            delivered=self._delivered,
            cut=attempt is not None and attempt.report.cut,
        )

    def _doing(self) -> str:
        attempt = self.attempt
        if self.flow.intercepted:
            return "stopped by you, not sent yet"
        if attempt is None:
            return self.exchange.stage
        if attempt.response is None:
            return Stage.READY
        if attempt.report.first_token_at is None:
            return "waiting for the first word"
        if self._body is not None and self._body.events:
            return f"{self._body.events} event{'' if self._body.events == 1 else 's'} so far"
        return f"{attempt.report.received_bytes} bytes so far"

    # -- what was asked -------------------------------------------------------------------------------------------
    def _clean_asked(self) -> None:
        """Cleans the client's own request, while its first attempt is made. It was read by now."""
        body = self.flow.request.data.content or b""
        self._withheld, self.flow.request.data.content = body, None
        if len(body) <= AT_ONCE_BYTES:
            self.flow.request.data.content, self._asked = _cleaned_request(
                body, self.exchange.client_request, self.exchange.context.cleaner
            )
            self._withheld = None

    async def clean_request(self, attempt: Attempt) -> None:
        """What is to be sent: it has the conversation in it, and so perhaps what providers have said before. It stands
        in the flow when it is clean, and nothing does if it cannot be cleaned."""
        request = self.flow.request
        self._withheld = None
        body, shown = request.data.content or b"", b""
        text = self.exchange.client_request if self._asked is None else ""
        request.data.content = None
        try:
            shown, asked = await _in_thread(len(body) + len(text), _cleaned_request, body, text, attempt.cleaner)
            self._asked = asked if self._asked is None else self._asked
        finally:
            if request.data.content is None:  # else a person was quick
                request.data.content = shown
            if shown is not body:
                attempt.shows_body(shown, body)

    # -- what arrives ---------------------------------------------------------------------------------------------
    def follow(self) -> None:
        """Turns to the attempt that is under way now."""
        if self.exchange.attempt is not self.attempt:
            self.leave_attempt()
            self.attempt = self.exchange.attempt

    def leave_attempt(self) -> None:
        if self.attempt is None:
            return
        self.write_annotation()
        self._restore_kind()
        self.attempt = self._body = self._sent = None
        self._bodies = self._sents = 0
        self._arrivals, self._deliveries, self._delivered = [], [], ""

    def end(self) -> None:
        self.follow()
        self.write_annotation()

    def restore(self) -> None:
        """Undoes what was changed for display only: the last form is made of that."""
        self._restore_kind()
        self.ended = True
        self.exchange.watch(None)
        if self._withheld is not None and self.flow.request.data.content is None:
            self.flow.request.data.content = self._withheld

    async def refresh(self) -> bool:
        """Brings the flow up to date; True when anything is new."""
        self.follow()
        if self._withheld is not None:
            await self._clean_withheld()
        attempt = self.attempt
        if attempt is not None and attempt.response is not None and self.flow.response is attempt.response:
            await self._take(attempt)
        if self.ended:
            return False
        self.write_annotation()
        response = self.flow.response.data.content if self.flow.response is not None else None
        asked = len(self._asked or "") + len(self.flow.request.data.content or b"") // _PER_HASHED
        self.pause_s = (len(response or b"") + len(self._delivered) + asked) / BYTES_PER_S
        before, self._shown = self._shown, (self.flow.comment, len(response or b""), len(self._delivered))
        return before != self._shown

    async def _clean_withheld(self) -> None:
        body, cleaner = self._withheld or b"", self.exchange.context.cleaner
        shown, asked = await _in_thread(len(body), _cleaned_request, body, self.exchange.client_request, cleaner)
        if self._withheld is body and not self.ended:
            self.flow.request.data.content, self._asked, self._withheld = shown, asked, None

    async def _take(self, attempt: Attempt) -> None:
        body, sent = attempt.recorded_from(self._bodies), attempt.delivered_from(self._sents)
        if not body and not sent:
            return
        cleaner, owner = attempt.cleaner, attempt.spec.owner
        if self._body is None or self._sent is None:
            self._body = ArrivingBody(lambda data: cleaner.data(data, owner))
            self._sent = ArrivingBody(lambda data: cleaner.data(data, owner))
        self._bodies, self._sents = self._bodies + len(body), self._sents + len(sent)
        took, given = self._body, self._sent
        cost = took.cost(body) + given.cost(sent)
        shown, delivered = await _in_thread(cost, lambda: (took.take(body), given.take(sent)))
        response = attempt.response
        if self.ended or self.attempt is not attempt or response is None or self.flow.response is not response:
            return
        response.data.content = shown
        if self._kind is None:
            self._kind = response.headers.get("content-type", "")
        show_as_searched(response)
        self._delivered = delivered.decode("utf-8", "replace")
        report = attempt.report
        self._arrivals += [list(arrived) for arrived in report.arrivals[len(self._arrivals) : self._bodies]]
        given_out = report.handed_over[2 * len(self._deliveries) : 2 * self._sents]
        self._deliveries += [list(pair) for pair in zip(given_out[::2], given_out[1::2], strict=True)]

    def _restore_kind(self) -> None:
        """What is shown of the end decides anew how it is to be read."""
        response = self.attempt.response if self.attempt is not None else None
        if self._kind is not None and response is not None:
            if self._kind:
                response.headers["content-type"] = self._kind
            else:
                response.headers.pop("content-type", None)
        self._kind = None


def _cleaned_request(body: bytes, text: str, cleaner: Cleaner) -> tuple[bytes, str]:
    """Both without secrets; the very same body where there is nothing to hide."""
    return cleaner.data(body), cleaner.text(text)


async def _in_thread[*Given, Found](size: int, work: Callable[[*Given], Found], *given: *Given) -> Found:
    """The result of cleaning so many bytes: here at once when they are few."""
    return work(*given) if size <= AT_ONCE_BYTES else await asyncio.to_thread(work, *given)
