"""The gateway as mitmproxy sees it: hooks in, calls to the rooms out. A fault in a hook ends in a JSON 500."""

import functools
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from mitmproxy import ctx, eventsequence, http
from mitmproxy import flow as mflow
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.hooks import UpdateHook
from mitmproxy.proxy import layer
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from addons.accounts.sessions import FRESH_S
from addons.app import whereabouts
from addons.app.command_bar import CommandBar
from addons.app.configured_vault import open_vault, vault_path
from addons.app.door_outcomes import outcome_of, outcome_of_head
from addons.app.doors import Doors
from addons.app.drain import Drain
from addons.app.first_words import expected_checks
from addons.app.garbage_collection import collect_in_small_steps
from addons.app.hardening import harden, raise_file_limit
from addons.app.job_list import CONFIGURATION, JobList
from addons.app.jobs import Jobs
from addons.app.listeners import move_listeners
from addons.app.outside import Outside
from addons.app.reload import Reload
from addons.app.replayer import Replayer
from addons.app.rules import client_limits, connection_limits
from addons.app.runtime import Running
from addons.app.served_names import Teller
from addons.app.signals import heed_signals
from addons.app.welcome import QUIET_START, welcome
from addons.cleaning.cleaner import NOTHING_KNOWN, Cleaner
from addons.cleaning.fields import Fields
from addons.cleaning.log_records import clean_records
from addons.config.loader import ConfigError, load_config
from addons.config.version import version
from addons.dialects import registry
from addons.errors import GatewayError
from addons.exchange.attempt import Attempt
from addons.exchange.exchange import Exchange
from addons.exchange.observer import Observers
from addons.exchange.request_log import RequestLog, setup_logging
from addons.ingress import endpoints as local
from addons.ingress.front_door import (
    client_of,
    hide_keys,
    key_removed,
    new_id,
    path_of,
    proof_for,
    refusal_below,
    request_head_of,
    told_beside,
    without_body,
)
from addons.ingress.gate import Admission, GateRules, admit, still_admitted
from addons.ingress.key_proof import PROOF
from addons.ingress.policies import InFlight, NotDraining, Policy, shutting_down
from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.annotator import Annotator
from addons.inspect.flow_places import FlowPlaces
from addons.inspect.live import Live
from addons.inspect.views import register_views
from addons.mitm.columns import show_stories
from addons.mitm.compat import UnfitMitmproxy, check_mitmproxy
from addons.mitm.console import log_handler, show_stories_in_console
from addons.mitm.dropped import release_when_dropped
from addons.mitm.exports import complete_har, explain_placeholders
from addons.mitm.hook_table import HookTable, is_idle
from addons.mitm.onlookers import Onlookers, have_chats_read_again, read_again_in_console
from addons.mitm.search import Words, search_in
from addons.mitm.web_link import address_to_tell, tell_link
from addons.mitm.web_order import list_in_time_order
from addons.recordings.archive import ArchiveKeeper
from addons.recordings.reading import decoder_for
from addons.stream.acceptor import Acceptor
from addons.stream.body_budget import BodyBudget
from addons.stream.connection_limits import ConnectionLimiter
from addons.stream.connections import ClientConnections
from addons.stream.credentials import HeldCredentials
from addons.stream.deps import LayerDeps, RefusedHead
from addons.stream.layer import choose_layer
from addons.stream.message_checks import skip_message_checks
from addons.stream.refusal import note
from addons.stream.sweeper import Sweeper
from addons.tasks import Background
from addons.vault.errors import VaultError
from addons.words.commands import serves
from providers.contract.provider import Decoder

log = logging.getLogger("glassgate")
START_LOG = logging.getLogger("mitmproxy.glassgate")
"""mitmproxy stops when something is logged as an error while it starts; that must not pass by our own handler."""


type Hook = Callable[["Glassgate", http.HTTPFlow], Awaitable[None]]


def fenced(hook: Hook) -> Hook:
    """Fail closed: whatever a hook raises becomes a JSON 500 for the client, and nothing is sent upstream."""

    @functools.wraps(hook)
    async def inner(self: "Glassgate", flow: http.HTTPFlow) -> None:
        try:
            await hook(self, flow)
        except Exception:
            log.exception("a hook failed; the request is answered with 500")
            exchange = self.exchanges.get(flow.id)
            request_id = exchange.id if exchange else new_id()
            error = GatewayError(500, "the gateway failed; nothing was sent. Its log says why.", code="internal_error")
            flow.response = exchange.dialect.error(error) if exchange else registry.refusal(flow.request.path, error)
            flow.response.headers["x-request-id"] = request_id
            if exchange is None:
                note(flow, error)
            else:
                exchange.attempt, exchange.error, exchange.status = None, error, 500
                exchange.answer = flow.response
        if flow.request.method == "HEAD" and flow.live and flow.response is not None:
            without_body(flow.response)  # refusals too: what follows the head would be read as the next answer

    return inner


def _was_refused(flow: http.HTTPFlow, exchange: Exchange) -> bool:
    """Whether it was the gateway that ended the request before it was whole."""
    return exchange.attempt_loop is None and exchange.error is not None and flow.response is not None


class Glassgate:
    """The addon. State: the running configuration and the exchanges under way."""

    def __init__(self, outside: Outside | None = None) -> None:
        self._outside = outside = outside or Outside()
        self.running_parts: Running | None = None
        self.exchanges: dict[str, Exchange] = {}
        self.drain = Drain(lambda: len(self.exchanges), self._end_all, lambda: ctx.master.shutdown(), self._drain_s)
        self.policies: tuple[Policy, ...] = (
            NotDraining(lambda: self.drain.begun),
            InFlight(lambda: len(self.exchanges), lambda: self._parts().config.sections.limits.requests),
        )
        self._jobs = Jobs(outside.clock)
        self._clients = ClientConnections(ctx.master, registry.refusal)
        self._sweeper = Sweeper(outside.clock, self._clients.deliver, self._clients.drop)
        self._credentials, self._body_budget = HeldCredentials(), BodyBudget()
        self._acceptor = Acceptor(ctx.master, ConnectionLimiter(), lambda: self._deps.limits.head_s, registry.refusal)
        self._deps = LayerDeps(lambda flow: None, self._sweeper, registry.refusal)
        self._files, self._url = 0, ""
        self._reload: Reload | None = None
        self._ending = Background()
        self._doors: Doors | None = None
        self._names = Teller()
        own_key = secrets.token_bytes(32)  # without a vault flows can be sent again by this process alone
        self._places = FlowPlaces(lambda: self._parts().flow_key() or own_key)
        self._annotator = Annotator(
            self._show,
            self._looked_at,
            self._keep,
            self._places,
            self._cleaner,
            lambda: self._parts().context.limits,
        )
        self.observers = Observers((RequestLog(), self._annotator, ArchiveKeeper(self._keep)))
        self._replayer = Replayer(self._places, self._annotator.present, self.observers.ended)
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
        ctx.options.process_deferred()  # mitmproxy does so next, where a value that cannot be is told to nobody
        # Eager would dial the reverse target before any hook; the Host header must arrive as the client sent it.
        ctx.options.update(connection_strategy="lazy", keep_host_header=True)
        CommandBar(lambda: self.running_parts).add_to(loader)
        HookTable(ctx.master.addons, ctx.options, lambda addon: is_idle(addon, ctx.options))
        explain_placeholders()
        skip_message_checks()
        self._end_clean_records = clean_records(lambda text: self._cleaner().log(text))
        register_views(self._decoder_for, lambda text: self._cleaner().text(text))
        view = ctx.master.addons.get("view")
        search_in(Words(self._decoder_for, None if view is None else lambda flow: view.update([flow])))

    def running(self) -> None:
        os.umask(0o077)
        harden()  # before the first secret is read
        self._files = raise_file_limit()
        try:
            check_mitmproxy()
            serves(file := Path(ctx.options.gateway_config))
            config = load_config(file)
            doors = Doors(ctx.options)
            modes = doors.checked_modes(config)
            ca_file = ctx.options.ssl_verify_upstream_trusted_ca or None
            parts = Running(
                config, open_vault(config), ca_file=ca_file, seen=self._annotator.step, outside=self._outside
            )
        except (ConfigError, VaultError, UnfitMitmproxy) as e:
            START_LOG.error("Glassgate cannot start.\n%s", e)
            ctx.master.shutdown()
            return
        self._doors = doors
        self._install(parts)
        self._acceptor.start()
        self._mend_inspector()
        self._reload = Reload(config.file, self._parts, self._install, doors.hosts)
        jobs = JobList(
            self._parts,
            self._sweeper,
            self._reload,
            ctx.master.addons.get("view"),
            self._annotator.live,
            lambda: self._tell_names(asked=True),
            self._outside.clock,
        )
        for job in jobs.jobs():
            self._jobs.start(job)
        if modes != list(ctx.options.mode):
            self._jobs.once("listeners", move_listeners(ctx.options, modes))
        heed_signals(self.drain, self._look_now, ctx.master)
        doors.tell(config)
        collect_in_small_steps()
        for said in (words for provider in parts.providers.values() for words in provider.doubts()):
            log.warning("%s", said)
        self._url = doors.address(modes)
        whereabouts.leave(vault_path(config).parent, config.file, self._url)
        said = self._welcome(parts, f"{self._url}/v1")
        log.info(said.partition("\n")[0] if os.environ.pop(QUIET_START, "") else said)
        tell_link()
        if words := expected_checks(parts.providers):
            log.info("%s", words)

    def _welcome(self, parts: Running, base_url: str) -> str:
        inside = self._inside(parts)
        aliases = parts.config.sections.models.aliases
        listed = [name for name, _ in inside.listed(everything=False)]
        own = {model.id for model in inside.index.models()}  # a model goes before an alias of its name
        models = [name for name in listed if name in own or name not in aliases]
        web_port = getattr(ctx.options, "web_port", None) if "web_port" in ctx.options else None
        inspector = address_to_tell(web_port)
        keyless = parts.config.skip_auth
        env_file = parts.config.file.parent / ".env"
        return welcome(
            version(),
            base_url,
            parts.config.file,
            parts.report(),
            models,
            aliases,
            inspector=inspector,
            keyless=keyless,
            key_file=env_file if "AUTH_TOKEN" not in os.environ and env_file.is_file() else None,
        )

    def configure(self, updated: set[str]) -> None:
        """An option of mitmproxy's was changed. Raises OptionsError, which puts it back, while the gateway runs."""
        if self._doors is not None and self.running_parts is not None:
            self._doors.check_change(self.running_parts.config, updated)

    def _install(self, parts: Running) -> None:
        """Puts the running parts in force; requests under way keep those they began with."""
        self.running_parts = parts
        settings = parts.config.sections
        setup_logging(settings.log.level, settings.log.format, log_handler(ctx.master))
        self._acceptor.limiter.rules = connection_limits(parts.config, self._files)
        self._deps = LayerDeps(
            self._find,
            self._sweeper,
            registry.refusal,
            client_limits(parts.config),
            self._clients,
            self._outside.clock,
            refused=self._refused_head,
            tracker=self._acceptor,
            body_budget=self._body_budget,
            credentials=self._credentials,
            extra_headers=self._extra_headers,
        )
        self._end_removed(parts.rules)
        self._tell_names(asked=self._reload is not None)

    def _look_now(self) -> None:
        """Somebody asks for the configuration to be looked at."""
        if self._reload is not None:
            self._reload.ask()
            self._jobs.wake(CONFIGURATION)

    def _tell_names(self, *, asked: bool) -> None:
        """Says which models config.yaml names and nobody serves; `asked`: the sites were asked for their lists."""
        parts = self._parts()
        self._names.tell(parts.config, parts.models(), parts.providers, asked=asked)

    def _end_removed(self, rules: GateRules) -> None:
        """Ends the requests of client keys that are not in force any more."""
        removed = [e for e in self.exchanges.values() if not still_admitted(e.identity, rules)]
        if not removed:
            return
        log.warning("%d requests of client keys that were removed are ended", len(removed))
        for exchange in removed:
            exchange.stop(key_removed())
        ports = set(map(id, removed))
        self._ending.spawn(self._sweeper.end(lambda one: id(getattr(one, "port", None)) in ports), "ending requests")

    def _extra_headers(self, request: http.Request) -> Fields:
        """Asked of the rules in force, by connections that are older than these too."""
        return told_beside(request, self.running_parts.rules.allowed_origins) if self.running_parts else ()

    def _cleaner(self) -> Cleaner:
        return self.running_parts.cleaner if self.running_parts else NOTHING_KNOWN

    def _parts(self) -> Running:
        assert self.running_parts
        return self.running_parts

    def _drain_s(self) -> float:
        return self.running_parts.config.sections.timeouts.drain_s if self.running_parts else 0.0

    async def _end_all(self) -> None:
        """Ends every request under way: with a last word where an answer was begun, else with a refusal."""
        for exchange in list(self.exchanges.values()):
            exchange.stop(shutting_down())
        await self._sweeper.end()

    async def done(self) -> None:
        self._jobs.stop()
        if self.running_parts is not None:
            await self.running_parts.close()
            whereabouts.forget(vault_path(self.running_parts.config).parent, self._url)
        self._end_clean_records()

    # -- what people see ------------------------------------------------------------------------------------------
    def _mend_inspector(self) -> None:
        view, saver = ctx.master.addons.get("view"), ctx.master.addons.get("savehar")
        show_stories(ctx.options)
        show_stories_in_console(ctx.master)
        if view is not None:  # (an empty view is false)
            release_when_dropped(view)
            onlookers = Onlookers(self._outside.clock)
            if (app := getattr(ctx.master, "app", None)) is not None:  # mitmweb's
                onlookers.watch_web(app)
                have_chats_read_again()
                list_in_time_order(app)
            self._annotator.live = Live(self._outside.clock, view, onlookers.look, self._changed)
        if saver is not None:
            complete_har(saver)

    def _decoder_for(self, note: Annotation) -> Decoder | None:
        return decoder_for(note, self.running_parts.providers) if self.running_parts else None

    @staticmethod
    async def _changed(flows: Sequence[mflow.Flow]) -> None:
        await ctx.master.addons.trigger_event(UpdateHook(flows))
        if not hasattr(ctx.master, "app"):  # mitmproxy's console
            read_again_in_console(ctx.master.addons.get("view"), flows)

    def update(self, flows: Sequence[mflow.Flow]) -> None:
        """mitmproxy tells whoever looks of changed flows."""
        if self._annotator.live is not None:
            for flow in flows:
                self._annotator.live.seen(flow)

    def _looked_at(self) -> bool:
        if self.running_parts is not None and self.running_parts.archive.recording:
            return True
        return ctx.master.addons.get("view") is not None or bool(ctx.options.save_stream_file)

    @staticmethod
    async def _show(flow: http.HTTPFlow) -> None:
        for hook in eventsequence.iterate(flow):
            await ctx.master.addons.handle_lifecycle(hook)

    # -- the stream layer's side ----------------------------------------------------------------------------------
    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        choose_layer(nextlayer, self._deps)

    def client_connected(self, client: Client) -> None:
        self._clients.adapt_handler(client)

    def server_connect(self, data: ServerConnectionHookData) -> None:
        data.server.alpn_offers = [b"http/1.1"]  # whatever the client speaks: one protocol to know the faults of

    def _find(self, flow: http.HTTPFlow) -> Exchange | None:
        return self.exchanges.get(flow.id)

    # -- hooks ----------------------------------------------------------------------------------------------------
    @fenced
    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        request_id = new_id()
        if annotation_of(flow) is not None and (flow.is_replay == "request" or not flow.live):
            return  # a flow of an attempt or step, which has its annotation already, or a flow loaded from a file
        flow.metadata["request_id"] = request_id
        if flow.error:
            return  # the head is malformed; mitmproxy says so to the client
        parts = self.running_parts
        shown = self._credentials.take(flow.request)
        try:
            if parts is None:
                raise GatewayError(503, "the gateway is starting; try again in a moment", code="starting")
            if flow.is_replay == "request":
                raise GatewayError(400, "only exchanges of the gateway can be sent again", code="replay_unsupported")
            admission = admit(request_head_of(flow, shown), parts.rules)
        except GatewayError as error:
            await self._refuse(flow, request_id, error.key or "-", error, shown)
            return
        hide_keys(flow.request, self._cleaner(), shown)
        flow.metadata["client_key"] = admission.key
        if admission.action == "health" and admission.key:  # who has no key is told what was known before
            await parts.pool.refresh(FRESH_S)
        await self._begin(flow, request_id, admission, parts)

    async def _begin(self, flow: http.HTTPFlow, request_id: str, admission: Admission, parts: Running) -> None:
        try:
            for policy in self.policies:
                policy.check(admission)
            answer = local.answer(admission, self._inside(parts))
        except GatewayError as error:
            await self._refuse(flow, request_id, admission.key, error, {})
            return
        if answer is not None:
            answer.headers["x-request-id"] = request_id
            if admission.action == "health" and (proof := proof_for(flow, parts.config.tokens)):
                answer.headers[PROOF] = proof
            flow.response = answer
            await self._answered(flow, request_id, admission.key or "-")
            return
        assert admission.dialect is not None
        began = self._outside.clock()
        exchange = Exchange(request_id, admission.key, admission.dialect, parts.context, began, admission.identity)
        exchange.client, exchange.method, exchange.path = self._client_of(flow), flow.request.method, path_of(flow)
        exchange.codings = admission.codings
        self.exchanges[flow.id] = exchange

    async def _refuse(
        self, flow: http.HTTPFlow, request_id: str, key: str, error: GatewayError, shown: Mapping[str, str]
    ) -> None:
        """Answers with the error and notes it; neither has a secret that the head had anywhere."""
        cleaner = hide_keys(flow.request, self._cleaner(), shown)
        flow.response = registry.refusal(flow.request.path, error.cleaned(cleaner.words))
        flow.response.headers["x-request-id"] = request_id
        await self._answered(flow, request_id, key, error)

    def _inside(self, parts: Running) -> local.Inside:
        reload = self._reload.problem if self._reload else None
        return local.Inside(
            index=parts.models(),
            can_serve=parts.pool.can_serve,
            report=parts.report,
            problems=lambda: [said for said in (reload, parts.problem(), *self._jobs.problems()) if said],
            variants=parts.config.sections.models.variants,
            draining=self.drain.begun,
            created=int(self._outside.now()),
        )

    @fenced
    async def request(self, flow: http.HTTPFlow) -> None:
        exchange = self.exchanges.get(flow.id)
        if exchange is not None and flow.response is None:
            await self.observers.begun(exchange.info(flow))
            await exchange.open(flow)
            await self._moved_on(flow, exchange)
        elif flow.is_replay == "request" and flow.response is None:
            try:
                await self._replayer.replay(flow, self._parts())
            except GatewayError as error:
                flow.response = registry.refusal(flow.request.path, error)
                flow.comment = f"{flow.comment} not sent again: {error.message}"

    @fenced
    async def attempt_failed(self, flow: http.HTTPFlow) -> None:
        exchange = self.exchanges.get(flow.id)
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

    def _keep(self, flow: http.HTTPFlow, attempt: Attempt | None = None) -> None:
        if (parts := self.running_parts) is not None:
            parts.keep(flow, attempt)

    async def _over(self, flow: http.HTTPFlow) -> None:
        """The request has ended, one way or another."""
        self._body_budget.ended(flow.id)
        exchange = self.exchanges.pop(flow.id, None)
        if exchange is None:
            await self._refused_below(flow)
            return
        self.drain.one_less()
        outcome = exchange.over(flow, client_left=flow.error is not None and not _was_refused(flow, exchange))
        for record in exchange.new_records():
            await self.observers.attempted(record)
        await self.observers.ended(outcome)

    async def _refused_below(self, flow: http.HTTPFlow) -> None:
        """A request that was refused before or instead of a hook: malformed, too large, or a hook failed."""
        if annotation_of(flow) is not None or not flow.live or flow.is_replay is not None:
            return
        if (error := refusal_below(flow)) is not None:
            told = flow.response.headers.get("x-request-id") if flow.response else None
            await self._answered(flow, told or flow.metadata.get("request_id") or new_id(), "-", error)

    def _refused_head(self, found: RefusedHead) -> None:
        self._ending.spawn(self.observers.ended(outcome_of_head(found)), "telling of a refused head")

    async def _answered(
        self, flow: http.HTTPFlow, request_id: str, key: str, error: GatewayError | None = None
    ) -> None:
        """No provider was asked: this is how it ended."""
        await self.observers.ended(outcome_of(flow, self._client_of(flow), request_id, key, error))

    def _client_of(self, flow: http.HTTPFlow) -> str:
        return client_of(flow, self._acceptor.limiter.rules)
