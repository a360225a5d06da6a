"""One request under way, and what is shown of it: its annotation, and what has arrived, cleaned."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mitmproxy import http

from addons.cleaning.bodies import show_as_searched
from addons.cleaning.cleaner import Cleaner
from addons.exchange.attempt import Attempt
from addons.exchange.live_port import Underway
from addons.exchange.outcome import ExchangeInfo
from addons.exchange.stage import Stage
from addons.inspect.annotation import KEY, RUNNING, Annotation
from addons.inspect.arriving import ArrivingBody
from addons.inspect.sessions import session_of
from addons.inspect.summary import summary_line

AT_ONCE_BYTES: Final = 32 * 1024
"""Cleaned on the event loop (200 ns a byte); more goes to a thread."""
BYTES_PER_S: Final = 512 * 1024
"""Whoever has a flow open reads all of it again when it has changed: the longer it is, the more seldom it changes."""
_PER_HASHED: Final = 8
"""What is to be sent is not read again but hashed (by mitmweb), which is so many times faster."""
_BEING_MADE: Final = frozenset({Stage.QUEUED, Stage.PAUSED, Stage.SESSION})
"""The next attempt is not counted yet."""


@dataclass(slots=True)
class Running:
    """One request under way, and what is shown of it."""

    flow: http.HTTPFlow
    exchange: Underway
    info: ExchangeInfo
    looked_at: Callable[[], bool]
    stands_still: bool = False
    """The annotation is one of before."""
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
    _session: str | None = None
    """Its client's session; None before the request was read."""
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
    def move_on(self) -> None:
        """Writes annotation and comment where somebody looks; nothing after the end, however late the call."""
        if self.ended:
            return
        if self.exchange.model is not None and self._asked is None and self._withheld is None:
            self._clean_asked()
        self.stands_still = not self.looked_at()
        if not self.stands_still:
            self.write_annotation()

    def write_annotation(self) -> None:
        """Writes annotation and comment as things stand."""
        if self.ended:
            return
        self.stands_still = False
        self._note_release()
        annotation = self._annotation()
        annotation.put_on(self.flow)
        self.flow.metadata[KEY] |= {"arrivals": self._arrivals, "deliveries": self._deliveries}
        if self.flow.comment == self._said:  # else a person has written another
            self.flow.comment = self._said = summary_line(annotation)

    def _note_release(self) -> None:
        """For how long a person held it, once it was let go."""
        attempt = self.attempt
        if self.held_since is not None and not self.held_s and attempt is not None and attempt.sent_at is not None:
            self.held_s = attempt.sent_at - self.held_since

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
            session=self._session_name(),
            client_request=self._asked or "",
            delivered=self._delivered,
            cut=attempt is not None and attempt.report.cut,
        )

    def _session_name(self) -> str:
        if self._session is None and self.exchange.request is not None:
            self._session = session_of(self.exchange.request)
        return self._session or ""

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
        self.move_on()
        self._note_release()
        self._restore_kind()
        self.attempt = self._body = self._sent = None
        self._bodies = self._sents = 0
        self._arrivals, self._deliveries, self._delivered = [], [], ""

    def end(self) -> None:
        self.follow()
        self.move_on()
        self._note_release()

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
        self._arrivals += map(list, report.arrivals.pieces(len(self._arrivals), self._bodies))
        self._deliveries += map(list, report.deliveries.pieces(len(self._deliveries), self._sents))

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
