"""What is kept of an answer, and the request that goes on from it."""

import json
from typing import Any

import pytest

from addons.dialects.body import all_at_once
from addons.dialects.responses.kept import VALUES, KeptAnswer, going_on, with_ids
from addons.errors import GatewayError
from providers.contract.events import Finish, Reasoning, Text, ToolCallDelta
from providers.contract.native import ResponsesRequest
from tests.dialects.responses.reading import DIALECT, META, parsed


def kept(given: Any = "hi", **fields: Any) -> bytes:
    encoder = DIALECT.encoder(parsed(given, **fields), META)
    encoder.encode([Reasoning("hm"), Text("hello"), ToolCallDelta(0, "c1", "f", "{}"), Finish("tool_calls")])
    value: bytes | None = encoder.kept()  # type: ignore[attr-defined]
    assert value
    return value


def test_what_is_kept_is_the_input_and_the_answer() -> None:
    found = KeptAnswer(kept())
    assert found.response["id"] == META.id
    assert found.input == [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]
    assert [item["type"] for item in found.items] == ["message", "reasoning", "message", "function_call"]


def test_of_an_answer_alone_the_input_is_not_known() -> None:
    found = KeptAnswer(b'{"id":"resp_1","output":[{"type":"message"}]}')
    assert (found.response["id"], found.input, len(found.items)) == ("resp_1", [], 1)


@pytest.mark.parametrize("value", [b"no json", b'{"input":[%b0]}' % (b"0," * VALUES)], ids=["no json", "large"])
def test_what_cannot_be_read_is_said(value: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        all_at_once(going_on(parsed(previous_response_id="resp_1"), value))
    assert caught.value.status == 400


def test_the_request_that_goes_on_has_all_that_was_said_and_its_own_instructions() -> None:
    asked = parsed(
        [{"type": "function_call_output", "call_id": "c1", "output": "42"}],
        previous_response_id=META.id,
        instructions="new",
        stream=True,
        x_own=1,
    )
    found = all_at_once(DIALECT.going_on(asked, kept(instructions="old")))
    request = found.request
    assert isinstance(request, ResponsesRequest)
    assert [(one.role, one.text()) for one in request.chat.messages] == [
        ("system", "new"),
        ("user", "hi"),
        ("assistant", "hello"),
        ("tool", "42"),
    ]
    assert (found.follows, found.keeps, found.options.previous) == (None, True, META.id)  # type: ignore[attr-defined]
    assert json.loads(request.body) == request.fields
    assert "previous_response_id" not in request.fields
    assert (request.fields["x_own"], request.stream) == (1, True)


def test_items_that_are_named_stand_where_they_are_named() -> None:
    value = kept()
    *_, call = KeptAnswer(value).items
    items: Any = [
        {"role": "user", "content": "hi"},
        {"type": "item_reference", "id": call["id"]},
        {"type": "item_reference", "id": f"msg_{META.id[5:]}77"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
    ]
    asked = parsed(items)
    assert asked.follows == META.id
    found = all_at_once(DIALECT.going_on(asked, value))
    assert [one.role for one in found.request.instead().messages] == ["user", "assistant", "tool"]  # type: ignore[union-attr]
    assert found.options.previous is None  # type: ignore[attr-defined]


def test_listed_items_have_ids_and_parts() -> None:
    items = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"type": "reasoning", "id": "rs_1"},
    ]
    first, second, third = with_ids(items, "s")
    assert (first["id"], first["content"]) == ("msg_s00", [{"type": "input_text", "text": "a"}])
    assert second["content"] == [{"type": "output_text", "text": "b", "annotations": []}]
    assert third == {"type": "reasoning", "id": "rs_1"}
