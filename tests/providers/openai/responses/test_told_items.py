"""Items as the events of a stream: what the API itself tells of each kind."""

import json
from typing import Any

import pytest

from providers.openai.responses.told_items import Teller
from tests.providers.openai.responses.streams import call, custom, events, kinds, message, refusal, thinking


def told(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: ")]


@pytest.mark.parametrize(
    "item",
    [message("Hello"), thinking("One", "Two"), call("f", '{"a": 1}'), custom("patch", "*** Begin"), refusal("No.")],
    ids=["message", "thinking", "call", "custom", "refusal"],
)
def test_an_item_is_told_in_the_events_of_the_api(item: dict[str, Any]) -> None:
    found, usual = told(Teller(2).item(0, item)), events(item)[2:-1]
    assert kinds(found) == kinds(usual)
    assert [event["sequence_number"] for event in found] == list(range(2, len(found) + 2))
    assert found[-1]["item"] == item


def test_an_item_of_another_kind_begins_and_ends() -> None:
    item = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    assert [event["type"] for event in told(Teller().item(3, item))] == [
        "response.output_item.added",
        "response.output_item.done",
    ]


def test_an_item_without_words_has_no_pieces() -> None:
    found = kinds(told(Teller().item(0, message(""))))
    assert "response.output_text.delta" not in found
    assert "response.output_text.done" in found
