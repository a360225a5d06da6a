"""Hooks called by a table: whatever mitmproxy's own AddonManager does with the same addons is done here too."""

import asyncio
import logging
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions, flow, master, options
from mitmproxy.addonmanager import AddonManager, Loader
from mitmproxy.addons import default_addons
from mitmproxy.addons.anticache import AntiCache
from mitmproxy.addons.block import Block
from mitmproxy.addons.dumper import Dumper
from mitmproxy.addons.modifyheaders import ModifyHeaders
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.script import ScriptLoader
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.hooks import DoneHook, RunningHook, UpdateHook
from mitmproxy.log import LogEntry
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHeadersHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow, tutils

from addons.mitm.hook_table import HookTable, format_logs_for_hooks_alone, idle_addons, is_idle
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


@contextmanager
def silent_root() -> Iterator[None]:
    """Without the handlers of the tests' own, which write every line."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


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
        found.addons.add(Dumper(), *own_addons())
        idle = {type(a).__name__ for a in found.addons.lookup.values() if is_idle(a, opts)}
        assert idle == {
            "AntiCache",
            "AntiComp",
            "BlockList",
            "MapLocal",
            "MapRemote",
            "ModifyBody",
            "ModifyHeaders",
            "ProxyAuth",
            "Save",
            "SaveHar",
            "StickyAuth",
            "StickyCookie",
            "UpstreamAuth",
        }
        assert not is_idle(Block(), opts)
        assert len(idle_addons(found.addons, opts)) == len(idle)
        opts.update(keep_alt_svc_header=True)
        assert "updatealtsvc" in idle_addons(found.addons, opts)
        opts.update(flow_detail=0, map_remote=["|a|b"], stickycookie="~u x", onboarding=False)
        assert {"dumper", "onboarding", "proxyauth"} <= set(idle_addons(found.addons, opts))
        assert not {"mapremote", "stickycookie"} & set(idle_addons(found.addons, opts))

    asyncio.run(play())


def own_addons() -> list[object]:
    """Those of mitmproxy's own that do not listen, and want no CA."""
    return [one for one in default_addons() if not isinstance(one, (Proxyserver, TlsConfig))]


async def exchanged(addons: AddonManager, authorized: bytes = b"") -> list[Any]:
    """What becomes of an exchange that any of mitmproxy's addons would have to do with, if its option says so."""
    asked = tutils.treq(headers=[(b"if-none-match", b"x"), (b"accept-encoding", b"gzip"), (b"cookie", b"a=b")])
    answered = tutils.tresp(
        headers=[(b"set-cookie", b"sticky=1; path=/"), (b"content-length", b"7")], content=b"message"
    )
    if authorized:
        asked.headers["authorization"] = authorized.decode()
    one = tflow.tflow(req=asked)
    one.live, one.client_conn.proxy_mode = True, ProxyMode.parse("reverse:http://127.0.0.1:1")
    await addons.handle_lifecycle(HttpRequestHeadersHook(one))
    await addons.handle_lifecycle(HttpRequestHook(one))
    one.response = one.response or answered
    await addons.handle_lifecycle(HttpResponseHeadersHook(one))
    await addons.handle_lifecycle(HttpResponseHook(one))
    sent = [one.request.url, one.request.headers.fields, one.request.content]
    return [*sent, one.response.status_code, one.response.headers.fields, one.response.content]


@pytest.mark.parametrize("at_start", [True, False])
@pytest.mark.parametrize(
    ("option", "value", "unset"),
    [
        ("anticache", True, False),
        ("anticomp", True, False),
        ("block_list", ["/~all/404"], []),
        ("map_local", ["|//address|FILE"], []),
        ("map_remote", ["|//address|//elsewhere"], []),
        ("modify_body", ["/~s/message/another"], []),
        ("modify_headers", ["/~all/x-mine/yes"], []),
        ("proxyauth", "ada:secret", None),
        ("stickyauth", "~all", None),
        ("stickycookie", "~all", None),
        ("upstream_auth", "ada:secret", None),
    ],
)
def test_an_option_brings_its_addon_back_at_once(
    option: str, value: Any, unset: Any, at_start: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("of this machine")
    value = [one.replace("FILE", str(tmp_path / "file")) for one in value] if isinstance(value, list) else value

    async def play(addons: AddonManager, seen: list[Any]) -> None:
        addons.add(*own_addons())
        if not at_start:
            seen.append(await exchanged(addons))
        addons.master.options.update(**{option: value})
        seen += [await exchanged(addons, b"Basic eA=="), await exchanged(addons)]  # what sticks is seen in the second
        addons.master.options.update(**{option: unset})
        seen.append(await exchanged(addons))

    *_, with_it, without = (one for one in both(play, caplog, idle=True) if isinstance(one, list))
    assert with_it != without


@pytest.mark.parametrize("option", ["save_stream_file", "hardump"])
def test_a_file_that_is_asked_for_later_gets_the_flows_from_then_on(option: str, tmp_path: Path) -> None:
    def saved(*, idle: bool) -> bytes:
        file = tmp_path / f"{option}-{idle}"

        async def play() -> None:
            found, opts = made()
            HookTable(found.addons, opts, lambda addon: idle and is_idle(addon, opts))
            found.addons.add(*own_addons())
            await exchanged(found.addons)
            opts.update(**{option: str(file)})
            await exchanged(found.addons)
            await found.addons.trigger_event(DoneHook())

        asyncio.run(play())
        return file.read_bytes()

    assert saved(idle=True).count(b"sticky=1") == saved(idle=False).count(b"sticky=1") == 1


SCRIPT = """
import logging
def request(flow): flow.metadata.setdefault("seen", []).append("{what}")
async def response(flow): logging.getLogger("script").warning("{what} response")
def update(flows): flows[0].metadata["seen"].append("update")
"""


def test_other_peoples_scripts_are_called_as_they_are_loaded_and_reloaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "script.py"

    async def play(addons: AddonManager, seen: list[Any]) -> None:
        addons.add(ScriptLoader())
        for what in ("first", "second", "broken("):
            file.write_text(SCRIPT.format(what=what) if what != "broken(" else what)
            if what == "first":
                addons.master.options.update(scripts=[str(file)])
            (script,) = addons.get("scriptloader").addons
            script.reloadtask.cancel()  # it looks at the file's time once a second
            script.loadscript()
            one = tflow.tflow()
            await addons.handle_lifecycle(HttpRequestHook(one))
            await addons.handle_lifecycle(HttpResponseHook(one))
            seen.append(one.metadata.get("seen"))

    found = both(play, caplog, idle=True)
    assert found[:2] == [["first", "update", "update"], ["second", "update", "update"]]


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


def test_log_lines_reach_the_old_hook_and_are_made_for_nobody_else() -> None:
    written: list[str] = []

    class Line(str):
        def __str__(self) -> str:
            written.append(self)
            return self

    class Listening:
        def __init__(self) -> None:
            self.heard: list[str] = []

        def add_log(self, entry: LogEntry) -> None:
            self.heard.append(entry.msg.rpartition("] ")[2])

    async def play() -> list[str]:
        opts = options.Options()
        found = master.Master(opts)
        format_logs_for_hooks_alone(found, HookTable(found.addons, opts, lambda addon: False))
        listening = Listening()
        for line in ("one", "two", "three"):
            if line == "two":
                found.addons.add(listening)
            elif line == "three":
                found.addons.remove(listening)
            logging.getLogger("somebody").warning("%s", Line(line))
            await asyncio.sleep(0)
        found._legacy_log_events.uninstall()
        return listening.heard

    with silent_root():
        assert asyncio.run(play()) == ["two"]
    assert set(written) == {"two"}
