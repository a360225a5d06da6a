"""Every decoder takes linear time: one row of a table for each, with the texts that are hard for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from providers.anthropic.decoder import MessagesDecoder
from providers.contract.operation import Decoder
from providers.k2think.decoder import K2ThinkDecoder
from providers.longcat.decoder import LongCatDecoder
from providers.openai.decoder import OpenAIDecoder
from providers.openai.responses.decoder import ResponseDecoder
from providers.qwen.decoder import QwenDecoder
from providers.zai.decoder import ZaiDecoder
from tests.support.growing import FORM, Reader, answer, collected, delta, passed_on, passed_response
from tests.support.growth import MOST_RATIO, growth


def openai(tags: str) -> Callable[[], Decoder]:
    return lambda: OpenAIDecoder(replace(FORM, think_tags=tags))  # type: ignore[arg-type]


UNITS = (
    " ", "\n", "<", "a", "a ", "【", "【1†x】", "[[1", "[[1]]", "<think ", "</think", "<answer>", "</answer>",
    '<details type="reasoning" done="true">\n>a</details>\n',
    '>a <details type="reasoning" done="true">\n>b</details>\n',
    "<details ", "<summary>\n", ">\n", "&", "&amp;", "<glm_block>", "<glm_block x>{}</glm_block>",
    "[ref_id=a†", "†http://a", "\ud83d",
)  # fmt: skip


ARGUMENTS = ("{}", '{"a":1}', "[]", "{} ", '\\"', "{", "x", "null")
"""Units of a tool call's arguments."""


def call(arguments: str) -> dict[str, object]:
    return delta(tool_calls=[{"index": 0, "id": "call_12345", "function": {"name": "f", "arguments": arguments}}])


def block_delta(**fields: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": 0, "delta": fields}


def text_delta(text: str) -> dict[str, object]:
    return {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}


DECODERS: dict[str, Callable[[str], list[Reader]]] = {
    "openai": answer(openai("none"), lambda t: {"choices": [{"index": 0, "delta": {"content": t}}]}),
    "openai any": answer(openai("any"), lambda t: {"choices": [{"index": 0, "delta": {"content": t}}]}),
    "openai implicit": answer(openai("implicit"), lambda t: {"choices": [{"index": 0, "delta": {"content": t}}]}),
    "openai tools": answer(
        openai("none"), lambda t: {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": t}}]}}]}
    ),
    "openai calls": answer(openai("none"), call),
    "openai names": answer(
        openai("none"), lambda t: delta(tool_calls=[{"index": 0, "id": t, "function": {"name": t}}])
    ),
    "openai parts": answer(openai("any"), lambda t: delta(content=[{"type": "text", "text": t}, {"type": t}])),
    "openai thoughts": answer(openai("none"), lambda t: delta(reasoning_content=[t, {"text": t}])),
    "openai snapshots": answer(openai("any"), lambda t: {"choices": [{"index": 0, "message": {"content": t}}]}),
    "openai reasons": answer(
        openai("none"), lambda t: {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": {"type": t}}]}
    ),
    "openai errors": answer(openai("none"), lambda t: {"error": {"message": [t], "code": t}}),
    "openai fields": answer(openai("none"), lambda t: {"choices": [], "usage": {"prompt_tokens": 1, t: 1}, t: t}),
    "openai gathered": collected(lambda t: delta(content=t)),
    "openai refusals gathered": collected(lambda t: delta(refusal=t)),
    "openai details gathered": collected(lambda t: delta(reasoning_details=[{"index": 0, "text": t}])),
    "anthropic": answer(MessagesDecoder, lambda t: block_delta(type="text_delta", text=t)),
    "anthropic calls": answer(MessagesDecoder, lambda t: block_delta(type="input_json_delta", partial_json=t)),
    "anthropic blocks": answer(
        MessagesDecoder,
        lambda t: {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "name": t, "id": t},
        },
    ),
    "anthropic sources": answer(MessagesDecoder, lambda t: block_delta(type="citations_delta", citation={"url": t})),
    "anthropic errors": answer(MessagesDecoder, lambda t: {"type": "error", "error": {"message": t, "type": t}}),
    "responses": answer(lambda: ResponseDecoder({}), lambda t: text_delta(t)),
    "responses items": answer(
        lambda: ResponseDecoder({}),
        lambda t: {"type": "response.output_item.done", "item": {"type": "message", "content": [{"text": t}]}},
    ),
    "responses calls": answer(
        lambda: ResponseDecoder({}),
        lambda t: {"type": "response.output_item.done", "item": {"type": "function_call", "arguments": t}},
    ),
    "responses passed on": answer(passed_response, lambda t: text_delta(t)),
    "responses held": answer(passed_response, lambda t: {"type": "response.created", "response": {"id": t}}),
    "anthropic passed on": answer(passed_on, lambda t: block_delta(type="text_delta", text=t)),
    "anthropic held back": answer(passed_on, lambda t: {"type": t}),
    "k2think": answer(K2ThinkDecoder, lambda t: {"choices": [{"delta": {"content": t}}]}),
    "k2think snapshots": answer(K2ThinkDecoder, lambda t: {"content": t}),
    "qwen": answer(QwenDecoder, lambda t: {"choices": [{"delta": {"phase": "answer", "content": t}}]}),
    "qwen whole": answer(QwenDecoder, lambda t: {"data": {"content": [t, {"text": t}]}}),
    "qwen demand": answer(QwenDecoder, lambda t: {"ret": [t, t], "data": {"url": t}}),
    "longcat": answer(LongCatDecoder, lambda t: {"event": {"type": "content", "content": t}}),
    "longcat final": answer(
        lambda: LongCatDecoder(remarks=True), lambda t: {"event": {"type": "finish", "finalContent": t + " b"}}
    ),
    "longcat search": answer(LongCatDecoder, lambda t: {"event": {"type": "search", "content": "[" + t}}),
    "zai": answer(ZaiDecoder, lambda t: {"type": "chat:completion", "data": {"phase": "answer", "delta_content": t}}),
    "zai blocks": answer(
        ZaiDecoder,
        lambda t: {"type": "chat:completion", "data": {"content_blocks": [{"type": "text", "content": [t, t]}]}},
    ),
    "zai tool": answer(
        ZaiDecoder, lambda t: {"type": "chat:completion", "data": {"phase": "tool_response", "delta_content": t}}
    ),
}


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_takes_linear_time(name: str) -> None:
    for unit in ARGUMENTS if name == "openai calls" else UNITS:
        for kind, reader in zip(("small frames", "one frame"), DECODERS[name](unit), strict=True):
            size = 12_000 if kind == "small frames" else 40_000
            assert growth(reader, size) < MOST_RATIO, f"{name}: {unit!r}, {kind}"
