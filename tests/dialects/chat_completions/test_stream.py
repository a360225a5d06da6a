"""Streams and whole answers, checked with the models of the real OpenAI SDK."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole
from addons.errors import GatewayError
from providers.contract.events import Citation, Event, Finish, Image, Passthrough, Reasoning, Text, ToolCallDelta, Usage

META = AnswerMeta("chatcmpl-1", 1700000000, 'mo"del')


def chunks(raw: bytes) -> list[dict[str, Any]]:
    frames = raw.decode().split("\n\n")
    assert frames[-1] == ""
    assert frames[-2] == "data: [DONE]"
    found = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    for chunk in found:
        ChatCompletionChunk.model_validate(chunk, strict=True)
        assert (chunk["id"], chunk["model"], chunk["created"]) == (META.id, META.model, META.created)
    return found


def streamed(events: Sequence[Event], *, usage: bool = False, apart: bool = True) -> list[dict[str, Any]]:
    stream = ChatStream(META, include_usage=usage)
    raw = b"".join(stream.encode([event]) for event in events) if apart else stream.encode(events)
    return chunks(raw)


def content(found: list[dict[str, Any]], field: str = "content", index: int = 0) -> str:
    deltas = [c["delta"] for chunk in found for c in chunk["choices"] if c["index"] == index]
    return "".join(delta.get(field) or "" for delta in deltas)


def whole(events: Sequence[Event]) -> dict[str, Any]:
    collector = ChatWhole(META)
    body = collector.encode(events)
    found: dict[str, Any] = json.loads(body)
    ChatCompletion.model_validate(found, strict=True)
    return found


def test_order_of_a_plain_stream() -> None:
    found = streamed([Reasoning("hm"), Text("Hel"), Text("lo"), Usage(1, 2, 3), Finish("stop")])
    assert found[0]["choices"][0] == {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    assert content(found) == "Hello"
    assert content(found, "reasoning_content") == "hm"
    assert found[-1]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert all("usage" not in chunk for chunk in found)


def test_usage_comes_last_and_is_null_before_when_asked_for() -> None:
    found = streamed([Text("x"), Usage(1, 2, 3, reasoning_tokens=1, cached_tokens=0), Finish("length")], usage=True)
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 3
    assert found[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 1}
    assert all(chunk["usage"] is None for chunk in found[:-1])


@pytest.mark.parametrize("reason", ["stop", "length", "tool_calls", "content_filter", "function_call"])
def test_every_finish_reason_passes_the_sdk(reason: Any) -> None:
    assert streamed([Text("x"), Finish(reason)])[-1]["choices"][0]["finish_reason"] == reason
    assert whole([Text("x"), Finish(reason)])["choices"][0]["finish_reason"] == reason


def test_an_answer_without_text_still_has_its_role_chunk() -> None:
    found = streamed([Finish("content_filter")])
    assert found[0]["choices"][0]["delta"]["role"] == "assistant"
    assert found[-1]["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("text", ['quote " and \\ slash', "line\nend\r\t", "你好 🌏", "\u2028\x00", "", "</script>"])
def test_text_survives(text: str) -> None:
    assert content(streamed([Text(text), Finish("stop")])) == text
    assert whole([Text(text), Finish("stop")])["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(["a\ud83d", "\ude00b"], "a😀b", id="a pair split in two"),
        pytest.param(["a\ud83d", "b"], "a\ufffdb", id="a half that stays alone"),
        pytest.param(["a\ud83d"], "a\ufffd", id="a half at the end"),
        pytest.param(["\ude00a"], "\ufffda", id="a second half first"),
        pytest.param(["\ud83d", "\ude00"], "😀", id="nothing but a split pair"),
    ],
)
def test_surrogate_halves_are_joined_or_replaced(pieces: list[str], expected: str) -> None:
    assert content(streamed([*(Text(p) for p in pieces), Finish("stop")])) == expected
    reasoning = streamed([*(Reasoning(p) for p in pieces), Text("x"), Finish("stop")])
    assert content(reasoning, "reasoning_content") == expected
    assert whole([*(Text(p) for p in pieces), Finish("stop")])["choices"][0]["message"]["content"] == expected


TOOLS: list[Event] = [
    ToolCallDelta(3, "call_a", "weather", ""),
    ToolCallDelta(3, "call_a", "weather", '{"city":'),
    ToolCallDelta(3, None, None, '"Paris"}'),
    ToolCallDelta(7, "call_b", "time", "{}"),
    Finish("tool_calls"),
]


def test_tool_calls_are_dense_and_named_once() -> None:
    found = streamed(TOOLS)
    calls = [call for chunk in found for c in chunk["choices"] for call in c["delta"].get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 0, 0, 1]
    assert [call["function"].get("name") for call in calls] == ["weather", None, None, "time"]
    assert [call.get("id") for call in calls] == ["call_a", None, None, "call_b"]
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}


def test_citations_are_annotations_before_the_end() -> None:
    events: list[Event] = [
        Text("As said[1]"),
        Citation("https://a", "A", "[1]", 7, 10),
        Citation("https://b", "B"),
        Finish("stop"),
    ]
    found = streamed(events)
    expected = [
        {"type": "url_citation", "url_citation": {"url": "https://a", "title": "A", "start_index": 7, "end_index": 10}},
        {"type": "url_citation", "url_citation": {"url": "https://b", "title": "B", "start_index": 0, "end_index": 0}},
    ]
    assert found[-2]["choices"][0]["delta"]["annotations"] == expected
    assert whole(events)["choices"][0]["message"]["annotations"] == expected


def test_pictures_are_markdown_on_a_line_of_their_own() -> None:
    events: list[Event] = [Text("Here:"), Image("https://x/y.png", "a [cat]"), Text("Done"), Finish("stop")]
    expected = "Here:\n\n![a (cat)](https://x/y.png)\nDone"
    assert content(streamed(events)) == expected
    assert whole(events)["choices"][0]["message"]["content"] == expected


def test_several_candidates_and_foreign_fields_pass() -> None:
    events: list[Event] = [
        Passthrough("chunk", {"system_fingerprint": "fp_1"}),
        Text("a", 0),
        Text("b", 1),
        Passthrough("choice", {"logprobs": {"content": [], "refusal": None}}, 1),
        Passthrough("delta", {"refusal": "no "}, 0),
        Passthrough("delta", {"refusal": "way"}, 0),
        Finish("stop", ((1, "length"),)),
    ]
    found = streamed(events)
    assert content(found, index=0) == "a"
    assert content(found, index=1) == "b"
    assert all(chunk["system_fingerprint"] == "fp_1" for chunk in found)
    assert content(found, "refusal") == "no way"
    choices = whole(events)["choices"]
    assert [c["finish_reason"] for c in choices] == ["stop", "length"]
    assert choices[0]["message"]["refusal"] == "no way"
    assert choices[1]["logprobs"] == {"content": [], "refusal": None}


def test_what_is_said_of_a_text_stands_in_its_chunk() -> None:
    logprobs: dict[str, Any] = {
        "content": [{"token": "a", "logprob": -0.1, "bytes": None, "top_logprobs": []}],
        "refusal": None,
    }
    events: list[Event] = [
        Passthrough("chunk", {"obfuscation": "x"}),
        Text("a"),
        Passthrough("delta", {"annotations": []}),
        Passthrough("choice", {"logprobs": logprobs}),
        Finish("stop"),
    ]
    found = streamed(events, apart=False)
    told = [chunk for chunk in found if chunk["choices"][0]["delta"].get("content") == "a"]
    assert [chunk["choices"][0].get("logprobs") for chunk in told] == [logprobs]
    assert sum("logprobs" in chunk["choices"][0] for chunk in found) == 1
    assert sum("obfuscation" in chunk for chunk in found) == 1


def test_one_batch_gives_the_same_as_one_by_one() -> None:
    events: list[Event] = [Reasoning("r"), Text("a"), Text("b"), Usage(1, 1, 2), Finish("stop")]
    assert streamed(events, apart=False) == streamed(events)


def test_providers_own_usage_object_is_kept() -> None:
    usage = Usage(1, 2, 3, raw={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1})
    assert whole([Text("x"), usage, Finish("stop")])["usage"]["cost"] == 0.1


def test_a_failed_stream_ends_in_one_error_frame_without_done() -> None:
    raw = ChatStream(META, include_usage=False).error(GatewayError(502, "it broke", code="upstream_eof"))
    assert json.loads(raw.removeprefix(b"data: "))["error"]["code"] == "upstream_eof"
    assert raw.endswith(b"\n\n")
    assert b"[DONE]" not in raw


SURROGATES: list[Event] = [
    Text("x"),
    ToolCallDelta(0, "call", "f", '{"a":"\ud83d'),
    ToolCallDelta(0, None, None, '\ude00"}'),
    ToolCallDelta(1, "b", "g", "\ud83d"),
    Citation("https://a", "half \ud83d"),
    Passthrough("delta", {"refusal": "no\ud83d"}),
    Finish("tool_calls"),
]


def test_no_field_of_a_provider_makes_a_stream_no_client_can_read() -> None:
    found = streamed(SURROGATES)
    arguments = {0: "", 1: ""}
    for chunk in found:
        for call in chunk["choices"][0]["delta"].get("tool_calls", []):
            arguments[call["index"]] += call["function"]["arguments"]
    assert arguments == {0: '{"a":"😀"}', 1: "\ufffd"}
    assert content(found, "refusal") == "no\ufffd"
    assert found[-2]["choices"][0]["delta"]["annotations"][0]["url_citation"]["title"] == "half \ufffd"


def test_infinite_logprobs_are_null_since_json_has_no_infinity() -> None:
    entry: dict[str, Any] = {"token": "a", "bytes": None, "logprob": float("-inf"), "top_logprobs": []}
    events: list[Event] = [Text("a"), Passthrough("choice", {"logprobs": {"content": [entry]}}), Finish("stop")]
    raw = ChatStream(META, include_usage=False).encode(events)
    assert b'"logprob":null' in raw
    collector = ChatWhole(META)
    body = collector.encode(events)
    assert b'"logprob":null' in body


def test_the_id_of_an_official_answer_is_the_clients_too() -> None:
    early: list[Event] = [
        Passthrough("chunk", {"id": "gen-7"}),
        Text("a"),
        Passthrough("chunk", {"id": "gen-8"}),
        Finish("stop"),
    ]
    raw = ChatStream(META, include_usage=True).encode(early).decode()
    frames = [json.loads(frame.removeprefix("data: ")) for frame in raw.split("\n\n")[:-2]]
    assert {frame["id"] for frame in frames} == {"gen-7"}
    assert whole(early[:2] + early[3:])["id"] == "gen-7"


def test_a_field_that_came_once_is_told_once() -> None:
    sources = [{"link": "https://a.example"}]
    around = {"web_search": sources, "system_fingerprint": "fp"}
    found = streamed([Passthrough("chunk", around), *(Text("a") for _ in range(9)), Finish("stop")])
    assert [chunk["web_search"] for chunk in found if "web_search" in chunk] == [sources]
    assert all(chunk["system_fingerprint"] == "fp" for chunk in found)
    assert len(streamed([Text("a"), Passthrough("chunk", around), Finish("stop")])) == 3


def test_empty_fields_of_the_first_delta_stand_in_ours() -> None:
    empty = Passthrough("delta", {"refusal": None, "annotations": []})
    found = streamed([empty, Text("a"), Finish("stop")])
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None, "annotations": []}
    assert whole([empty, Text("a"), Finish("stop")])["choices"][0]["message"]["annotations"] == []


def test_a_providers_own_model_and_choices_do_not_stand_beside_ours() -> None:
    events: list[Event] = [
        Passthrough("chunk", {"model": "theirs", "choices": 7, "system_fingerprint": "fp"}),
        Passthrough("choice", {"index": 9, "finish_reason": "length", "score": 1}),
        Passthrough("delta", {"role": "user", "content": "no", "mood": "good"}),
        Text("yes"),
        Finish("stop"),
    ]
    found = streamed(events)
    assert content(found) == "yes"
    assert {c["index"] for chunk in found for c in chunk["choices"]} == {0}
    assert content(found, "mood") == "good"
    answer = whole(events)
    assert (answer["id"], answer["model"], answer["system_fingerprint"]) == (META.id, META.model, "fp")
    choice = answer["choices"][0]
    assert (choice["index"], choice["score"], choice["message"]["role"]) == (0, 1, "assistant")
    assert (choice["message"]["content"], choice["message"]["mood"]) == ("yes", "good")


def test_every_candidate_that_began_gets_an_end() -> None:
    events: list[Event] = [Text("a"), Text("b", 1), Text("c", 2), Finish("stop", ((2, "length"),))]
    ends = {c["index"]: c["finish_reason"] for chunk in streamed(events) for c in chunk["choices"] if not c["delta"]}
    assert ends == {0: "stop", 1: "stop", 2: "length"}
    assert [c["finish_reason"] for c in whole(events)["choices"]] == ["stop", "stop", "length"]


def test_sources_the_provider_annotated_itself_stay_beside_ours() -> None:
    own = {"type": "file_citation", "file_id": "f"}
    collector = ChatWhole(META)
    body = collector.encode(
        [Passthrough("delta", {"annotations": [own]}), Citation("https://a", "A"), Text("x"), Finish("stop")]
    )
    kinds = [a["type"] for a in json.loads(body)["choices"][0]["message"]["annotations"]]
    assert kinds == ["file_citation", "url_citation"]


def test_empty_pieces_make_no_chunks_of_their_own() -> None:
    found = streamed([Text(""), Reasoning(""), Text("a\n"), Text(""), Image("https://x"), Finish("stop")])
    assert len(found) == 4  # role, text, picture, end
    assert content(found) == "a\n![image](https://x)\n"


@given(st.lists(st.text(alphabet='ab\ud83d\ude00你"', max_size=4), max_size=8), st.booleans())
def test_streamed_and_whole_text_are_the_same_however_it_came(pieces: list[str], usage: bool) -> None:
    events: list[Event] = []
    for at, piece in enumerate(pieces):
        events.append(Text(piece) if at % 3 else Reasoning(piece))
    events.append(Finish("stop"))
    apart, together = streamed(events, usage=usage), streamed(events, usage=usage, apart=False)
    assert apart == together
    message = whole(events)["choices"][0]["message"]
    assert content(apart) == message["content"]
    assert content(apart, "reasoning_content") == message.get("reasoning_content", "")
