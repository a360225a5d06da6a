"""Where an answer of the OpenAI form holds its reasoning: under names of its own, or inside of the text."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Text
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.providers.openai.streams import STOP, chunk, decode, delta, sse, words


@pytest.mark.parametrize(
    ("fields", "reasoning", "extra"),
    [
        ({"reasoning_content": "r"}, "r", []),
        ({"reasoning": "r"}, "r", []),
        ({"reasoning": "r", "reasoning_content": "r"}, "r", []),
        ({"reasoning": "s", "reasoning_content": "r"}, "r", [{"reasoning": "s"}]),
        (
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "r"}]},
            "r",
            [{"reasoning_details": [{"type": "reasoning.summary", "summary": "r"}]}],
        ),
        ({"reasoning": {"effort": "low"}}, None, [{"reasoning": {"effort": "low"}}]),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}]}, "r", []),
        ({"content": [{"type": "thinking", "thinking": 3}]}, None, []),
    ],
    ids=["deepseek", "vllm", "both-alike", "both-different", "details-alone", "object", "mistral", "nonsense"],
)
def test_reasoning_is_found_under_each_name(fields: Any, reasoning: str | None, extra: list[Any]) -> None:
    answer = decode([sse(chunk(delta(fields)), words("a"), STOP)])
    assert answer.reasoning.get(0) == reasoning
    assert [found for _, _, found in answer.extra] == extra
    assert answer.text == {0: "a"}


TAGGED = Form(think_tags="implicit")


def test_text_cut_off_by_length_before_any_tag_is_reasoning() -> None:
    answer = decode([sse(words("so far"), chunk(delta({}, reason="length")))], TAGGED)
    assert (answer.reasoning, answer.text) == ({0: "so far"}, {})


def test_text_is_an_answer_where_the_api_tells_reasoning_apart() -> None:
    decoder = OpenAIDecoder(TAGGED)
    decoder.feed(sse(chunk(delta({"reasoning_content": "r"})), done=False))
    assert decoder.feed(sse(words("</think> is a tag"), done=False)) == [Text("</think> is a tag")]


def test_undecided_text_is_not_told_by_a_failure() -> None:
    answer = decode([sse(words("who knows"), done=False)], TAGGED)
    assert answer.failure.kind is ErrorKind.INCOMPLETE
    assert (answer.text, answer.reasoning) == ({}, {})
