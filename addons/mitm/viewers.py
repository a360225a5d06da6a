"""The viewers of flows: the console always is one, mitmweb while a page is open or its API is asked.

Knows how mitmweb is made, as the web_*.py beside it do. What is not there is not found: nobody looks then.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from mitmproxy import flow as mflow
from mitmproxy.addons.view import View
from mitmproxy.contentviews import registry

from addons.inspect.annotation import KEY, RUNNING

if TYPE_CHECKING:
    from tornado.web import RequestHandler

QUEUE_LIMIT: Final = 2000
"""Messages of some 2 KB each that wait for a page: so many come in half a minute of very many running flows."""
VISIT_S: Final = 5.0
"""Who has asked mitmweb's API for flows is taken to look for so long."""


class Viewers:
    """Knows whether anybody looks at flows. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pages: Callable[[], int] | None = None
        self._visited = float("-inf")

    def watch_web(self, app: Any) -> None:
        """Counts the pages of this mitmweb application from now on."""
        from mitmproxy.tools.web.app import ClientConnection

        self._pages = lambda: len(live_pages(ClientConnection.connections))
        before: Callable[[RequestHandler], None] | None = app.settings.get("log_function")

        def answered(handler: "RequestHandler") -> None:
            """Called by tornado behind every answer; who is not signed in gets none of these."""
            if handler.request.path.startswith("/flows") and handler.get_status() < 400:
                self._visited = self._clock()
            if before is not None:
                before(handler)

        app.settings["log_function"] = answered

    def any_present(self) -> bool:
        """Whether anybody looks at flows now."""
        if self._pages is None:
            return True
        return bool(self._pages()) or self._clock() - self._visited < VISIT_S


def live_pages(pages: Collection[Any]) -> Collection[Any]:
    """The pages that take what they are told. One that does not (its computer sleeps) is closed: mitmweb keeps
    all it is to be told, and running flows are much to be told of. A page that wakes asks anew."""
    for page in list(pages):
        queue = getattr(page, "_send_queue", None)
        if queue is not None and queue.qsize() > QUEUE_LIMIT:
            page.on_close()
            page.close()
    return pages


def refresh_chat_in_console(view: View, flows: Sequence[mflow.Flow]) -> None:
    """Repaints the open flow. mitmproxy's console paints a message again when its own bytes or headers have changed;
    Chat, which stands on the request, changes with the answer: the flow that is open is painted anew, as when a view
    has changed."""
    if view.focus.flow in flows:
        registry.on_change.send(registry["chat"])


def tell_pages(bring_up_to_date: Callable[[mflow.Flow], None]) -> None:
    """Makes mitmweb's flows as they are read: up to date, and running chats read again.

    Its page reads a message again when its hash has changed. The Chat view stands on the request, and shows what was
    answered: while that grows, the request's hash says so. For pages nothing is made while there is none.
    """
    from mitmproxy.tools.web import app

    original = getattr(app.flow_to_json, "original", app.flow_to_json)  # a second load takes the place of the first

    def flow_to_json(flow: mflow.Flow) -> dict[str, Any]:
        bring_up_to_date(flow)
        found: dict[str, Any] = original(flow)
        annotation = flow.metadata.get(KEY)
        if isinstance(annotation, dict) and annotation.get("outcome") == RUNNING and "request" in found:
            delivered = annotation.get("delivered")  # a flow of a file may say anything
            size = len(delivered) if isinstance(delivered, str) else 0
            found["request"]["contentHash"] = f"{found['request']['contentHash']}-{size}"
        return found

    flow_to_json.original = original  # type: ignore[attr-defined]
    app.flow_to_json = flow_to_json
    for name in ("broadcast", "broadcast_flow"):
        _only_to_pages(app.ClientConnection, name)


def _only_to_pages(connection: Any, name: str) -> None:
    """Leaves out a way of telling all pages while there is none: mitmweb makes the message first."""
    told = getattr(connection, name)
    original = getattr(told, "original", told)

    def tell(cls: Any, *given: Any, **named: Any) -> None:
        if cls.connections:
            original(*given, **named)

    tell.original = original  # type: ignore[attr-defined]
    setattr(connection, name, classmethod(tell))
