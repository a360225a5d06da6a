"""mitmproxy's console: summaries in its flow list, and log lines in its event log instead of over its screen.

Uses the console's own parts (mitmproxy.tools.console.common, of the version that mitm/compat.py asks for). Where
they are not as expected, the rows are mitmproxy's own: only comfort is lost.
"""

import importlib
import logging
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from mitmproxy import http
from mitmproxy.addons.eventstore import EventStore
from mitmproxy.flow import Flow
from mitmproxy.master import Master

from addons.exchange.request_log import one_line_each
from addons.inspect.annotation import KEY
from addons.words.shown import shown

log = logging.getLogger("glassgate")

_COMMON: Final = "mitmproxy.tools.console.common"
_BAD: Final = frozenset({"refused", "failed", "broken_off"})

type ConsoleRow = Callable[..., Any]
"""mitmproxy's `format_flow`: a flow to the widget that stands for it."""


def is_console(master: Master) -> bool:
    return master.addons.get("consoleaddon") is not None


# -- log lines --------------------------------------------------------------------------------------------------------
class _EventLog(logging.Handler):
    """A logging handler for mitmproxy's event log alone: a handler of all records may end the start."""

    def __init__(self, events: EventStore) -> None:
        super().__init__()
        self._events = events
        self.addFilter(one_line_each)

    def emit(self, record: logging.LogRecord) -> None:
        self._events.logger.handle(record)


def log_handler(master: Master) -> logging.Handler | None:
    """The handler of log lines while the console has the terminal: into its event log (key E). None: to stderr as
    ever."""
    events = master.addons.get("eventstore")
    if is_console(master) and isinstance(events, EventStore) and sys.stderr.isatty():
        return _EventLog(events)
    return None


# -- the flow list ----------------------------------------------------------------------------------------------------
def show_summaries_in_console(master: Master) -> None:
    """Makes the console's list show the summary where it would show method, host and path."""
    if not is_console(master):
        return
    common = importlib.import_module(_COMMON)
    if not getattr(common.format_flow, "tells_stories", False):  # a second load of the addon must not do it twice
        common.format_flow = _with_summaries(common.format_flow, common)  # type: ignore[attr-defined]


def _with_summaries(plain: ConsoleRow, common: ModuleType) -> ConsoleRow:
    failed = False

    def format_flow(f: Flow, **how: Any) -> Any:
        nonlocal failed
        if failed or not isinstance(f, http.HTTPFlow) or not f.comment or not isinstance(f.metadata.get(KEY), Mapping):
            return plain(f, **how)
        try:
            return _row(f, plain, common, **how)
        except Exception as e:  # the console would end with it
            failed = True
            log.warning("the console's rows stay mitmproxy's own: %s: %s", type(e).__name__, e)
            return plain(f, **how)

    format_flow.tells_stories = True  # type: ignore[attr-defined]
    return format_flow


def _row(
    f: http.HTTPFlow, plain: ConsoleRow, common: ModuleType, *, render_mode: Any, focused: bool = True, **how: Any
) -> Any:
    """A row: time of day, summary, status, size, duration; on a narrow screen in two lines; on a flow's own page
    above mitmproxy's."""
    urwid = common.urwid
    bad = str(f.metadata[KEY].get("outcome")) in _BAD  # a flow of a file may say anything
    style = "intercept" if f.intercepted else "error" if bad else "text"
    if render_mode is common.RenderMode.DETAILVIEW:
        return urwid.Pile([urwid.Text((style, shown(f.comment))), plain(f, render_mode=render_mode, **how)])
    when = common.format_left_indicators(
        focused=focused, intercepted=f.intercepted, timestamp=f.request.timestamp_start
    )
    story = common.truncated_plain(shown(f.comment), style, "left")
    marked = "" if f.comment.startswith(common.render_marker(f.marked)) else f.marked  # the summary begins with its own
    signs = common.format_right_indicators(replay=bool(f.is_replay), marked=marked)
    figures = list(_figures(f, common, bad=bad))
    if render_mode is common.RenderMode.LIST:
        below = urwid.Columns([("fixed", 10, urwid.Text("")), *figures], dividechars=1)
        return urwid.Pile([urwid.Columns([when, story, signs], dividechars=1), below])
    return urwid.Columns([when, ("weight", 1.0, story), *figures, signs], dividechars=1, min_width=15)


def _figures(f: http.HTTPFlow, common: ModuleType, *, bad: bool) -> Any:
    """Status, size and duration in columns of fixed widths; nothing is known of a flow that is not answered yet."""
    response = f.response
    if response is None:
        yield common.fcol("err" if f.error else "   ", "error")
        yield from (common.fcol(" " * 5, "text"),) * 2
        return
    colour = common.HTTP_RESPONSE_CODE_STYLE.get(response.status_code // 100, "code_other")
    yield common.fcol(common.fixlen(str(response.status_code), 3), "error" if bad else colour)
    size, size_style = common.format_size(len(response.raw_content)) if response.raw_content else ("", "text")
    yield common.fcol(common.fixlen_r(size, 5), size_style)
    ended = response.timestamp_end
    spent = max(ended - f.request.timestamp_start, 0) if ended else 0
    took, took_style = common.format_duration(spent) if spent else ("", "text")
    yield common.fcol(common.fixlen_r(took, 5), took_style)
