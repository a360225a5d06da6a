"""Hooks called by a table: whatever mitmproxy's own AddonManager does with the same addons is done here too."""

import asyncio
import logging
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from mitmproxy import exceptions, flow, master, options
from mitmproxy.addonmanager import AddonManager, Loader
from mitmproxy.addons import default_addons
from mitmproxy.addons.anticache import AntiCache
from mitmproxy.addons.block import Block
from mitmproxy.addons.dumper import Dumper
from mitmproxy.addons.modifyheaders import ModifyHeaders
from mitmproxy.hooks import RunningHook, UpdateHook
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHook, HttpResponseHook
from mitmproxy.test import tflow, tutils

from addons.mitm.hook_table import HookTable, is_idle
from tests.support.counting import work_of

type Play = Callable[[AddonManager, list[Any]], Any]


class Noting:
    """An addon that notes what it is called with, and does then as it is told."""

    def __init__(self, name: str, seen: list[Any], does: str = "", addons: Sequence[object] = ()) -> None:
        self.name, self._seen, self._does = name, seen, does
        if addons:
            self.addons = list(addons)

    def request(self, flow: flow.Flow) -> Any:
        self._seen.append((self.name, "request", id(flow)))
        return self._do()

    def response(self, flow: flow.Flow) -> Any:
        self._seen.append((self.name, "response", id(flow)))

    def update(self, flows: Sequence[flow.Flow]) -> None:
        self._seen.append((self.name, "update", [id(one) for one in flows]))

    def _do(self) -> Any:
        match self._does:
            case "raise":
                raise ValueError(f"{self.name} fails")
            case "halt":
                raise exceptions.AddonHalt
            case "options":
                raise exceptions.OptionsError("no such value")
            case "leave":
                raise SystemExit(3)
            case "await":
                return self._later()
            case "await and raise":
                return self._later(fails=True)
        return None

    async def _later(self, *, fails: bool = False) -> None:
        await asyncio.sleep(0)
        self._seen.append((self.name, "later"))
        if fails:
            raise ValueError(f"{self.name} fails later")


class Bare:
    """An addon that has nothing but what it is given."""

    def __init__(self, **members: Any) -> None:
        vars(self).update(members)

    def __repr__(self) -> str:
        return f"Bare({vars(self)['name']})"


def both(play: Play, caplog: pytest.LogCaptureFixture, *, idle: bool = False) -> list[Any]:
    """What was seen with mitmproxy's own way, which must be what is seen with the table; with the log's lines."""
    found = []
    for table in (False, True):
        caplog.clear()
        seen: list[Any] = []

        async def run(table: bool = table, seen: list[Any] = seen) -> None:
            opts = options.Options()
            made = master.Master(opts)
            made._legacy_log_events.uninstall()
            if table:
                HookTable(made.addons, opts, lambda addon: idle and is_idle(addon, opts))
            await play(made.addons, seen)

        asyncio.run(run())
        lines = [(record.name, record.levelname, record.getMessage(), _trace(record)) for record in caplog.records]
        found.append([*seen, *lines])
    assert found[1] == found[0]
    return found[1]


def _trace(record: logging.LogRecord) -> list[str]:
    """The functions of the trace that was logged: mitmproxy's own are cut off."""
    from traceback import extract_tb

    if not record.exc_info:
        return []
    names = [frame.name for frame in extract_tb(record.exc_info[2])]
    return [
        name
        for name in names
        if name not in ("safecall", "trigger_event", "_iter_hooks", "invoke_addon", "look", "_found")
    ]


FLOW = tflow.tflow(resp=True)


@pytest.mark.parametrize("does", ["", "raise", "halt", "await", "await and raise"])
def test_the_turns_of_the_addons_are_the_same(does: str, caplog: pytest.LogCaptureFixture) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        addons.add(
            Noting("first", seen),
            Noting("parent", seen, does, [Noting("child", seen), Bare(addons=[Noting("grandchild", seen)], name="x")]),
            Noting("last", seen, "await"),
        )
        await addons.handle_lifecycle(HttpRequestHook(FLOW))
        await addons.handle_lifecycle(HttpResponseHook(FLOW))
        await addons.trigger_event(UpdateHook([FLOW, FLOW]))
        await addons.trigger_event(HttpErrorHook(FLOW))

    assert both(play, caplog)


@pytest.mark.parametrize(("does", "raised"), [("options", exceptions.OptionsError), ("leave", SystemExit)])
def test_what_is_for_others_to_see_is_raised(
    does: str, raised: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        addons.add(Noting("first", seen, does), Noting("last", seen))
        try:
            await addons.handle_lifecycle(HttpRequestHook(FLOW))
        except raised as e:
            seen.append(repr(e))

    assert both(play, caplog)[-1].startswith(raised.__name__)


def test_a_member_that_is_no_function_is_told_each_time_and_a_module_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        addons.add(
            Bare(name="a", request=re),  # as in: from mitmproxy import request
            Bare(name="b", request="text"),
            Bare(name="c", request=None, addons=[Noting("d", seen)]),
            Noting("e", seen),
        )
        for _ in range(2):
            await addons.handle_lifecycle(HttpRequestHook(FLOW))

    found = both(play, caplog)
    assert sum("not callable" in str(line) for line in found) == 2


def test_a_member_that_cannot_be_looked_up_hurts_no_other_addon(caplog: pytest.LogCaptureFixture) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        class Odd:
            name, is_closed = "odd", False

            @property
            def request(self) -> Callable[[flow.Flow], None]:
                if self.is_closed:
                    raise ValueError("closed")
                return lambda flow: seen.append("odd")

        odd = Odd()
        addons.add(
            Noting("first", seen), Bare(name="parent", addons=[Noting("child", seen), odd]), Noting("last", seen)
        )
        for closed in (True, True, False):
            odd.is_closed = closed
            await addons.handle_lifecycle(HttpRequestHook(FLOW))

    found = both(play, caplog)
    assert sum("closed" in str(line) for line in found) == 2
    assert "odd" in found


def test_another_addon_that_is_equal_takes_the_place_of_one(caplog: pytest.LogCaptureFixture) -> None:
    @dataclass
    class Equal:
        seen: list[Any] = field(compare=False)
        about: str = field(compare=False)

        def request(self, flow: flow.Flow) -> None:
            self.seen.append(self.about)

    async def play(addons: AddonManager, seen: list[Any]) -> None:
        for about in ("old", "new"):
            one = Equal(seen, about)
            addons.add(one)
            await addons.handle_lifecycle(HttpRequestHook(FLOW))
            addons.remove(one)

    assert both(play, caplog)[:2] == ["old", "new"]


def test_addons_may_come_and_go(caplog: pytest.LogCaptureFixture) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        first, parent = Noting("first", seen), Bare(name="script", addons=[])
        addons.add(first, parent)
        await addons.handle_lifecycle(HttpRequestHook(FLOW))
        for name in ("one", "another"):  # as mitmproxy's script loader does when a script has changed
            child = Noting(name, seen)
            addons.register(child)
            parent.addons = [child]  # type: ignore[attr-defined]
            await addons.handle_lifecycle(HttpRequestHook(FLOW))
            addons.remove(child)
            parent.addons = []  # type: ignore[attr-defined]
            await addons.handle_lifecycle(HttpRequestHook(FLOW))
        addons.remove(first)
        await addons.handle_lifecycle(HttpRequestHook(FLOW))
        addons.clear()
        addons.add(Noting("new", seen))
        await addons.handle_lifecycle(HttpRequestHook(FLOW))

    assert both(play, caplog)


def test_an_addon_may_add_another_while_it_is_called(caplog: pytest.LogCaptureFixture) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        class Adding:
            name = "adding"

            def running(self) -> None:
                seen.append("running")
                addons.add(Noting("added", seen), Running())

        class Running:
            def running(self) -> None:
                seen.append("runs at once")

        addons.add(Adding(), Noting("last", seen))
        await addons.trigger_event(RunningHook())
        assert seen[-1] == "runs at once"
        await addons.handle_lifecycle(HttpRequestHook(FLOW))

    assert both(play, caplog)


def test_any_mix_of_addons(caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(5)
    for round_ in range(60):
        kinds = [rng.choice(["", "raise", "halt", "await", "await and raise"]) for _ in range(rng.randint(0, 5))]
        nested = [rng.random() < 0.4 for _ in kinds]

        async def play(
            addons: AddonManager, seen: list[Any], kinds: list[str] = kinds, nested: list[bool] = nested
        ) -> None:
            for at, (does, inside) in enumerate(zip(kinds, nested, strict=True)):
                one = Noting(f"n{at}", seen, does)
                addons.add(Bare(name=f"p{at}", addons=[one, Noting(f"m{at}", seen)]) if inside else one)
            for _ in range(2):
                await addons.handle_lifecycle(HttpRequestHook(FLOW))

        both(play, caplog)
        assert round_ >= 0


# -- addons of mitmproxy's own ----------------------------------------------------------------------------------------
def made(*skipped: object) -> tuple[master.Master, options.Options]:
    opts = options.Options()
    found = master.Master(opts)
    found._legacy_log_events.uninstall()
    return found, opts


def test_an_idle_addon_is_not_called_until_its_option_is_set() -> None:
    async def play() -> None:
        found, opts = made()
        HookTable(found.addons, opts, lambda addon: is_idle(addon, opts))
        found.addons.add(ModifyHeaders(), AntiCache())
        one = tflow.tflow(req=tutils.treq(headers=[(b"if-none-match", b"x")]))
        one.live = True
        await found.addons.handle_lifecycle(HttpRequestHook(one))
        assert "if-none-match" in one.request.headers
        opts.update(anticache=True)
        await found.addons.handle_lifecycle(HttpRequestHook(one))
        assert "if-none-match" not in one.request.headers
        opts.update(anticache=False)
        one.request.headers["if-none-match"] = "x"
        await found.addons.handle_lifecycle(HttpRequestHook(one))
        assert "if-none-match" in one.request.headers

    asyncio.run(play())


def test_an_option_that_an_addon_sets_counts_for_those_behind_it_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        class Setting:
            def request(self, flow: flow.Flow) -> None:
                seen.append("setting")
                addons.master.options.update(anticache=True)

        addons.add(Setting(), AntiCache(), Noting("last", seen))
        one = tflow.tflow(req=tutils.treq(headers=[(b"if-none-match", b"x")]))
        await addons.handle_lifecycle(HttpRequestHook(one))
        seen.append("if-none-match" in one.request.headers)
        addons.master.options.update(anticache=False)
        seen[:] = [entry for entry in seen if not isinstance(entry, tuple)]  # (ids of flows)

    assert both(play, caplog, idle=True)[:2] == ["setting", False]


def test_what_is_idle_is_said_by_its_option() -> None:
    async def play() -> None:
        found, opts = made()
        found.addons.add(Dumper(), *(a for a in default_addons() if getattr(a, "name", "") != "proxyserver"))
        idle = {type(a).__name__ for a in found.addons.lookup.values() if is_idle(a, opts)}
        assert idle == {
            "AntiCache",
            "AntiComp",
            "BlockList",
            "MapLocal",
            "MapRemote",
            "ModifyBody",
            "ModifyHeaders",
            "Save",
            "SaveHar",
            "StickyAuth",
            "StickyCookie",
            "UpstreamAuth",
        }
        assert not is_idle(Block(), opts)
        opts.update(flow_detail=0, map_remote=["|a|b"], stickycookie="~u x")
        assert is_idle(Dumper(), opts)
        assert not any(is_idle(found.addons.get(name), opts) for name in ("mapremote", "stickycookie"))

    asyncio.run(play())


def test_a_subclass_of_such_an_addon_is_somebody_elses_and_is_called() -> None:
    class Own(AntiCache):
        pass

    assert not is_idle(Own(), made_options())


def made_options() -> options.Options:
    opts = options.Options()
    opts.add_option("anticache", bool, False, "")
    return opts


def test_a_call_costs_the_same_whatever_the_number_of_addons_without_the_hook() -> None:
    """That is what it is for."""

    def cost(count: int) -> int:
        async def play() -> int:
            found, opts = made()
            HookTable(found.addons, opts, lambda addon: False)
            found.addons.add(*(Bare(name=f"b{at}") for at in range(count)))
            event = HttpRequestHook(FLOW)
            await found.addons.handle_lifecycle(event)  # makes the table
            return work_of(lambda: _sent(found.addons.handle_lifecycle(event)))[1]

        return asyncio.run(play())

    assert cost(100) == cost(5)


def _sent(work: Any) -> None:
    """Runs a coroutine that waits for nothing."""
    with pytest.raises(StopIteration):
        work.send(None)


def test_loader_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def play(addons: AddonManager, seen: list[Any]) -> None:
        class Loading:
            name = "loading"

            def load(self, loader: Loader) -> None:
                seen.append(type(loader).__name__)

            def configure(self, updated: set[str]) -> None:
                seen.append(sorted(updated))

        addons.add(Loading())
        addons.master.options.update(listen_port=1234)

    assert both(play, caplog)
