"""The life of the process: start, reload, jobs, drain, end."""

import logging
from collections.abc import Sequence
from typing import Final

from mitmproxy.master import Master

from addons.app import address_file
from addons.app.configured_vault import vault_path
from addons.app.control import Inbox, folder_beside
from addons.app.control_desk import ControlDesk
from addons.app.door import outcome_of_head
from addons.app.drain import Drain
from addons.app.exchanges import Exchanges
from addons.app.garbage_collection import collect_in_small_steps
from addons.app.in_force import InForce
from addons.app.job_list import CONFIGURATION, JobList
from addons.app.jobs import Jobs
from addons.app.listeners import move_listeners
from addons.app.optional_part import OptionalPart
from addons.app.outside import Outside
from addons.app.reload import Reload
from addons.app.runtime import Running
from addons.app.signals import install_signal_handlers
from addons.app.start import Started, announce, started
from addons.app.stream_side import StreamSide
from addons.app.unserved_names import UnservedReport
from addons.config.loader import ConfigError
from addons.exchange.observer import Observers
from addons.exchange.request_log import setup_logging
from addons.ingress.endpoints import Inside
from addons.inspect.annotator import Annotator
from addons.keys.limits import NO_LIMITS, KeyLimits
from addons.mitm.compat import UnfitMitmproxy
from addons.mitm.console import log_handler
from addons.mitm.hook_table import idle_addons
from addons.mitm.inspector import Inspector
from addons.stream.deps import RefusedHead
from addons.tasks import Background
from addons.vault.errors import VaultError

log = logging.getLogger("glassgate")

START_LOG: Final = logging.getLogger("mitmproxy.glassgate")
"""mitmproxy stops when something is logged as an error while it starts; that must not pass by our own handler."""


class Process:
    """Starts, reloads and ends the gateway of one process. `in_force` has the running parts, which a reload changes."""

    def __init__(
        self,
        master: Master,
        in_force: InForce,
        exchanges: Exchanges,
        stream: StreamSide,
        outside: Outside,
        optional: Sequence[OptionalPart] = (),
    ) -> None:
        self._master = master
        self._in_force = in_force
        self._exchanges = exchanges
        self._stream = stream
        self._outside = outside
        self._optional = optional
        self.drain = Drain(
            lambda: len(exchanges), exchanges.end_all, master.shutdown, in_force.drain_s, stream.acceptor.unsent
        )
        self._jobs = Jobs(outside.clock)
        self._background = Background()
        self._unserved = UnservedReport()
        self._observers = Observers(())
        self._start: Started | None = None
        self._reload: Reload | None = None

    def start(self, annotator: Annotator, inspector: Inspector, observers: Observers) -> None:
        """Starts everything and lets requests in, or ends the process and says why."""
        master, self._observers = self._master, observers
        try:
            start = started(master.options, self._stream.upstream, annotator.step, self._outside)
        except (ConfigError, VaultError, UnfitMitmproxy) as e:
            START_LOG.error("Glassgate cannot start.\n%s", e)
            master.shutdown()
            return
        self._start = start
        self._take_up(start.parts)
        start.parts.mirror.restore()
        self._stream.acceptor.start()
        annotator.live = inspector.start(self._outside.clock)
        self._reload = Reload(
            start.parts.config.file, self._in_force.parts, self._take_up, start.guard.hosts, self._outside.now
        )
        config = start.parts.config
        desk = ControlDesk(
            Inbox(folder_beside(vault_path(config)), config.file),
            self._in_force.parts,
            self._exchanges.end_of_removed_keys,
        )
        jobs = JobList(
            self._in_force.parts,
            self._stream.sweeper,
            self._stream.upstream,
            self._reload,
            desk,
            inspector.view,
            annotator.live,
            lambda: self._report_unserved(asked=True),
            self._outside.clock,
        )
        for job in (*jobs.jobs(), *(job for part in self._optional for job in part.jobs())):
            self._jobs.start(job)
        if start.modes != list(master.options.mode):
            self._jobs.once("listeners", move_listeners(master.options, start.modes))
        install_signal_handlers(self.drain, self._look_now, master)
        collect_in_small_steps()
        resting = idle_addons(master.addons, master.options) if master.options.gateway_lean else ()
        announce(start, self.inside(), master.options, len(resting))

    def check_change(self, updated: set[str]) -> None:
        """An option of mitmproxy's was changed. Raises OptionsError, which puts it back."""
        if self._start is not None:
            self._start.guard.check_change(self._in_force.parts().config, updated)

    def _take_up(self, parts: Running) -> None:
        """Puts the running parts in force; requests under way keep those they began with."""
        assert self._start is not None
        self._in_force.found = parts
        settings = parts.config.sections.log
        setup_logging(settings.level, settings.format, log_handler(self._master))
        self._stream.take_up(self._start.files, self._exchanges.find, self._refused_head)
        self._exchanges.end_of_removed_keys(parts.rules)
        for part in self._optional:
            part.take_up(parts)
        self._report_unserved(asked=self._reload is not None)

    def _refused_head(self, found: RefusedHead) -> None:
        self._background.spawn(self._observers.ended(outcome_of_head(found)), "telling of a refused head")

    def _report_unserved(self, *, asked: bool) -> None:
        """Says which models config.yaml names and nobody serves; `asked`: the sites were asked for their lists."""
        parts = self._in_force.parts()
        self._unserved.write(parts.config, parts.models(), parts.providers, asked=asked)

    def _look_now(self) -> None:
        """Somebody asks for the configuration to be looked at."""
        if self._reload is not None:
            self._reload.ask()
            self._jobs.wake(CONFIGURATION)

    def inside(self, identity: bytes | None = None, key: str = "", limits: KeyLimits = NO_LIMITS) -> Inside:
        """What answers of the gateway's own are made of, for a client key, its name and what it may do."""
        parts = self._in_force.parts()
        return Inside(
            index=parts.models(),
            can_serve=parts.pool.can_serve,
            report=parts.report,
            problems=self.problems,
            variants=parts.config.sections.models.variants,
            draining=self.drain.begun,
            serves=lambda: parts.pool.any_can_serve(parts.context.moment()),
            created=int(self._outside.now()),
            kept=parts.context.kept.of(identity),
            key=key,
            limits=limits,
            toolless=frozenset(name for name, own in parts.context.features.items() if not own.tools),
        )

    def problems(self) -> list[str]:
        """What is wrong while the gateway serves what it knew before."""
        reload = self._reload.problem if self._reload is not None else None
        optional = (words for part in self._optional for words in part.problems())
        parts = self._in_force.parts()
        aged = parts.config.tls.age_problem(self._outside.now()) if parts.config.tls is not None else None
        found = (reload, parts.problem(), parts.managed.problem, aged, *self._jobs.problems(), *optional)
        return [words for words in found if words]

    async def end(self) -> None:
        self._jobs.stop()
        for part in self._optional:
            await self._close(part)
        if (parts := self._in_force.found) is not None and self._start is not None:
            await parts.close()
            address_file.forget(vault_path(parts.config).parent, self._start.url)
        await self._stream.close()  # last: renewals under way have gone over it

    @staticmethod
    async def _close(part: OptionalPart) -> None:
        """Whatever becomes of one part, the others are ended."""
        try:
            await part.close()
        except Exception:
            log.exception("%s could not be put away at the end: a fault of the gateway", type(part).__name__)
