"""One client request, from the hook that reads it to its outcome.

The stream layer sees it as a RequestPort; the attempts themselves are attempt_loop.py's.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final

from mitmproxy import http

from addons.cleaning.index import KnownSecret
from addons.config.client_keys import KeyIdentity
from addons.dialects.base import Continuing, Dialect, ParsedRequest
from addons.dialects.body import ASKED_LIMIT, Reading
from addons.dialects.brought_secrets import brought_secrets
from addons.dialects.client_session import retries_in
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.errors import GatewayError
from addons.exchange.allowance import Allowance, allowance_of
from addons.exchange.attempt import Attempt
from addons.exchange.attempt_loop import AttemptLoop
from addons.exchange.attempt_plan import AttemptPlan, ClientRequest
from addons.exchange.beside import AnswersBeside
from addons.exchange.cached_answer import CachedAnswer, looked_up
from addons.exchange.context import Context
from addons.exchange.form_upload import FormUpload
from addons.exchange.further_answers import asked_for
from addons.exchange.kept_answers import bound, said_before
from addons.exchange.outcome import AttemptRecord, ExchangeInfo, Outcome
from addons.exchange.request_body import RequestBody
from addons.exchange.stage import Stage, Way
from addons.keys.limits import NO_LIMITS, KeyLimits
from addons.stream.port import State
from providers.contract.native import NativeRequest
from providers.contract.requests import ModelRequest

CURRENT: ContextVar[str] = ContextVar("request_id", default="")
"""The request on whose behalf something is done."""

CLIENT_LEFT: Final = 499
"""The status in the log of a request whose client left before it got any; nginx began with this one."""


@dataclass(slots=True)
class Exchange:
    """One client request under way; the stream layer has it as its RequestPort."""

    id: str
    key: str
    dialect: Dialect
    context: Context
    began: float
    identity: bytes | None = None
    """The client key it was admitted with."""
    key_limits: KeyLimits = NO_LIMITS
    """What that may do."""
    codings: tuple[str, ...] = ()
    """How its body is compressed, in the order in which that is to be undone."""
    head: RoutedHead = NO_HEAD
    """What the dialect sees of its head."""
    uploading: FormUpload | None = None
    """What reads its body while it comes, where that may be passed on so."""
    allowance: Allowance | None = None
    """What the key allows it, once it was read."""
    local: Callable[[bytes], Reading[http.Response]] | None = None
    """What makes the answer of its body where no model is asked."""
    client: str = "-"
    """The client's address."""
    method: str = ""
    path: str = ""
    attempt: Attempt | None = None
    answer: http.Response | None = None
    model: str | None = None
    """The model asked for, in the client's words."""
    client_body: bytes = b""
    """As the client sent it, up to a limit."""
    request: ModelRequest | None = None
    """What a model is asked, once it was read."""
    attempt_loop: AttemptLoop | None = None
    error: GatewayError | None = None
    left: bool = False
    stopped: GatewayError | None = None
    """The gateway ends, or the client's key was taken away: nothing is tried any more, this is the final error."""
    status: int = 200
    moved: Callable[[], None] | None = None
    """Called when it has come further, until its provider is asked; for the inspector."""
    _begun: Attempt | None = None
    """The attempt that failed last, where the client has the head of its answer: an error is told in that."""
    _task: asyncio.Task[None] | None = None
    _is_refused: bool = False
    """By the stream: its body must not go on, or did not."""
    _counted: bool = False
    _told: int = 0
    """Records of attempts that were asked for."""
    _body: RequestBody | None = None
    _beside: AnswersBeside | None = None
    """The answers besides the first, where the client wants several."""

    # -- the RequestPort -----------------------------------------------------------------------------------------------
    def client_left(self) -> None:
        self.left = True
        if self._task is not None:
            self._task.cancel()

    def refused(self, error: GatewayError, request_id: str) -> None:
        if self.allowance is not None:
            self.allowance.give_back()  # it would be looked for under the other id
        self.error, self.status, self.id, self._is_refused = error, error.status, request_id, True

    # -- called from the hooks ------------------------------------------------------------------------------------
    async def open(self, flow: http.HTTPFlow) -> None:
        """Plans the first attempt, or makes the answer where no model is asked; of a refusal the flow gets it too."""
        if self.local is None:
            self._counted = True
            self.context.budget.active += 1
        await self._guarded(self._open(flow), flow)

    def stop(self, error: GatewayError) -> None:
        """Ends what is under way, with this error, or its frame at the end where an answer was begun.

        A stream with an attempt ends when it is ticked next: Sweeper.end sees to that.
        """
        self.stopped = error
        if self.attempt is not None:
            self.attempt.last_error = error
        if self._task is not None:
            self._task.cancel()

    async def attempt_failed(self, flow: http.HTTPFlow) -> None:
        """Plans what follows a failed attempt: another one, or the final error."""
        await self._guarded(self._after_failure(flow), flow)

    def fail(self, error: GatewayError, answer: http.Response) -> None:
        """The gateway itself failed: nothing more is sent to a provider."""
        self.attempt, self.error = None, error
        if not self._told_in_answer(error):
            self.status, self.answer = error.status, answer

    def over(self, flow: http.HTTPFlow) -> Outcome:
        """Ends the exchange, however it ended, and gives its outcome."""
        if self._beside is not None:
            self._beside.end()
        if self.attempt_loop is not None:
            self.attempt_loop.over(answered=self.error is None)
        if self._counted:
            self._counted = False
            self.context.budget.active -= 1
        if self._body is not None:
            self._body.release()
        # A request that the gateway refused before it was whole ends with an error of its flow too.
        refused = self._is_refused or (
            self.attempt_loop is None and self.error is not None and flow.response is not None
        )
        return self._outcome(flow, left=self.left or (flow.error is not None and not refused))

    def new_records(self, shown: http.HTTPFlow | None = None) -> list[AttemptRecord]:
        """The records of attempts that have ended since the last call.

        `shown` is a flow of the one that failed just now; where no other has followed, the request's own stays its.
        """
        records = self.attempt_loop.records if self.attempt_loop is not None else []
        if self._told == len(records):
            return []
        flow = shown if self.attempt is not None else None
        found, self._told = records[self._told :], len(records)
        return [
            replace(
                record,
                flow=flow if record.attempt is not None else None,
                client_body=self.client_body,
                request=self.request,
            )
            for record in found
        ]

    async def _guarded(self, work: Coroutine[None, None, None], flow: http.HTTPFlow) -> None:
        """Runs `work` as a task that ends when the client leaves."""
        if self.left:  # while observers were told
            self.attempt = None
            work.close()
            return
        CURRENT.set(self.id)  # for what is done on behalf of this request
        self._task = asyncio.ensure_future(work)
        try:
            await self._task
        except asyncio.CancelledError:
            self._release()
            if self.stopped is not None:
                self._give(self.stopped, flow)
            elif not self.left:
                raise
        except GatewayError as error:
            self._release()
            self._give(error, flow)
        finally:
            self._task = None

    def _release(self) -> None:
        if self.attempt_loop is not None:
            self.attempt_loop.release()

    async def _open(self, flow: http.HTTPFlow) -> None:
        if self.stopped is not None:  # while its body came
            raise self.stopped
        arrived = self._body = RequestBody(self.context, self.key, self.codings)
        body = await arrived.plain(flow.request)
        self.client_body = body[: self.context.limits.record_bytes]
        if self.local is not None:
            self._take_local(await arrived.read(self.local(body)), flow)
            return
        upload = self.uploading if self.uploading is not None and self.uploading.parsed is not None else None
        if upload is not None and upload.parsed is not None:
            parsed = upload.parsed
        else:
            parsed = await arrived.read(self.dialect.read(body, self.context.limits.body_values, self.head))
        self.request, self.model = parsed.request, parsed.request.model[:ASKED_LIMIT]
        if isinstance(parsed.request, NativeRequest):
            brought = brought_secrets(parsed.request.fields)
            self.context.cleaner.learn(KnownSecret(value, "tools_server") for value in brought)
        if self.moved is not None:
            self.moved()
        await arrived.pause()
        if parsed.follows is not None or parsed.names:
            parsed = await self._with_kept(parsed, arrived)
        self.allowance = allowance_of(self.context.allowances, self.key, self.identity, self.key_limits)
        who = KeyIdentity(self.key, self.identity or b"", self.key_limits)
        cached = looked_up(self.context, parsed, self.dialect.name, who, self.head, arrived.size)
        ask = ClientRequest(
            self.id,
            parsed,
            self.dialect,
            self.began,
            self.identity,
            self.head,
            self.allowance,
            cached=cached,
            upload=upload,
        )
        if count := asked_for(self.context, parsed.request):
            self._beside = AnswersBeside(self.context, ask, count, self.stop, self._first_is_whole)
            ask = self._beside.first
        self.attempt_loop = AttemptLoop(self.context, ask, self._way())
        is_hit = cached is not None and cached.found is not None
        self.allowance.take(self.id, parsed.request, self.attempt_loop.routes, arrived.size, free=is_hit)
        if cached is not None and cached.found is not None:
            self.answer, flow.response = cached.answer(self.headers())
            return
        await arrived.pause()
        if self._beside is not None:
            self._beside.start()
        self._take(await self.attempt_loop.first(), flow)

    async def _with_kept(self, parsed: ParsedRequest, arrived: RequestBody) -> ParsedRequest:
        """The request with what was said before it, bound to the account that has what both name."""
        kept = self.context.kept.of(self.identity)
        before = said_before(parsed, kept)
        if before is not None and isinstance(self.dialect, Continuing):
            arrived.size += len(before)
            parsed = await arrived.read(self.dialect.going_on(parsed, before))
        return bound(parsed, kept)

    def _way(self) -> Way:
        return Way(self.moved, trail=[] if self.context.tracing.marks else None, clock=self.context.clock)

    def _first_is_whole(self) -> None:
        """The first answer of several needs its place at the account no more."""
        if self.attempt_loop is not None and self.attempt_loop.progress is not None:
            self.attempt_loop.progress.lease.release()

    async def _after_failure(self, flow: http.HTTPFlow) -> None:
        failed, self.attempt = self.attempt, None
        assert failed
        assert self.attempt_loop
        self._begun = failed if failed.reader.begun else None
        if self.stopped is not None:
            raise self.stopped
        self._take(await self.attempt_loop.after(failed), flow)

    def _take(self, planned: AttemptPlan, flow: http.HTTPFlow) -> None:
        self.attempt = planned.attempt
        flow.request = planned.request
        flow.response = None

    def _take_local(self, answer: http.Response, flow: http.HTTPFlow) -> None:
        self.status = answer.status_code
        for name, value in self.headers():
            answer.headers[name] = value
        flow.response = answer

    def _give(self, error: GatewayError, flow: http.HTTPFlow) -> None:
        """The final error: what the client is told. Shown in the flow only where no provider answered."""
        self.attempt = None
        self.model = self.model or error.asked or None
        self.error = error.cleaned(self.context.cleaner.words)
        if self._told_in_answer(self.error):
            return
        self.status = error.status
        self.answer = self.dialect.error(error, self.head._replace(request_id=self.id))
        for name, value in self.headers(error):
            self.answer.headers.add(name, value)
        if flow.response is None:
            flow.response = self.answer

    def _told_in_answer(self, error: GatewayError) -> bool:
        """Whether the client has the head of an answer already; the error stands at the end of that one then."""
        if self._begun is not None:
            self._begun.last_error = error
        return self._begun is not None

    def headers(self, error: GatewayError | None = None) -> tuple[tuple[str, str], ...]:
        """What an answer says of how it came about."""
        about = error.about if error else None
        of_it = self.attempt_loop.headers(about) if self.attempt_loop else ()
        allowed = self.allowance.headers() if self.allowance else ()
        return (*self.head.id_fields(self.id), *allowed, *of_it)

    # -- what is told of it ---------------------------------------------------------------------------------------
    def info(self, flow: http.HTTPFlow) -> ExchangeInfo:
        """What is known of it from the first."""
        return ExchangeInfo(self.id, self.key, self.client, self.method, self.path, self.dialect.name, flow, self)

    def watch(self, moved: Callable[[], None] | None) -> None:
        self.moved = moved

    @property
    def stage(self) -> Stage:
        return self.attempt_loop.stage if self.attempt_loop is not None else Stage.READ

    @property
    def tries(self) -> int:
        return self.attempt_loop.attempts if self.attempt_loop is not None else 0

    @property
    def about(self) -> tuple[str, str, str] | None:
        """Model, provider and account that are being asked, or were asked last."""
        attempt_loop = self.attempt_loop
        return (attempt_loop.asking or attempt_loop.about) if attempt_loop is not None else None

    @property
    def client_request(self) -> str:
        return self.client_body.decode("utf-8", "replace")

    def _outcome(self, flow: http.HTTPFlow, *, left: bool) -> Outcome:
        attempt_loop = self.attempt_loop
        last = attempt_loop.last if attempt_loop else None
        report = last.report if last else None
        first = report.first_token_at if report else None
        outcome, status, error = self._ending(last, left=left)
        about = error.about if error and error.about else attempt_loop.about if attempt_loop else None
        cached = self._cached
        kept = cached.given if cached is not None else None
        model, provider, account = about or (kept.model if kept is not None else self.model, None, None)
        return Outcome(
            id=self.id,
            key=self.key,
            path=self.path,
            status=status,
            model=model,
            provider=provider,
            account=account,
            records=(*(self._beside.records if self._beside else ()), *(attempt_loop.records if attempt_loop else ())),
            first_token_ms=round((first - self.began) * 1000) if first is not None else None,
            total_ms=round((self.context.clock() - self.began) * 1000),
            usage=report.usage if report else kept.usage if kept is not None else None,
            outcome=outcome,
            error_code=(error.code or error.type) if error else None,
            client=self.client,
            method=self.method,
            asked=self.model,
            why=error.message if error else self._left_at(last) if outcome == "client_left" else "",
            wait_ms=round(attempt_loop.waited_s * 1000) if attempt_loop else 0,
            dialect=self.dialect.name,
            error=self.error,
            flow=flow,
            client_body=self.client_body,
            request=self.request,
            retry=retries_in(self.head.headers),
            operation=self.head.operation,
            identity=self.identity,
            cache=cached.state if cached is not None else "",
            began=self.began,
            trail=(attempt_loop.way.trail or ()) if attempt_loop else (),
            received_bytes=self._body.size if self._body is not None else 0,
            sent_bytes=len(kept.body) if kept is not None else self._sent_bytes(last, flow),
            replayed=kept.body if kept is not None else b"",
            uploaded_bytes=self._uploaded_bytes,
        )

    @staticmethod
    def _sent_bytes(last: Attempt | None, flow: http.HTTPFlow) -> int:
        """Of the body that the client got: of a provider's answer, or of one that was made here."""
        if last is not None and last.begun:
            return last.delivered_bytes
        return len(flow.response.raw_content or b"") if flow.response is not None else 0

    @property
    def _cached(self) -> CachedAnswer | None:
        return self.attempt_loop.ask.cached if self.attempt_loop is not None else None

    @property
    def _uploaded_bytes(self) -> int:
        """Of a body that was passed on while it came."""
        upload = self.uploading
        return upload.came_bytes if upload is not None and upload.parsed is not None else 0

    def _ending(self, last: Attempt | None, *, left: bool) -> tuple[str, int, GatewayError | None]:
        """How it ended: outcome, the status the client got, and what it was told went wrong."""
        if left:
            return "client_left", self.status if last is not None and last.begun else CLIENT_LEFT, None
        if self.error is not None and self._begun is not None:
            return "broken_off", self.status, self.error
        if self.error is not None:
            asked = self.attempt_loop is not None and self.attempt_loop.attempts and not self._is_refused
            return "failed" if self.error.status >= 500 or asked else "refused", self.status, self.error
        if last is not None and last.reader.state is State.FAILED:
            return "broken_off", self.status, last.broken_off()
        return "ok", self.status, None

    def _left_at(self, last: Attempt | None) -> str:
        if last is None:
            return "the client left before a provider was asked"
        if last.report.first_token_at is None:
            return "the client left before the first word"
        return "the client left in the middle of the answer"
