"""Odd answers of official APIs, through our decoder and encoders, into the real OpenAI SDK with strict validation.

Whatever types an API sends, the client is given OpenAI's declared form: whole and as a stream, asked whole and as a
stream. What is right in its type is passed on though the SDK's strict mode knows fewer values: annotations, tool calls
and service tiers of other kinds, custom tool calls in a stream (OpenAI's own too).
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from addons.dialects.openai.answer import extension_fields
from addons.errors import GatewayError
from providers.contract.events import Event, Failure
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.dialects.test_openai_sdk import SAY, Gateway, client

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}

MESSAGES: dict[str, dict[str, Any]] = {
    "plain": {"content": "Hi"},
    "content null": {"content": None, "tool_calls": [CALL]},
    "content a list": {"content": [{"type": "text", "text": "Hi"}]},
    "content a list of strings": {"content": ["H", "i"]},
    "content an object": {"content": {"type": "text", "text": "Hi"}},
    "role absent": {"content": "Hi", "role": None},
    "role of its own": {"content": "Hi", "role": "model"},
    "refusal false": {"content": "Hi", "refusal": False},
    "refusal said": {"content": None, "refusal": "I cannot."},
    "refusal an object": {"content": "Hi", "refusal": {"why": "x"}},
    "annotations flat": {"content": "Hi", "annotations": [{"type": "url_citation", "url": "https://a", "title": ""}]},
    "annotations strings": {"content": "Hi", "annotations": ["https://a"]},
    "annotations null": {"content": "Hi", "annotations": None},
    "audio": {"content": None, "audio": {"id": "a", "data": "AA", "expires_at": 1, "transcript": "Hi"}},
    "audio a string": {"content": "Hi", "audio": "AA"},
    "function_call": {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
    "function_call empty": {"content": "Hi", "function_call": None},
    "function_call an object of objects": {"content": None, "function_call": {"name": "f", "arguments": {"a": 1}}},
    "calls null": {"content": "Hi", "tool_calls": None},
    "calls empty": {"content": "Hi", "tool_calls": []},
    "call without id": {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
    "call, an object": {"content": None, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {"a": 1}}}]},
    "call with a number id": {"content": None, "tool_calls": [{**CALL, "id": 7}]},
    "call without type": {"content": None, "tool_calls": [{**CALL, "type": None}]},
    "reasoning": {"content": "Hi", "reasoning_content": "So", "reasoning": "So"},
    "reasoning details": {"content": "Hi", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
    "name": {"content": "Hi", "name": "bot", "prefix": True},
}  # fmt: skip
CHOICES: dict[str, dict[str, Any]] = {
    "index absent": {"index": None},
    "index a string": {"index": "0"},
    "index 7": {"index": 7},
    "reason eos": {"finish_reason": "eos_token"},
    "reason in capitals": {"finish_reason": "STOP"},
    "reason an object": {"finish_reason": {"type": "stop"}},
    "logprobs null": {"logprobs": None},
    "logprobs old": {"logprobs": {"tokens": ["Hi"], "token_logprobs": [-1], "top_logprobs": None, "text_offset": [0]}},
    "logprobs empty": {"logprobs": {}},
    "logprobs a list": {"logprobs": [{"token": "Hi", "logprob": -0.1}]},
    "logprobs short": {"logprobs": {"content": [{"token": "Hi", "logprob": -0.1}]}},
    "logprobs right": {"logprobs": {"content": [{"token": "Hi", "logprob": -1, "bytes": [1], "top_logprobs": []}]}},
    "filter results": {"content_filter_results": {"hate": {"filtered": False}}},
    "stop_reason": {"stop_reason": 128001, "native_finish_reason": "stop", "matched_stop": 7},
}  # fmt: skip
HEADS: dict[str, dict[str, Any]] = {
    "id a number": {"id": 5},
    "id null": {"id": None},
    "created a string": {"created": "2026-01-01"},
    "created a float": {"created": 1.7e9},
    "created in ms": {"created": 1_700_000_000_000},
    "object of its own": {"object": "chat.completion.v2"},
    "object empty": {"object": ""},
    "model null": {"model": None},
    "fingerprint a number": {"system_fingerprint": 7},
    "fingerprint null": {"system_fingerprint": None},
    "tier null": {"service_tier": None},
    "x_groq": {"x_groq": {"id": "req_1"}, "provider": "Groq", "prompt_filter_results": []},
    "usage null": {"usage": None},
    "usage floats": {"usage": {"prompt_tokens": 1.0, "completion_tokens": 2.0, "total_tokens": 3.0}},
    "usage strings": {"usage": {"prompt_tokens": "1", "completion_tokens": "2", "total_tokens": "3"}},
    "usage of others": {"usage": {"input_tokens": 1, "output_tokens": 2}},
    "usage details null": {
        "usage": {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "total_tokens": 3,
            "prompt_tokens_details": None,
            "completion_tokens_details": {"reasoning_tokens": None},
        }
    },
    "usage details a number": {
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_tokens_details": 5}
    },
    "usage with costs": {
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1, "cost_details": {}}
    },
    "citations": {"citations": ["https://a"], "search_results": [{"title": "A", "url": "https://a", "date": None}]},
    "base_resp": {"base_resp": {"status_code": 0, "status_msg": ""}},
}


def _answer(message: dict[str, Any], choice: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    said = {"role": "assistant", **message}
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": said, "finish_reason": finish, **choice}],
        **head,
    }


CASES = {
    **{name: _answer(message, {}, {}) for name, message in MESSAGES.items()},
    **{name: _answer({"content": "Hi"}, choice, {}) for name, choice in CHOICES.items()},
    **{name: _answer({"content": "Hi"}, {}, head) for name, head in HEADS.items()},
}


def streamed(answer: dict[str, Any]) -> bytes:
    """The same answer as the chunks of a stream: the message in one, the end and usage in another."""
    (choice,) = answer["choices"]
    head = {**answer, "object": answer["object"].replace("completion", "completion.chunk") if answer["object"] else ""}
    usage = head.pop("usage", None)
    chunks = [
        {**head, "choices": [{**{k: v for k, v in choice.items() if k != "message"}, "delta": choice["message"]}]},
        {**head, "choices": [{"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]}]},
    ]
    chunks[0]["choices"][0]["finish_reason"] = None
    if usage is not None:
        chunks.append({**head, "choices": [], "usage": usage})
    return b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"


def events_of(raw: bytes) -> Sequence[Event | GatewayError]:
    decoder = OpenAIDecoder(Form())
    events = [*decoder.feed(raw), *decoder.close()]
    assert not isinstance(events[-1], Failure), events[-1].error
    return events


@pytest.mark.parametrize("answer", CASES.values(), ids=CASES)
@pytest.mark.parametrize("sent", ["whole", "stream"])
def test_the_strict_sdk_takes_it(answer: dict[str, Any], sent: str) -> None:
    events = events_of(json.dumps(answer).encode() if sent == "whole" else streamed(answer))
    says = answer["choices"][0]["message"]
    with client(Gateway(events)) as api:
        whole = api.chat.completions.create(**SAY)
        chunks = list(api.chat.completions.create(**SAY, stream=True, stream_options={"include_usage": True}))
        with api.chat.completions.stream(**SAY) as helper:
            final = helper.get_final_completion()
    wanted = "Hi" if says["content"] is not None else None
    assert (whole.choices[0].message.content or None) == wanted
    assert ("".join(c.delta.content or "" for chunk in chunks for c in chunk.choices) or None) == wanted
    assert (final.choices[0].message.content or None) == wanted
    calls = whole.choices[0].message.tool_calls or []
    assert len(calls) == len(says.get("tool_calls") or ([says["function_call"]] if says.get("function_call") else []))
    assert all(call.id for call in calls)


@pytest.mark.parametrize(
    ("scope", "fields"),
    [
        ("chunk", {"service_tier": "on_demand", "x_groq": {"id": "r"}, "system_fingerprint": None}),
        ("choice", {"logprobs": {"tokens": ["a"], "token_logprobs": [-1]}, "stop_reason": 7}),
        ("delta", {"annotations": [{"type": "file_citation"}], "refusal": "no", "audio": {"id": "a"}, "other": [1]}),
    ],
)
def test_what_has_the_right_type_is_passed_on_as_it_is(scope: str, fields: dict[str, Any]) -> None:
    assert extension_fields(scope, fields) == fields
