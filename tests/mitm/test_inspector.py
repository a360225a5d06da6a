"""mitmproxy's own ways of looking at flows, with those of its parts that a master has."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import eventsequence, flow, hooks
from mitmproxy.addons import export
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.addons.view import View
from mitmproxy.contentviews import registry
from mitmproxy.test import taddons, tflow

from addons.inspect.live import Live
from addons.mitm import inspector as module
from addons.mitm.exports import HINT
from addons.mitm.inspector import Inspector
from addons.mitm.viewers import Viewers


class Noting:
    """An addon that notes the flows it is handed."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def request(self, flow: flow.Flow) -> None:
        self.seen.append(("request", flow.id))

    def response(self, flow: flow.Flow) -> None:
        self.seen.append(("response", flow.id))

    def update(self, flows: list[flow.Flow]) -> None:
        self.seen += [("update", one.id) for one in flows]


@pytest.fixture(autouse=True)
def _mitmproxys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts back at the end what is changed of mitmproxy itself."""
    for name in ("curl", "httpie"):
        monkeypatch.setitem(export.formats, name, export.formats[name])


def with_master(does: Callable[[Any, Noting], Awaitable[None]], *addons: object) -> None:
    async def run() -> None:
        noting = Noting()
        with taddons.context(*addons, noting) as context:
            await does(context.master, noting)

    asyncio.run(run())


def test_without_a_list_nothing_is_kept_up_to_date() -> None:
    async def does(master: Any, noting: Noting) -> None:
        inspector = Inspector(master)
        inspector.load(lambda annotation: None, str)
        assert inspector.view is None
        assert inspector.start(lambda: 0.0) is None
        assert "chat" in registry.available_views()

    with_master(does)


@pytest.mark.parametrize(("listed", "file", "used"), [(True, "", True), (False, "+x", True), (False, "", False)])
def test_flows_are_of_use_where_they_are_listed_or_saved(listed: bool, file: str, used: bool) -> None:
    async def does(master: Any, noting: Noting) -> None:
        master.options.add_option("save_stream_file", str, file, "")
        assert Inspector(master).is_used() is used

    with_master(does, *([View()] if listed else []))


def test_an_empty_list_is_one() -> None:
    async def does(master: Any, noting: Noting) -> None:
        inspector = Inspector(master)
        assert inspector.view is not None
        live = inspector.start(lambda: 0.0)
        assert isinstance(live, Live)
        assert len(live) == 0

    with_master(does, View())


def test_saved_files_and_exports_are_made_whole() -> None:
    async def does(master: Any, noting: Noting) -> None:
        saver = master.addons.get("savehar")
        inspector = Inspector(master)
        inspector.load(lambda annotation: None, str)
        inspector.start(lambda: 0.0)
        one = tflow.tflow(resp=False)
        one.comment = "the story"
        [entry] = saver.make_har([one])["log"]["entries"]
        assert (entry["comment"], entry["response"]["content"]["size"]) == ("the story", 0)
        assert HINT not in export.formats["curl"](one), "it is none of the gateway's"

    with_master(does, SaveHar(), export.Export())


def test_a_flow_that_is_dropped_while_it_is_stopped_goes_on() -> None:
    async def does(master: Any, noting: Noting) -> None:
        inspector = Inspector(master)
        inspector.start(lambda: 0.0)
        one = tflow.tflow()
        view = inspector.view
        assert view is not None
        view.add([one])
        one.intercept()
        waiting = asyncio.create_task(one.wait_for_resume())
        await asyncio.sleep(0)
        one.kill()
        view.update([one])
        await asyncio.wait_for(waiting, 5)

    with_master(does, View())


def test_a_finished_flow_is_handed_to_every_addon_in_the_order_of_its_life() -> None:
    async def does(master: Any, noting: Noting) -> None:
        one = tflow.tflow(resp=True)
        await Inspector(master).show(one)
        told = [hook.name for hook in eventsequence.iterate(one)]
        assert [name for name, _ in noting.seen if name != "update"] == [
            name for name in told if name in ("request", "response")
        ]
        assert {seen for _, seen in noting.seen} == {one.id}

    with_master(does)


@pytest.mark.parametrize("web", [False, True], ids=["console", "mitmweb"])
def test_changed_flows_are_told_and_the_consoles_open_one_painted(web: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[object] = []
    monkeypatch.setattr(module, "refresh_chat_in_console", lambda view, flows: painted.append(flows))

    async def does(master: Any, noting: Noting) -> None:
        if web:
            master.app = SimpleNamespace()
        one = tflow.tflow()
        await Inspector(master)._changed([one])
        assert ("update", one.id) in noting.seen
        assert painted == ([] if web else [[one]])
        assert hooks.UpdateHook.name == "update"

    with_master(does, View())


def test_mitmwebs_pages_are_counted_and_its_list_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(Viewers, "watch_web", lambda self, app: done.append("watched"))
    monkeypatch.setattr(module, "tell_pages", lambda bring_up_to_date: done.append("told"))
    monkeypatch.setattr(module, "list_in_time_order", lambda app: done.append("ordered"))

    async def does(master: Any, noting: Noting) -> None:
        master.app = SimpleNamespace()
        assert Inspector(master).start(lambda: 0.0) is not None

    with_master(does, View())
    assert done == ["watched", "told", "ordered"]


@pytest.mark.parametrize("option", ["intercept", "view_filter"])
def test_a_filter_of_mitmproxys_looks_at_what_runs(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Viewers, "any_present", lambda self: False)

    async def does(master: Any, noting: Noting) -> None:
        if option not in master.options:
            master.options.add_option(option, str | None, None, "")
        live = Inspector(master).start(lambda: 0.0)
        assert live is not None
        assert not live.looked_at()
        master.options.update(**{option: "~comment running"})
        assert live.looked_at()

    with_master(does, View())
