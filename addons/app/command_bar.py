"""Commands for mitmproxy's command bar: what the gateway knows and can do, without leaving the inspector."""

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from mitmproxy import ctx, flow, http
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import CommandError

from addons.accounts.report import report_lines
from addons.app.runtime import Running
from addons.inspect.annotation import Annotation, annotation_of
from addons.recordings.archive import describe_state
from addons.recordings.cases import FOLDER, PREPARING, case_of, keep
from addons.recordings.recording import RecordingProblem, RecordingSource, recording_of

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class CommandBar:
    """The commands `gateway.*`. `running` gives the running parts, None while the gateway starts."""

    def __init__(self, running: Callable[[], Running | None]) -> None:
        self._find_running = running

    def add_to(self, loader: Loader) -> None:
        for name in ("accounts", "models", "record", "replay", "save_case"):
            loader.add_command(f"gateway.{name}", getattr(self, name))
        loader.add_command("gateway.savecase", self.save_case)  # mitmweb's own bar takes no underscore

    def accounts(self) -> Sequence[str]:
        """How every account is."""
        return report_lines(self._running.report(), time.time())

    def models(self) -> Sequence[str]:
        """The models served, and by whom."""
        running = self._running
        index = running.models()
        return [
            f"{model.id}: {', '.join(_served_by(route.provider, running) for route in index.find(model.id))}"
            for model in index.models()
        ]

    def record(self, state: str = "") -> str:
        """Switch recording `on` or `off`; `status`, or no word, tells how it stands."""
        archive = self._running.archive
        if state not in ("", "status"):
            if state not in ("on", "off"):
                raise CommandError("gateway.record takes on, off or status")
            try:
                archive.switch(enabled=state == "on")
            except OSError as e:
                raise CommandError(f"recording cannot be switched: {e.strerror}") from None
        return describe_state(enabled=archive.recording, folder=archive.folder)

    def replay(self, flows: Sequence[flow.Flow]) -> None:
        """Send exchanges of the gateway again, with the real secrets put in at the wire."""
        for one in flows:
            _annotation(one)
        ctx.master.commands.call("replay.client", list(flows))

    def save_case(self, exchange: flow.Flow, name: str = "") -> str:
        """Keep an exchange as a regression case; tells what was replaced in it."""
        annotation = _annotation(exchange)
        provider = self._running.providers.get(annotation.provider)
        if annotation.part == "step":
            raise CommandError(PREPARING)
        if not isinstance(exchange, http.HTTPFlow) or annotation.part != "attempt" or provider is None:
            raise CommandError("only an attempt at a configured provider can become a case")
        if name and not _NAME.fullmatch(name):
            raise CommandError("a case's name is of letters, digits, dots, dashes and underscores")
        try:
            case = case_of(
                recording_of(
                    exchange, RecordingSource(annotation, provider.type_name, clean=self._running.cleaner.text)
                )
            )
            path = keep(case, FOLDER, name or f"{provider.type_name}-{annotation.request_id[-8:]}")
        except RecordingProblem as problem:
            raise CommandError(str(problem)) from None
        read = "today's adapter reads it differently" if case.differs else "it is read as it was delivered"
        return f"kept as {path}; replaced in it: {case.replaced}; {read}"

    @property
    def _running(self) -> Running:
        if (running := self._find_running()) is None:
            raise CommandError("the gateway is starting")
        return running


def _annotation(found: flow.Flow) -> Annotation:
    annotation = annotation_of(found)
    if annotation is None:
        raise CommandError("this flow is not one of the gateway's")
    if annotation.part == "local":
        raise CommandError("the gateway answered this itself: there is no exchange with a provider")
    return annotation


def _served_by(provider: str, running: Running) -> str:
    return provider if running.pool.can_serve(provider) else f"{provider} (no session)"
