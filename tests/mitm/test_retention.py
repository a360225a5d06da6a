"""The inspector's list stays small, oldest out first; what is under way stays."""

from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.addons.view import View
from mitmproxy.test import taddons, tflow

from addons.mitm.retention import trim


def filled(count: int, size: int = 1000, live: int = -1) -> tuple[View, list[http.HTTPFlow]]:
    view, flows = View(), []
    with taddons.context(view):
        for number in range(count):
            flow = tflow.tflow(resp=http.Response.make(200, b"x" * size))
            flow.request.timestamp_start = flow.timestamp_created = float(number)
            flow.live = number == live
            flows.append(flow)
        view.add(flows)
    return view, flows


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ((10, 100.0), list(range(6))),
        ((4, 100.0), [2, 3, 4, 5]),
        ((10, 0.0025), [4, 5]),
        ((1, 100.0), [5]),
        ((10, 0.0001), []),
    ],
)
def test_the_oldest_go_first(limits: tuple[int, float], left: list[int]) -> None:
    view, flows = filled(6)
    with taddons.context(view):
        removed = trim(view, *limits)
        kept: list[Any] = [flow for flow in flows if view.get_by_id(flow.id)]
    assert [flows.index(flow) for flow in kept] == left
    assert removed == 6 - len(left)


def test_what_is_under_way_stays() -> None:
    view, flows = filled(5, live=0)
    with taddons.context(view):
        trim(view, 1, 100)
        assert [view.get_by_id(flow.id) is not None for flow in flows] == [True, False, False, False, False]
