"""The API's own list of models."""

from typing import Any

import pytest

from providers.anthropic.models import next_page, read_list
from providers.anthropic.presets import PRESETS

ENTRY = {
    "type": "model",
    "id": "claude-x",
    "display_name": "X",
    "created_at": "2026-02-19T00:00:00Z",
    "max_input_tokens": 200_000,
    "capabilities": {"image_input": {"supported": True}},
}


def test_an_entry_says_what_the_model_can() -> None:
    found = read_list({"data": [ENTRY]}, PRESETS["anthropic"])
    assert found is not None
    model = found[0]
    assert (model.id, model.vision, model.context_length, model.created, model.owned_by) == (
        "claude-x", True, 200_000, 1_771_459_200, "anthropic",
    )  # fmt: skip


def test_an_entry_of_the_openai_form_is_read_too() -> None:
    found = read_list({"data": [{"id": "m", "created": 7, "owned_by": "them", "context_length": 9}]}, PRESETS["ollama"])
    assert found is not None
    assert (found[0].created, found[0].owned_by, found[0].context_length, found[0].vision) == (7, "them", 9, None)


@pytest.mark.parametrize("value", [None, {}, [3], {"data": {}}, {"error": {}}], ids=str)
def test_what_is_no_list(value: Any) -> None:
    assert not read_list(value, PRESETS["anthropic"])


@pytest.mark.parametrize(
    ("page", "after"),
    [
        ({"has_more": True, "last_id": "b"}, "b"),
        ({"has_more": False, "last_id": "b"}, None),
        ({"has_more": True, "last_id": "b\n"}, None),
        ({"has_more": True}, None),
        ([], None),
    ],
    ids=str,
)
def test_pages(page: Any, after: str | None) -> None:
    assert next_page(page) == after
