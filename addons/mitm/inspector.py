"""mitmproxy's own ways of looking at flows (mitmweb, its console, its view, saved files), fitted to the gateway's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mitmproxy import eventsequence, http
from mitmproxy import flow as mflow
from mitmproxy.addons.view import View
from mitmproxy.hooks import UpdateHook
from mitmproxy.master import Master

from addons.inspect.annotation import Annotation
from addons.inspect.live import Live
from addons.inspect.views import register_views
from addons.mitm.columns import show_summaries
from addons.mitm.console import show_summaries_in_console
from addons.mitm.dropped import release_when_dropped
from addons.mitm.exports import complete_har, explain_placeholders
from addons.mitm.search import FlowTexts, search_in
from addons.mitm.viewers import Viewers, refresh_chat_in_console, tell_pages
from addons.mitm.web_order import list_in_time_order
from providers.contract.operation import Decoder


@dataclass(frozen=True, slots=True)
class Inspector:
    """The inspector of one mitmproxy."""

    master: Master

    @property
    def view(self) -> View | None:
        """The list of flows, where there is one. (An empty one is false.)"""
        found: View | None = self.master.addons.get("view")
        return found

    def load(self, decoder_for: Callable[[Annotation], Decoder | None], clean: Callable[[str], str]) -> None:
        """Views, search and exports, before any flow is loaded. `clean` takes secrets out of a text."""
        view = self.view
        explain_placeholders()
        register_views(decoder_for, clean)
        search_in(FlowTexts(decoder_for, None if view is None else lambda flow: view.update([flow])))

    def start(self, clock: Callable[[], float]) -> Live | None:
        """The list, and what keeps running flows up to date in it where there is one."""
        master, view = self.master, self.view
        show_summaries(master.options)
        show_summaries_in_console(master)
        if (saver := master.addons.get("savehar")) is not None:
            complete_har(saver)
        if view is None:
            return None
        release_when_dropped(view)
        viewers = Viewers(clock)
        live = Live(clock, view, lambda: viewers.any_present() or self._filters(), self._changed)
        if (app := getattr(master, "app", None)) is not None:  # mitmweb's
            viewers.watch_web(app)
            tell_pages(live.bring_up_to_date)
            list_in_time_order(app)
        return live

    def _filters(self) -> bool:
        """Whether mitmproxy looks at running flows by itself: what it stops or lists may depend on their summary."""
        return any(getattr(self.master.options, name, None) for name in ("intercept", "view_filter"))

    def is_used(self) -> bool:
        """Whether flows are listed, or saved to a file."""
        return self.view is not None or bool(self.master.options.save_stream_file)

    async def show(self, flow: http.HTTPFlow) -> None:
        """Hands a finished flow to mitmproxy's own addons."""
        for hook in eventsequence.iterate(flow):
            await self.master.addons.handle_lifecycle(hook)

    async def _changed(self, flows: Sequence[mflow.Flow]) -> None:
        await self.master.addons.trigger_event(UpdateHook(flows))
        if not hasattr(self.master, "app") and (view := self.view) is not None:  # mitmproxy's console
            refresh_chat_in_console(view, flows)
