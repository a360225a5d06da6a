"""What is noted on a flow, and read off it again: also off a file that somebody has edited."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http
from mitmproxy.test import tflow

from addons.inspect.annotation import KEY, Annotation, annotation_of, size_of

NOTE = Annotation("req_1", provider="zai", attempt=2, arrivals=((0.5, 3), (1.0, 4)), deliveries=((0.25, 1),))


def noted(found: object) -> Annotation | None:
    flow = tflow.tflow()
    flow.metadata[KEY] = found
    return annotation_of(flow)


def test_it_comes_back_as_it_was() -> None:
    flow = tflow.tflow()
    NOTE.put_on(flow)
    assert annotation_of(flow) == NOTE
    assert annotation_of(type(flow).from_state(flow.get_state())) == NOTE


def test_flows_hold_plain_values_that_files_can_have() -> None:
    flow = tflow.tflow()
    NOTE.put_on(flow)
    assert flow.metadata[KEY]["arrivals"] == [[0.5, 3], [1.0, 4]]
    assert set(flow.metadata[KEY]) == set(Annotation.__slots__)


def test_none_is_none() -> None:
    assert annotation_of(None) is None
    assert annotation_of(tflow.tflow()) is None


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        "req_1",
        {},
        {"request_id": 5},
        {"request_id": "r", "arrivals": 5},
        {"request_id": "r", "arrivals": [[1]]},
        {"request_id": "r", "deliveries": [["x", 1]]},
        {"request_id": "r", "deliveries": [[1, None]]},
    ],
)
def test_what_is_not_ours_or_was_edited_is_none(found: object) -> None:
    assert noted(found) is None


def test_fields_of_another_version_are_passed_over() -> None:
    assert noted({"request_id": "r", "of_tomorrow": 1}) == Annotation("r")


@pytest.mark.parametrize(("outcome", "running"), [("running", True), ("ok", False), ("", False)])
def test_it_runs_as_long_as_there_is_no_outcome(outcome: str, running: bool) -> None:
    assert Annotation("r", outcome=outcome).running is running


VALUES = st.recursive(st.none() | st.integers() | st.text(max_size=4), st.lists, max_leaves=4)


@given(st.dictionaries(st.sampled_from(["arrivals", "deliveries", "request_id", "attempt"]), VALUES))
def test_anything_is_an_annotation_or_none(found: dict[str, Any]) -> None:
    read = noted(found)
    assert read is None or read.request_id == found["request_id"]


def test_sizes_count_bodies() -> None:
    assert size_of(tflow.tflow(resp=http.Response.make(200, b"x" * 5000))) >= 5000
    assert size_of(tflow.ttcpflow()) == 0


def test_sizes_count_notes_also_those_that_somebody_has_made() -> None:
    flow = tflow.tflow()
    flow.metadata[KEY] = {"request_id": "r", "client_request": "x" * 3000, "arrivals": [7] * 100, "attempt": 3}
    assert size_of(flow) >= 3000 + 16 * 100
    flow.metadata[KEY] = 7
    assert size_of(flow) < 3000
