"""The gateway as mitmproxy sees it: hooks in, calls to the rooms out. A fault in a hook ends in a JSON 500."""

import functools
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import get_args

from mitmproxy import ctx, http
from mitmproxy import flow as mflow
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.proxy import layer
from mitmproxy.tls import TlsData

from addons.accounts.sessions import FRESH_S
from addons.app import wiring
from addons.app.command_bar import CommandBar
from addons.app.door import Door
from addons.app.drain import Drain
from addons.app.exchanges import Exchanges
from addons.app.in_force import InForce
from addons.app.outside import Outside
from addons.app.process import START_LOG, Process
from addons.app.replayer import Replayer
from addons.app.runtime import Running
from addons.app.stream_side import StreamSide
from addons.cleaning.log_records import clean_records
from addons.config.schema import Driver
from addons.dialects import registry
from addons.errors import GatewayError
from addons.exchange.exchange import Exchange
from addons.exchange.form_upload import form_upload
from addons.exchange.observer import Observers
from addons.ingress import endpoints as local
from addons.ingress.gate import STARTING, Admission, admit, is_liveness
from addons.ingress.head_redaction import redact_head
from addons.ingress.request_head import path_of, request_head_of
from addons.inspect.annotation import annotation_of
from addons.inspect.annotator import Annotator
from addons.inspect.flow_places import FlowPlaces
from addons.mitm.hook_table import HookTable, format_logs_for_hooks_alone, is_idle
from addons.mitm.inspector import Inspector
from addons.mitm.message_checks import remember_message_checks
from addons.stream.refusal import mark_refused
from addons.stream.request_head import new_request_id

log = logging.getLogger("glassgate")

type Hook = Callable[["Glassgate", http.HTTPFlow], Awaitable[None]]


def fenced(hook: Hook) -> Hook:
    """Fail closed: whatever a hook raises becomes a JSON 500 for the client, and nothing is sent upstream."""

    @functools.wraps(hook)
    async def inner(self: "Glassgate", flow: http.HTTPFlow) -> None:
        try:
            await hook(self, flow)
        except Exception:
            log.exception("a hook failed; the request is answered with 500")
            exchange = self.exchanges.find(flow)
            request_id = exchange.id if exchange else new_request_id()
            error = GatewayError(500, "the gateway failed; nothing was sent. Its log says why.", code="internal_error")
            if exchange is not None:
                flow.response = exchange.dialect.error(error, exchange.head._replace(request_id=request_id))
                for name, value in exchange.head.id_fields(request_id):
                    flow.response.headers[name] = value
            else:
                flow.response = registry.refusal(flow.request.path, error, flow.request.headers, request_id)
            if exchange is None:
                mark_refused(flow, error)
            else:
                exchange.fail(error, flow.response)
        if flow.request.method == "HEAD" and flow.live and flow.response is not None:
            local.without_body(flow.response)  # refusals too: what follows the head would be read as the next answer

    return inner


class Glassgate:
    """The addon. `outside` has the network and the clocks."""

    def __init__(self, outside: Outside | None = None) -> None:
        self._outside = outside = outside or Outside()
        self._in_force = in_force = InForce()
        self._stream = StreamSide(ctx.master, in_force, outside)
        self.exchanges = Exchanges(self._stream.sweeper)
        optional = wiring.optional_parts(
            in_force, outside, self.exchanges, lambda: self.drain.begun, lambda: self._process.problems()
        )
        self._answering = {action: how for part in optional for action, how in part.answers().items()}
        self._process = Process(ctx.master, in_force, self.exchanges, self._stream, outside, optional)
        self._inspector = Inspector(ctx.master)
        own_key = secrets.token_bytes(32)  # without a vault flows can be sent again by this process alone
        places = FlowPlaces(lambda: in_force.parts().flow_key() or own_key)
        self._annotator = Annotator(
            self._inspector.show,
            self._looked_at,
            in_force.keep,
            places,
            in_force.cleaner,
            in_force.limits,
            in_force.cost,
        )
        self.policies = wiring.policies(in_force, self.exchanges, lambda: self.drain.begun)
        self.observers = Observers((*wiring.observers(in_force, self._annotator), *optional))
        self._door = Door(in_force, self._stream, self.observers)
        self._replayer = Replayer(places, self._annotator.present, self.observers.ended)
        self._end_clean_records: Callable[[], None] = lambda: None

    # -- life of the process --------------------------------------------------------------------------------------
    def load(self, loader: Loader) -> None:
        """Ends the process when it fails: mitmproxy would go on without us, and be a proxy that wants no key."""
        try:
            self._load(loader)
        except Exception as e:
            START_LOG.error("Glassgate cannot start.\n%s", e)
            raise

    def _load(self, loader: Loader) -> None:
        loader.add_option("gateway_config", str, "config.yaml", "Glassgate's configuration file.")
        text = "Do not call addons of mitmproxy's own whose option is unset. (Default: where nobody looks at flows.)"
        loader.add_option("gateway_lean", bool, self._inspector.view is None, text)
        text = "The driver of plain HTTP/1.1 clients, in the place of listen.driver in config.yaml."
        loader.add_option("gateway_driver", str, "", text, choices=["", *get_args(Driver.__value__)])
        ctx.options.process_deferred()  # mitmproxy does so next, where a value that cannot be is told to nobody
        # Eager would dial the reverse target before any hook; the Host header must arrive as the client sent it.
        ctx.options.update(connection_strategy="lazy", keep_host_header=True)
        if "keep_alt_svc_header" in ctx.options:  # no client gets it, so that flows may show what the provider said
            ctx.options.update(keep_alt_svc_header=True)
        if "onboarding" in ctx.options:  # mitmproxy's own page: whoever asks for its host is refused here
            ctx.options.update(onboarding=False)
        CommandBar(lambda: self.running_parts).add_to(loader)
        table = HookTable(
            ctx.master.addons, ctx.options, lambda addon: ctx.options.gateway_lean and is_idle(addon, ctx.options)
        )
        self._stream.heads_are_heard = lambda: (
            table.has("responseheaders") or (self._annotator.live is not None or table.has("update", besides=self))
        )
        format_logs_for_hooks_alone(ctx.master, table)
        remember_message_checks()
        self._end_clean_records = clean_records(self._in_force.log_text)
        self._inspector.load(self._in_force.decoder_for, self._in_force.shown_text)

    def running(self) -> None:
        self._process.start(self._annotator, self._inspector, self.observers)

    def configure(self, updated: set[str]) -> None:
        """An option of mitmproxy's was changed. Raises OptionsError, which puts it back, while the gateway runs."""
        self._process.check_change(updated)
        self._stream.options_changed(updated)

    async def done(self) -> None:
        await self._process.end()
        self._end_clean_records()

    @property
    def running_parts(self) -> Running | None:
        """What runs; None while the gateway starts."""
        return self._in_force.found

    @property
    def drain(self) -> Drain:
        return self._process.drain

    # -- who looks ------------------------------------------------------------------------------------------------
    def update(self, flows: Sequence[mflow.Flow]) -> None:
        """mitmproxy tells whoever looks of changed flows."""
        if self._annotator.live is not None:
            for flow in flows:
                self._annotator.live.shown(flow)

    def _looked_at(self) -> bool:
        parts = self._in_force.found
        return (parts is not None and parts.archive.recording) or self._inspector.is_used()

    # -- connections ----------------------------------------------------------------------------------------------
    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        self._stream.choose_layer(nextlayer)

    def client_connected(self, client: Client) -> None:
        self._stream.connected(client)

    def tls_start_client(self, tls_start: TlsData) -> None:
        self._stream.tls.begin(tls_start)

    # -- requests -------------------------------------------------------------------------------------------------
    @fenced
    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        request_id = new_request_id()
        if annotation_of(flow) is not None and (flow.is_replay == "request" or not flow.live):
            return  # a flow of an attempt or step, which has its annotation already, or a flow loaded from a file
        flow.metadata["request_id"] = request_id
        if flow.error:
            return  # the head is malformed; mitmproxy says so to the client
        parts = self.running_parts
        shown = self._stream.credentials.take(flow.request)
        try:
            head = request_head_of(flow, shown)
            if parts is None and not is_liveness(head):
                raise GatewayError(503, "the gateway is starting; try again in a moment", code="starting")
            if flow.is_replay == "request":
                raise GatewayError(400, "only exchanges of the gateway can be sent again", code="replay_unsupported")
            admission = admit(head, parts.rules if parts is not None else STARTING)
        except GatewayError as error:
            await self._door.refuse(flow, request_id, error.key or "-", error, shown)
            return
        redact_head(flow.request, self._in_force.cleaner(), shown)
        flow.metadata["client_key"] = admission.key
        if parts is None:
            await self._door.answer(flow, request_id, admission, local.alive())
            return
        if admission.action == "health" and admission.key:  # who has no key is told what was known before
            await parts.pool.refresh(FRESH_S)
        await self._begin(flow, request_id, admission, parts)

    async def _begin(self, flow: http.HTTPFlow, request_id: str, admission: Admission, parts: Running) -> None:
        try:
            for policy in self.policies:
                policy.check(admission)
            answer = None if admission.wants_body else await self._answer(flow, admission)
        except GatewayError as error:
            await self._door.refuse(flow, request_id, admission.key, error, {})
            return
        if answer is not None:
            await self._door.answer(flow, request_id, admission, answer)
            return
        assert admission.dialect is not None
        began, client = self._outside.clock(), self._stream.client_of(flow)
        exchange = Exchange(request_id, admission.key, admission.dialect, parts.context, began, admission.identity)
        exchange.codings, exchange.client, exchange.method = admission.codings, client, flow.request.method
        exchange.path, exchange.head = path_of(flow), admission.head
        fields, packed = flow.request.headers, bool(admission.codings)
        exchange.uploading = form_upload(
            parts.context, admission.dialect, admission.route, admission.head, fields, packed=packed
        )
        exchange.key_limits = admission.limits
        if not admission.asks_model:
            most_values = parts.context.limits.body_values
            exchange.local = local.body_reading(admission, self._inside(admission), most_values)
        self.exchanges.add(flow, exchange)

    async def _answer(self, flow: http.HTTPFlow, admission: Admission) -> http.Response | None:
        """What is answered at a request's head. Raises GatewayError."""
        if (answering := self._answering.get(admission.action)) is not None:
            return await answering(flow.request.headers.get("accept", ""))
        return local.answer(admission, self._inside(admission))

    def _inside(self, admission: Admission) -> local.Inside:
        return self._process.inside(admission.identity, admission.key, admission.limits)

    @fenced
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = self.exchanges.find(flow)
        if exchange is not None and flow.response is None:
            if exchange.local is None:
                await self.observers.begun(exchange.info(flow))
            await exchange.open(flow)
            await self._moved_on(flow, exchange)
        elif flow.is_replay == "request" and flow.response is None:
            try:
                await self._replayer.replay(flow, self._in_force.parts())
            except GatewayError as error:
                flow.response = registry.refusal(flow.request.path, error)
                flow.comment = f"{flow.comment} not sent again: {error.message}"

    @fenced
    async def attempt_failed(self, flow: http.HTTPFlow) -> None:
        exchange = self.exchanges.find(flow)
        if exchange is None:
            return
        shown = self._annotator.split_off(flow, exchange.id) if exchange.attempt is not None else None
        await exchange.attempt_failed(flow)
        await self._moved_on(flow, exchange, shown)

    async def _moved_on(self, flow: http.HTTPFlow, exchange: Exchange, shown: http.HTTPFlow | None = None) -> None:
        """An attempt stands in the flow, or the final answer does; `shown` has the attempt before."""
        await self._annotator.planned(flow)
        for record in exchange.new_records(shown):
            await self.observers.attempted(record)

    async def response(self, flow: http.HTTPFlow) -> None:
        await self._over(flow)

    async def error(self, flow: http.HTTPFlow) -> None:
        await self._over(flow)

    async def _over(self, flow: http.HTTPFlow) -> None:
        """The request has ended, one way or another."""
        self._stream.body_budget.ended(flow.id)
        exchange = self.exchanges.take(flow)
        if exchange is None:
            await self._door.refused_below(flow)
            return
        self.drain.one_less()
        outcome = exchange.over(flow)
        for record in exchange.new_records():
            await self.observers.attempted(record)
        await self.observers.ended(outcome)
