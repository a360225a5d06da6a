"""An answer of the Messages form: the blocks as events."""

import json
from typing import Any

from providers.sandbox.anthropic.answer import Answer
from providers.sandbox.anthropic.tokens import Prompt

CITED = {"type": "web_search_result_location", "url": "https://x.example"}
BLOCKS: list[Any] = [
    {"type": "thinking", "thinking": "so it is", "signature": "sig"},
    {"type": "redacted_thinking", "data": "zzz"},
    {"type": "text", "text": "one two", "citations": [CITED]},
    {"type": "tool_use", "id": "t", "name": "x", "input": {"city": "Rome"}},
]


def told(answer: Answer) -> list[Any]:
    return [json.loads(frame.decode().partition("data: ")[2]) for frame in answer.frames()]


def test_each_block_in_its_own_events_and_an_index_without_gaps() -> None:
    found = told(Answer("m", BLOCKS, "tool_use", Prompt(5)))
    assert [one["index"] for one in found if one["type"] == "content_block_start"] == [0, 1, 2, 3]
    starts = [one["content_block"] for one in found if one["type"] == "content_block_start"]
    assert starts == [
        {"type": "thinking", "thinking": "", "signature": ""},
        BLOCKS[1],
        {"type": "text", "text": "", "citations": []},
        {**BLOCKS[3], "input": {}},
    ]
    deltas = [one["delta"] for one in found if one["type"] == "content_block_delta"]
    assert [delta["type"] for delta in deltas][:4] == [
        "thinking_delta",
        "signature_delta",
        "text_delta",
        "citations_delta",
    ]
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == {"city": "Rome"}


def test_a_call_without_input_has_an_empty_delta_and_a_cut_one_breaks_off() -> None:
    call = {**BLOCKS[3], "input": {}}
    found = told(Answer("m", [call], "tool_use", Prompt(5)))
    assert [one["delta"]["partial_json"] for one in found if one["type"] == "content_block_delta"] == [""]
    cut = told(Answer("m", [BLOCKS[3]], "max_tokens", Prompt(5), open_call=True))
    joined = "".join(one["delta"]["partial_json"] for one in cut if one["type"] == "content_block_delta")
    assert joined
    assert not joined.endswith("}")


def test_tokens_of_the_answer_and_a_refusal_that_is_explained() -> None:
    whole = Answer("m", BLOCKS, "refusal", Prompt(5, 2, 3), thoughts=3, counters={"web_search_requests": 1}).whole()
    assert whole["usage"]["output_tokens_details"] == {"thinking_tokens": 3}
    assert whole["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert (whole["usage"]["input_tokens"], whole["usage"]["cache_read_input_tokens"]) == (5, 3)
    assert whole["stop_details"]["type"] == "refusal"
    assert Prompt(5, 2, 3).all == 10
