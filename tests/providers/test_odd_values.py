"""Any field of a frame may hold anything: a list or an object where a word is usual makes no decoder fail."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.contract.events import Failure, Finish
from providers.contract.operation import Decoder
from providers.k2think.decoder import K2ThinkDecoder
from providers.longcat.decoder import LongCatDecoder
from providers.openai.decoder import OpenAIDecoder
from providers.openai.options import OpenAIOptions
from providers.qwen.decoder import QwenDecoder
from providers.zai.decoder import ZaiDecoder
from tests.support.decoding import run

DECODERS: dict[str, Callable[[], Decoder]] = {
    "openai": lambda: OpenAIDecoder(OpenAIOptions(base_url="https://api.example").form()),
    "k2think": K2ThinkDecoder,
    "qwen": QwenDecoder,
    "longcat": LongCatDecoder,
    "zai": ZaiDecoder,
}
FIELDS = [
    "phase",
    "status",
    "role",
    "content",
    "extra",
    "error",
    "type",
    "data",
    "event",
    "message",
    "delta",
    "index",
    "id",
    "name",
    "arguments",
    "function",
    "tool_calls",
    "finish_reason",
    "finishType",
    "response_id",
    "response_index",
    "response.created",
    "response.info",
    "response.stopped",
    "action",
    "usage",
    "code",
    "detail",
    "metadata",
    "edit_index",
    "edit_content",
    "delta_content",
    "content_blocks",
    "scope",
    "sources",
    "done",
    "lastOne",
    "sensitive",
    "tokenInfo",
    "customData",
    "choices",
    "finalContentX",
    "finalContent",
    "reasoning_content",
    "reasoning",
    "annotations",
    "logprobs",
    "refusal",
    "object",
    "model",
    "success",
    "ret",
    "tool_result",
    "docs",
    "web_search_info",
    "citations",
]
VALUES: list[Any] = [{}, {"a": {"b": [1]}}, [], [{"a": 1}], [["a"]], 1, 1.5, True, None, "", "word"]
PLACES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "frame": lambda fields: fields,
    "data": lambda fields: {"type": "chat:completion", "data": fields},
    "event": lambda fields: {"event": fields},
    "choice": lambda fields: {"choices": [{"index": 0, **fields}]},
    "delta": lambda fields: {"choices": [{"index": 0, "delta": fields}]},
    "message": lambda fields: {"choices": [{"index": 0, "message": fields}]},
    "call": lambda fields: {"choices": [{"index": 0, "delta": {"tool_calls": [fields]}}]},
    "created": lambda fields: {"response.created": fields},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", DECODERS)
def test_any_value_in_any_field_ends_in_one_terminal_event(name: str, place: str) -> None:
    for field in FIELDS:
        for value in VALUES:
            sent = b"data: " + json.dumps(PLACES[place]({field: value})).encode() + b"\n\n"
            events = run(DECODERS[name](), [sent])
            assert [isinstance(event, Finish | Failure) for event in events].count(True) == 1, sent
