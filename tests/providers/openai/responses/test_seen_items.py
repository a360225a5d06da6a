"""The items that a stream has told of, against what its last event tells."""

from typing import Any

import pytest

from providers.openai.responses import seen_items
from providers.openai.responses.seen_items import SeenItems
from providers.openai.responses.told_items import Teller
from tests.providers.openai.responses.streams import call, events, message, response, thinking

ITEMS = (thinking("Hm"), message("Hello"), call("f", "{}"))
EMPTY = response(output=[])


def seen(*items: dict[str, Any], **changed: Any) -> SeenItems:
    found = SeenItems()
    for event in events(*items):
        if event["type"].startswith("response.output_item"):
            found.read(event["type"], {**event, **changed})
    return found


def test_what_was_told_completes_an_end_without_items() -> None:
    completed = seen(*ITEMS).completed(EMPTY)
    assert completed is not None
    assert completed["output"] == list(ITEMS)
    assert seen(*ITEMS).completed(response(*ITEMS)) is None
    assert seen().completed(EMPTY) is None
    bare = seen(*ITEMS).completed({"id": "resp_1"})
    assert bare is not None
    assert (bare["id"], bare["object"], bare["status"]) == ("resp_1", "response", "completed")


def test_nothing_of_what_was_told_is_told_again() -> None:
    assert seen(*ITEMS).untold(response(*ITEMS), Teller()) == b""
    assert seen(*ITEMS, output_index=0).untold(response(*ITEMS), Teller()) == b""
    assert seen(*ITEMS, output_index=None).untold(response(*ITEMS), Teller()) == b""


def test_what_no_event_told_is() -> None:
    told = seen(ITEMS[0]).untold(response(*ITEMS), Teller())
    assert told.count(b"event: response.output_item.done") == 2
    assert SeenItems().untold({"output": [{}, 3, {"type": ""}]}, Teller()) == b""


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_items, "_BYTES_LIMIT", 200)
    found = seen(*ITEMS)
    assert found.completed(EMPTY) is None
    assert found.untold(response(*ITEMS), Teller()) == b""
    monkeypatch.setattr(seen_items, "_ITEMS_LIMIT", 2)
    found = seen(*(message("x") for _ in range(100)))
    assert len(found._done) + len(found._begun) <= 4
