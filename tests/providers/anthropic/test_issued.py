"""The ids that an answer of the Messages form gives out."""

import json
from typing import Any

import pytest

from providers.anthropic.issued import container_in, files_in
from providers.anthropic.passing import PassedOn, WholePassedOn
from providers.contract.events import Event, Issued
from tests.providers.anthropic.streams import closed, end, message, opened, said, sse, start
from tests.support.decoding import run, same_at_every_cut

PLACE: Any = {"id": "container_1", "expires_at": "2026-11-27T00:00:00Z"}
RESULT: Any = {
    "type": "bash_code_execution_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": {"type": "bash_code_execution_result", "content": [{"type": "output", "file_id": "file_1"}]},
}


def issued(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.id) for event in events if isinstance(event, Issued)]


def test_a_stream_tells_its_container_and_files() -> None:
    stream = sse(start(), *said("x"), opened(RESULT, 1), closed(1), *end(container=PLACE))
    assert issued(same_at_every_cut(lambda: PassedOn(lambda error: error), stream)) == [
        ("file", "file_1"),
        ("container", "container_1"),
    ]
    assert issued(run(WholePassedOn(lambda error: error), [stream])) == [
        ("file", "file_1"),
        ("container", "container_1"),
    ]


def test_a_whole_answer_tells_them_too() -> None:
    told = json.dumps(message(RESULT, container=PLACE)).encode()
    found = run(WholePassedOn(lambda error: error), [told])
    assert issued(found) == [("container", "container_1"), ("file", "file_1")]


@pytest.mark.parametrize("odd", [None, 7, {}, {"id": 7}, {"id": "a b"}, {"id": "x" * 300}])
def test_what_is_no_container_is_none(odd: Any) -> None:
    assert list(container_in({"container": odd})) == []


@pytest.mark.parametrize("odd", [None, 7, {}, {"content": 7}, {"content": [7, {"file_id": 7}, {"file_id": "a b"}]}])
def test_what_is_no_file_is_none(odd: Any) -> None:
    assert list(files_in({"type": "x_tool_result", "content": odd})) == []
    assert list(files_in({"type": "text", "content": {"content": [{"file_id": "file_1"}]}})) == []
