"""The replay button of mitmweb: a gateway flow is sent again, edited or not, with the real secret put in at the wire.

mitmproxy would send the flow as it stands, placeholders and all. So the call is made here, as a preparing call is, and
its answer put on the flow: mitmproxy then has nothing left to send. The run before stays beside it, as a flow of its
own.
"""

import asyncio
import copy
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from mitmproxy import ctx, http
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from addons.accounts.way_in import way_in
from addons.app.runtime import Running
from addons.cleaning.bodies import searchable, show_as_searched
from addons.cleaning.cleaner import Cleaner
from addons.errors import GatewayError
from addons.exchange.outcome import AttemptRecord, Outcome
from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.flow_places import FlowPlaces
from addons.inspect.summary import marker, summary_line
from addons.recordings.check import DecodedAnswer, decode_again
from addons.recordings.recording import RecordedAnswer, RecordedRequest, Recording, RecordingProblem, cut_again
from addons.transport.places import sealed_call
from addons.transport.sealing import Owner
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Usage
from providers.contract.provider import AnyProvider
from providers.contract.session import Session
from providers.contract.steps import Answer

_HOP: Final = frozenset({"content-length", "transfer-encoding", "connection", "host", "accept-encoding"})
_APART_S: Final = 0.001
"""Runs before stand above the flow in a list sorted by time, by less than this, in their order."""


@dataclass(slots=True)
class _Run:
    """One answer as it came. Times in seconds since the call was sent."""

    answer: Answer
    arrivals: list[tuple[float, int]]
    total_s: float


@dataclass(slots=True)
class Replayer:
    """Sends flows again. `show` takes a flow that is to stand in the list; `tell` tells observers how it ended."""

    places: FlowPlaces
    show: Callable[[http.HTTPFlow], None]
    tell: Callable[[Outcome], Awaitable[None]]
    clock: Callable[[], float] = time.monotonic
    _last: WeakKeyDictionary[http.HTTPFlow, tuple[int, http.HTTPFlow]] = field(default_factory=WeakKeyDictionary)
    """How often a flow was sent again, and how it looked after the last time: mitmproxy keeps its first state only."""

    async def replay(self, flow: http.HTTPFlow, running: Running) -> None:
        """Puts the provider's new answer on the flow. Raises GatewayError when the flow cannot be sent again."""
        annotation = annotation_of(flow)
        provider = running.providers.get(annotation.provider) if annotation else None
        if annotation is None or provider is None or running.pool.find(annotation.provider, annotation.account) is None:
            message = "only exchanges with a configured account can be sent again"
            raise GatewayError(400, message, code="replay_unsupported")
        if annotation.cut_request:
            message = "only the beginning of this request was kept (inspect.body_kb), so it cannot be sent again"
            raise GatewayError(400, message, code="replay_unsupported")
        try:
            run = await self._send(flow, annotation, provider, running)
        except ProviderError as error:
            failure = GatewayError.from_provider(
                error, annotation.provider, annotation.account, way_in(provider, annotation.account)
            )
            nothing = _fresh(annotation, outcome="failed", error=failure.message)
            await self.tell(_outcome(flow, nothing, failure.status, failure.code or failure.type))
            raise failure from None
        response, read = await asyncio.to_thread(_read, run, annotation, provider, running.cleaner)
        before = self._before(flow)
        flow.metadata = dict(flow.metadata)  # the old one is in mitmproxy's backup, which Revert puts back
        flow.response = response
        annotation = _noted(annotation, run, response.status_code, read)
        annotation.put_on(flow)
        flow.comment, flow.marked = summary_line(annotation), marker(annotation)
        self._remember(flow)
        if before is not None:
            self.show(before)
        code = read.error.kind.value if read.error is not None else None
        await self.tell(_outcome(flow, annotation, response.status_code, code, read.usage))

    async def _send(self, flow: http.HTTPFlow, annotation: Annotation, provider: AnyProvider, running: Running) -> _Run:
        """Raises ProviderError."""
        account = running.pool.find(annotation.provider, annotation.account)
        assert account is not None
        session = await running.pool.renewal.session(account)
        places = self.places.of(flow, Owner(annotation.provider, annotation.account))
        call = sealed_call(flow.request, _url(flow, provider), places, _HOP)
        run = await self._once(provider, call, session, running)
        if run.answer.status == 401 and call.secrets:  # else the refusal says nothing of the session
            await running.pool.renewal.rejected(account, session, ProviderError(ErrorKind.SESSION_EXPIRED, "refused"))
            run = await self._once(provider, call, session, running)
        return run

    async def _once(self, provider: AnyProvider, call: Call, session: Session, running: Running) -> _Run:
        began, arrivals = self.clock(), list[tuple[float, int]]()
        answer = await running.steps.send(
            provider, call, session, lambda length: arrivals.append((self.clock() - began, length))
        )
        return _Run(answer, arrivals, self.clock() - began)

    # -- the runs before ------------------------------------------------------------------------------------------
    def _before(self, flow: http.HTTPFlow) -> http.HTTPFlow | None:
        """The flow as it was before it was sent again, as one of its own. None where that is not known any more."""
        count, kept = self._last.get(flow, (0, None))
        if kept is None and flow._backup is not None:
            found = http.HTTPFlow.from_state(copy.deepcopy(flow._backup))
            found.id = str(uuid.uuid4())
            kept = found if isinstance(found, http.HTTPFlow) else None
        if kept is None or (annotation := annotation_of(kept)) is None:
            return None
        kept.live = kept.intercepted = False
        kept._backup = None
        kept.timestamp_created = flow.timestamp_created - _APART_S / (count + 2)
        kept.metadata = dict(kept.metadata)
        annotation = replace(annotation, followed=True)
        annotation.put_on(kept)
        kept.comment, kept.marked = summary_line(annotation), marker(annotation)
        return kept

    def _remember(self, flow: http.HTTPFlow) -> None:
        count, _ = self._last.get(flow, (0, None))
        self._last[flow] = (count + 1, flow.copy())


def _fresh(annotation: Annotation, *, outcome: str, error: str = "") -> Annotation:
    """The annotation of another run of the same request: nothing of the run before stands in it."""
    return Annotation(
        request_id=annotation.request_id,
        part=annotation.part,
        provider=annotation.provider,
        account=annotation.account,
        model=annotation.model,
        attempt=1,
        most=1,
        call=annotation.call,
        outcome=outcome,
        error=error,
        stream=annotation.stream,
        client_request=annotation.client_request,
    )


def _noted(annotation: Annotation, run: _Run, status: int, read: DecodedAnswer) -> Annotation:
    """What is noted of a run that was answered."""
    problem = read.error.message if read.error is not None else f"status {status}" if status >= 400 else ""
    fresh = _fresh(
        annotation, outcome="failed" if problem else "replayed", error=f"replayed: {problem}" if problem else ""
    )
    return replace(
        fresh,
        first_token_ms=read.first_token_ms,
        total_ms=round(run.total_s * 1000),
        prompt_tokens=read.usage.prompt_tokens if read.usage is not None else None,
        completion_tokens=read.usage.completion_tokens if read.usage is not None else None,
        delivered=read.delivered,
        arrivals=tuple(run.arrivals),
    )


def _outcome(
    flow: http.HTTPFlow, annotation: Annotation, status: int, code: str | None, usage: Usage | None = None
) -> Outcome:
    """How it ended that somebody at the inspector had a flow sent again, under the request's own id."""
    return Outcome(
        id=annotation.request_id,
        key="-",
        path=flow.request.path.partition("?")[0],
        status=status,
        model=annotation.model or None,
        provider=annotation.provider,
        account=annotation.account,
        records=(
            AttemptRecord(
                annotation.request_id, 1, annotation.model, annotation.provider, annotation.account, usage=usage
            ),
        ),
        first_token_ms=annotation.first_token_ms,
        total_ms=annotation.total_ms or 0,
        usage=usage,
        outcome=annotation.outcome,
        error_code=code,
        client="inspector",
        method=flow.request.method,
        why=annotation.error,
    )


def _read(
    run: _Run, annotation: Annotation, provider: AnyProvider, cleaner: Cleaner
) -> tuple[http.Response, DecodedAnswer]:
    """The answer as it stands in a flow, and what a client would have been sent of it. Blocks as long as that takes."""
    response = _response(run.answer, cleaner, (annotation.provider, annotation.account))
    body = response.raw_content or b""
    answered = RecordedAnswer(
        status=response.status_code,
        headers=tuple(response.headers.items(multi=True)),
        pieces=cut_again(body, run.arrivals, len(run.answer.body)),
    )
    asked = Recording(
        request_id=annotation.request_id,
        provider=provider.type_name,
        model=annotation.model,
        outcome="",
        client_request=annotation.client_request,
        request=RecordedRequest(method="POST", url=""),
        answer=answered,
    )
    try:
        read = decode_again(asked, answered, provider)
    except RecordingProblem:  # the client's request was not kept, or somebody has made the flow
        return response, DecodedAnswer("", None, None, None)
    # A secret that came in pieces may be whole in what a client gets.
    return response, replace(read, delivered=cleaner.text(read.delivered, (annotation.provider, annotation.account)))


def _url(flow: http.HTTPFlow, provider: AnyProvider) -> str:
    """Where the flow went. One out of a file has lost its address: mitmproxy puts the reverse target in its place, in
    the Host too. The connection it was sent over still knows it; StepRunner sees to it that it is the provider's own.
    """
    request, connected = flow.request, flow.server_conn.address
    if (request.host, request.port) not in _reverse_targets() or connected is None:
        return request.url
    for origin in sorted(provider.origins()):
        parts = urlsplit(origin)
        if (parts.hostname, parts.port) == connected[:2]:
            return origin + request.path
    return request.url


def _reverse_targets() -> set[tuple[str, int]]:
    modes = [ProxyMode.parse(mode) for mode in ctx.options.mode]
    return {(str(mode.address[0]), int(mode.address[1])) for mode in modes if isinstance(mode, ReverseMode)}


def _response(answer: Answer, cleaner: Cleaner, owner: tuple[str, str]) -> http.Response:
    """The answer with secrets taken out, as it stands in any flow."""
    skipped = {*_HOP, "content-encoding"}
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items() if name not in skipped]
    response = http.Response.make(answer.status, b"", headers)
    cleaner.head(response, owner)
    response.content = cleaner.data(searchable(answer.body), owner)
    show_as_searched(response)
    return response
