"""Answers of /v1/responses that are kept: gone on from, read, listed and deleted, by the real SDK."""

from typing import Any

import openai
import pytest

from tests.dialects.responses.test_served import QUESTION, SITES, WAYS, WEATHER, whole


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("model", SITES)
def test_a_conversation_goes_on_by_the_id_of_its_answer(client: openai.OpenAI, model: str, asked: Any) -> None:
    first = asked(client, model, QUESTION, tools=[WEATHER], instructions="Be brief.")
    (call,) = [item for item in first.output if item.type == "function_call"]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees and sunny"}
    second = asked(client, model, [result], tools=[WEATHER], previous_response_id=first.id)
    assert "21 degrees and sunny" in second.output_text
    assert (second.previous_response_id, second.instructions) == (first.id, None)
    listed = [item.type for item in client.responses.input_items.list(second.id, order="asc")]
    assert [kind for kind in listed if kind != "reasoning"] == ["message", "function_call", "function_call_output"]


def test_items_are_named_by_their_ids(client: openai.OpenAI) -> None:
    """The Vercel AI SDK does so for whatever was kept."""
    first = whole(client, "GLM-4.6", QUESTION, tools=[WEATHER])
    (call,) = [item for item in first.output if item.type == "function_call"]
    items: Any = [{"role": "user", "content": QUESTION}, {"type": "item_reference", "id": call.id}]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees and sunny"})
    second = whole(client, "GLM-4.6", items, tools=[WEATHER])
    assert "21 degrees and sunny" in second.output_text
    assert second.previous_response_id is None
    later = [{"type": "item_reference", "id": call.id}, {"type": "item_reference", "id": second.output[-1].id}]
    third = whole(
        client, "GLM-4.6", [*items[:1], later[0], *items[2:], later[1], {"role": "user", "content": "Say exactly: bye"}]
    )
    assert "bye" in third.output_text


def test_what_is_kept_is_read_listed_and_deleted(client: openai.OpenAI) -> None:
    answer = whole(client, "GLM-4.6", [{"role": "user", "content": f"Question {n}"} for n in range(5)])
    again = client.responses.retrieve(answer.id)
    assert again.output_text == answer.output_text
    page = client.responses.input_items.list(answer.id, limit=2)
    said = [item.content[0].text for item in page]  # type: ignore[union-attr,index]
    assert said == [f"Question {n}" for n in (4, 3, 2, 1, 0)]
    with pytest.raises(openai.BadRequestError, match="background"):
        client.responses.cancel(answer.id)
    client.responses.delete(answer.id)
    for gone in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError):
            gone(answer.id)
    with pytest.raises(openai.BadRequestError) as caught:
        whole(client, "GLM-4.6", "And?", previous_response_id=answer.id)
    assert (caught.value.code, caught.value.param) == ("previous_response_not_found", "previous_response_id")


def test_what_is_not_to_be_kept_is_not(client: openai.OpenAI) -> None:
    answer = whole(client, "GLM-4.6", "Hi", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(answer.id)


def test_tokens_are_estimated_with_what_was_said_before(client: openai.OpenAI) -> None:
    first = whole(client, "GLM-4.6", "Say exactly: " + "word " * 50)
    alone = client.responses.input_tokens.count(model="GLM-4.6", input="And?")
    both = client.responses.input_tokens.count(model="GLM-4.6", input="And?", previous_response_id=first.id)
    assert 0 < alone.input_tokens < both.input_tokens
