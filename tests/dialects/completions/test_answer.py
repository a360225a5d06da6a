"""Answers of the legacy completions, checked with the models of the real OpenAI SDK."""

import json
from dataclasses import replace
from typing import Any

import pytest
from openai.types import Completion

from addons.dialects.completions.dialect import Completions
from providers.contract.events import Event, Finish, Image, Passthrough, Reasoning, Text, Usage
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.dialects.completions.test_request import META, legacy
from tests.support.turns import turn_of


def test_legacy_answers_pass_the_sdk() -> None:
    dialect = Completions()
    parsed = dialect.parse(b'{"model":"m","prompt":"p","stream":true,"stream_options":{"include_usage":true}}')
    events: list[Event] = [Reasoning("hidden"), Text('He"'), Text("llo"), Usage(1, 2, 3), Finish("stop")]
    frames = dialect.encoder(parsed, META).encode(events).decode().split("\n\n")
    assert frames[-2] == "data: [DONE]"
    found = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    for chunk in found:
        Completion.model_validate({**chunk, "choices": [{**c, "finish_reason": "stop"} for c in chunk["choices"]]})
    assert "".join(c["text"] for chunk in found for c in chunk["choices"]) == 'He"llo'
    assert found[-1]["usage"]["total_tokens"] == 3
    asked = replace(parsed, request=replace(parsed.request, stream=False))
    body = dialect.encoder(asked, META).encode(events)
    completion = Completion.model_validate_json(body, strict=True)
    assert completion.choices[0].text == 'He"llo'
    assert completion.id == "cmpl-1"


def test_the_words_of_a_refusal_are_text() -> None:
    events: list[Event] = [*(Passthrough("delta", {"refusal": word}) for word in ("I will", " not")), Finish("stop")]
    dialect = Completions()
    whole = json.loads(dialect.encoder(dialect.parse(legacy()), META).encode(events))
    assert (whole["choices"][0]["text"], whole["choices"][0]["finish_reason"]) == ("I will not", "stop")
    frames = dialect.encoder(dialect.parse(legacy(stream=True)), META).encode(events).decode().split("\n\n")
    found = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    assert "".join(choice["text"] for chunk in found for choice in chunk["choices"]) == "I will not"


def test_every_legacy_piece_has_the_same_head_and_usage_null_until_the_end() -> None:
    dialect = Completions()
    parsed = dialect.parse(legacy(stream=True, stream_options={"include_usage": True}))
    events: list[Event] = [Text("a\ud83d"), Text("\ude00"), Image("https://x"), Usage(1, 2, 3), Finish("length")]
    stream = dialect.encoder(parsed, META)
    raw = b"".join(stream.encode([event]) for event in events).decode()
    found = [json.loads(frame.removeprefix("data: ")) for frame in raw.split("\n\n")[:-2]]
    assert {(c["id"], c["object"], c["created"], c["model"]) for c in found} == {
        ("cmpl-1", "text_completion", META.created, META.model)
    }
    assert [c["usage"] and c["usage"]["total_tokens"] for c in found] == [None] * (len(found) - 1) + [3]
    assert "".join(x["text"] for c in found for x in c["choices"]) == "a😀![image](https://x)"
    assert [x["finish_reason"] for c in found for x in c["choices"]][-1] == "length"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("tool_calls", "stop")],
)
def test_legacy_finish_reasons_are_those_the_form_knows(reason: Any, expected: str) -> None:
    dialect = Completions()
    collector = dialect.encoder(dialect.parse(legacy()), META)
    body = collector.encode([Text("x"), Finish(reason)])
    assert json.loads(body)["choices"][0]["finish_reason"] == expected


def piece(index: int, text: str, reason: str | None = None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": {"tokens": [text]}, "finish_reason": reason}


def test_all_texts_and_their_logprobs_reach_the_client() -> None:
    dialect = Completions()
    parsed = dialect.parse(legacy(prompt=["a", "b"], stream=True))
    site = OpenAICompatible("api", OpenAIOptions(base_url="https://api.example/v1"))
    sent = [
        {"id": "cmpl-7", "object": "text_completion", "choices": [piece(0, "x")], "warning": "w"},
        {"id": "cmpl-7", "choices": [piece(1, "</think>")]},
        {"id": "cmpl-7", "choices": [piece(0, "y", "stop")]},
        {"id": "cmpl-7", "choices": [piece(1, "z", "length")]},
    ]
    raw = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in sent) + b"data: [DONE]\n\n"
    decoder = turn_of(site, parsed.request).decoder()
    events = [*decoder.feed(raw), *decoder.close()]
    stream = dialect.encoder(parsed, META).encode(events).decode()
    found = [json.loads(frame.removeprefix("data: ")) for frame in stream.split("\n\n")[:-2]]
    texts = {0: "", 1: ""}
    for choice in (choice for frame in found for choice in frame["choices"]):
        texts[choice["index"]] += choice["text"]
        assert choice["finish_reason"] or choice["logprobs"] == {"tokens": [choice["text"]]}
    assert texts == {0: "xy", 1: "</think>z"}
    assert {frame["id"] for frame in found} == {"cmpl-7"}
    assert sum("warning" in frame for frame in found) == 1
    asked = replace(parsed, request=replace(parsed.request, stream=False))
    body = dialect.encoder(asked, META).encode(events)
    whole = json.loads(body)
    assert [(c["text"], c["finish_reason"]) for c in whole["choices"]] == [("xy", "stop"), ("</think>z", "length")]
    assert whole["choices"][0]["logprobs"] == {"tokens": ["x", "y"]}
