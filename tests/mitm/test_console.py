"""The console's rows and log lines without a console."""

import asyncio
from typing import Any

import pytest
from mitmproxy.test import taddons, tflow
from mitmproxy.tools.console import common

from addons.inspect.annotation import KEY, Annotation
from addons.inspect.summary import summary_line
from addons.mitm.console import _with_summaries, log_handler, show_summaries_in_console

NOTE = Annotation("req_1", provider="zai", account="main", model="GLM-4.6", attempt=1, most=3, outcome="ok")
MODES = list(common.RenderMode)


def shown(row: Any, width: int = 100) -> str:
    return "\n".join(line.decode() for line in row.render((width,)).text)


@pytest.mark.parametrize("mode", MODES, ids=[mode.name for mode in MODES])
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("intercepted", [True, False])
def test_a_row_tells_the_story(mode: common.RenderMode, answered: bool, intercepted: bool) -> None:
    row = _with_summaries(common.format_flow, common)
    flow = tflow.tflow(resp=answered)
    flow.intercepted = intercepted
    NOTE.put_on(flow)
    flow.comment = summary_line(NOTE)
    assert flow.comment in shown(row(flow, render_mode=mode, focused=True, hostheader=False))
    assert ("200" in shown(row(flow, render_mode=mode))) is answered


def test_a_story_is_cut_and_printable() -> None:
    row = _with_summaries(common.format_flow, common)
    flow = tflow.tflow(resp=True)
    NOTE.put_on(flow)
    flow.comment = "⚠ m → a/b failed \x1b[2J\r\n" + "字" * 200
    text = shown(row(flow, render_mode=common.RenderMode.TABLE), 60)
    assert "⚠ m → a/b failed" in text
    assert "…" in text
    assert not set(text) & {"\x1b", "\r", "\n"}


def test_other_flows_have_mitmproxys_own_rows() -> None:
    row = _with_summaries(common.format_flow, common)
    foreign = tflow.tflow(resp=True)
    foreign.comment = "mine"
    for flow in (foreign, tflow.ttcpflow(), tflow.tdnsflow()):
        plain = common.format_flow(flow, render_mode=common.RenderMode.TABLE)
        assert shown(row(flow, render_mode=common.RenderMode.TABLE)) == shown(plain)


def test_parts_that_are_not_as_expected_cost_comfort_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Other:
        RenderMode = common.RenderMode

    row = _with_summaries(common.format_flow, Other)  # type: ignore[arg-type]
    flow = tflow.tflow(resp=True)
    NOTE.put_on(flow)
    flow.comment = summary_line(NOTE)
    with caplog.at_level("WARNING", "glassgate"):
        for _ in range(3):
            text = shown(row(flow, render_mode=common.RenderMode.TABLE))
    assert "GET" in text
    assert len(caplog.records) == 1


def test_without_a_console_nothing_is_changed() -> None:
    async def loaded() -> None:
        before = common.format_flow
        with taddons.context() as context:
            show_summaries_in_console(context.master)
            assert log_handler(context.master) is None
        assert common.format_flow is before

    asyncio.run(loaded())


def test_a_flow_of_a_file_that_says_anything_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    row = _with_summaries(common.format_flow, common)
    flow = tflow.tflow(resp=True)
    flow.comment, flow.metadata[KEY] = "a story", {"outcome": ["ok"]}
    assert "a story" in shown(row(flow, render_mode=common.RenderMode.TABLE))
    assert not caplog.records
