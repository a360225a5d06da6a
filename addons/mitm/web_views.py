"""mitmweb's content views, read in a thread: a long stream takes a second, and the gateway serves others.

Uses mitmweb's own handler (mitmproxy.tools.web.app, of the version that mitm/compat.py asks for), at its own place.
"""

import asyncio
import logging
from typing import Final

from mitmproxy.tools.web.app import FlowContentView
from tornado.web import Application

log = logging.getLogger("glassgate")

PLACE: Final = (
    r"/flows/(?P<flow_id>[0-9a-f\-]+)/(?P<message>request|response|messages)"
    r"/content/(?P<content_view>[0-9a-zA-Z\-\_%]+)(?:\.json)?"
)


class ViewInThread(FlowContentView):
    """The handler of a message as a view shows it. Who asks was checked before; mitmweb's own work is beneath that
    check."""

    async def get(  # type: ignore[override]  # tornado awaits what is to be awaited
        self, flow_id: str, message: str, content_view: str
    ) -> None:
        plain = getattr(FlowContentView.get, "__wrapped__", FlowContentView.get)
        await asyncio.to_thread(plain, self, flow_id, message, content_view)


def read_in_threads(app: Application) -> None:
    """Puts the handler before mitmweb's own, which does the same while others wait. Raises nothing."""
    try:
        app.add_handlers(".*", [(PLACE, ViewInThread)])
    except Exception as e:
        log.warning("mitmweb's views are read while requests wait: %s", e)
