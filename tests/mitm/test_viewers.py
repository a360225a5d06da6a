"""Who looks at flows, and what of it is kept for those that do not listen."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy.test import tflow
from mitmproxy.tools.web import app as web

from addons.inspect.annotation import KEY, RUNNING
from addons.mitm.viewers import QUEUE_LIMIT, VISIT_S, Viewers, tell_pages


class Page:
    """A websocket of mitmweb's."""

    def __init__(self, pages: set[Any]) -> None:
        self._pages = pages
        self._send_queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.filters: dict[str, Any] = {}
        self.closed = False
        pages.add(self)

    def on_close(self) -> None:
        self._pages.discard(self)

    def close(self) -> None:
        self.closed = True

    def send(self, message: bytes) -> None:
        self._send_queue.put_nowait(message)

    _json_dumps = staticmethod(web.ClientConnection._json_dumps)
    _broadcast_flow = web.ClientConnection._broadcast_flow


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    found: set[Any] = set()
    monkeypatch.setattr(web.ClientConnection, "connections", found)
    return found


def test_a_page_that_takes_nothing_is_let_go(pages: set[Any]) -> None:
    viewers = Viewers(lambda: 0.0)
    viewers.watch_web(SimpleNamespace(settings={}))
    assert not viewers.any_present()
    deaf, other = Page(pages), Page(pages)
    for _ in range(QUEUE_LIMIT):
        deaf._send_queue.put_nowait(b"a flow")
    assert viewers.any_present()
    assert pages == {deaf, other}
    deaf._send_queue.put_nowait(b"one more")
    assert viewers.any_present()
    assert (pages, deaf.closed, other.closed) == ({other}, True, False)


def test_who_asks_for_flows_looks_for_a_while(pages: set[Any]) -> None:
    now = 0.0
    viewers = Viewers(lambda: now)
    app = SimpleNamespace(settings={})
    viewers.watch_web(app)
    for path, status, looks in (
        ("/flows", 403, False),
        ("/", 200, False),
        ("/flows/x/response/content.data", 200, True),
    ):
        app.settings["log_function"](
            SimpleNamespace(request=SimpleNamespace(path=path), get_status=lambda status=status: status)
        )
        assert viewers.any_present() is looks
    now = VISIT_S
    assert not viewers.any_present()


@pytest.fixture
def as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is replaced is put back at the end."""
    monkeypatch.setattr(web, "flow_to_json", web.flow_to_json)
    for name in ("broadcast", "broadcast_flow"):
        monkeypatch.setattr(web.ClientConnection, name, getattr(web.ClientConnection, name))


def told(pages: set[Any]) -> list[str]:
    """The kinds of messages that pages have been told."""
    return [
        json.loads(page._send_queue.get_nowait())["type"] for page in pages for _ in range(page._send_queue.qsize())
    ]


@pytest.mark.usefixtures("as_it_comes")
def test_pages_are_told_as_before_and_nothing_is_made_for_none(
    pages: set[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    for _ in range(2):  # the addon is loaded again
        tell_pages(lambda flow: read.append(flow.id))
    flow = tflow.tflow()
    with monkeypatch.context() as alone:
        alone.setattr(web.ClientConnection, "_json_dumps", lambda message: pytest.fail("made for nobody"))
        web.ClientConnection.broadcast_flow("flows/add", flow)
        web.ClientConnection.broadcast(type="events/reset")
    assert read == []
    Page(pages)
    web.ClientConnection.broadcast_flow("flows/update", flow)
    web.ClientConnection.broadcast(type="events/reset")
    web.ClientConnection.broadcast_flow_reset()
    assert told(pages) == ["flows/update", "events/reset", "flows/reset"]
    assert read == [flow.id]


@pytest.mark.usefixtures("as_it_comes")
@pytest.mark.parametrize("delivered", ["words", None, 7, ["words"]], ids=repr)
def test_a_flow_of_a_file_that_says_anything_does_not_end_the_list(
    delivered: object,
) -> None:
    tell_pages(lambda flow: None)
    flow = tflow.tflow()
    flow.metadata[KEY] = {"outcome": RUNNING, "delivered": delivered}
    assert web.flow_to_json(flow)["request"]["contentHash"].endswith("-5" if delivered == "words" else "-0")
