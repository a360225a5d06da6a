"""Streams of Responses for the tests: each item begun, told in pieces, told whole, as the API does it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 13,
}


def frame(value: Mapping[str, Any], *, named: bool = True) -> bytes:
    name = f"event: {value['type']}\n".encode() if named else b""
    return name + b"data: " + json.dumps(value).encode() + b"\n\n"


def message(text: str, annotations: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": list(annotations)}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def refusal(words: str) -> dict[str, Any]:
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": words}]}


def thinking(*summaries: str, content: str = "") -> dict[str, Any]:
    told = [{"type": "summary_text", "text": text} for text in summaries]
    raw = {"content": [{"type": "reasoning_text", "text": content}]} if content else {}
    return {"id": "rs_1", "type": "reasoning", "summary": told, "encrypted_content": "gAAA==", **raw}


def call(name: str, arguments: str, call_id: str = "call_1") -> dict[str, Any]:
    return {"id": f"fc_{call_id}", "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def custom(name: str, said: str, call_id: str = "call_1") -> dict[str, Any]:
    return {"id": f"ctc_{call_id}", "type": "custom_tool_call", "call_id": call_id, "name": name, "input": said}


def response(*items: Mapping[str, Any], status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "theirs",
        "status": status,
        "output": list(items),
        "usage": USAGE,
        "error": None,
        "incomplete_details": None,
        **fields,
    }


def events(*items: Mapping[str, Any], status: str = "completed", **fields: Any) -> list[dict[str, Any]]:
    """All events of a response's stream."""
    begun = response(status="in_progress", usage=None)
    out: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(items):
        out += _of_item(index, item)
    out.append({"type": f"response.{status}", "response": response(*items, status=status, **fields)})
    return [{**event, "sequence_number": number} for number, event in enumerate(out)]


def begun(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": 0, "item": {**item, **more}}


def ended(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": response(*items, **fields)}


def kinds(told: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of events in their order, pieces in a row as one."""
    return [kind for kind, _ in groupby(str(event["type"]) for event in told)]


def sse(told: Sequence[Mapping[str, Any]], *, named: bool = True) -> bytes:
    return b"".join(frame(event, named=named) for event in told)


def stream(*items: Mapping[str, Any], status: str = "completed", **fields: Any) -> bytes:
    return sse(events(*items, status=status, **fields))


def failed(code: str, words: str) -> dict[str, Any]:
    """The last event of a response that failed."""
    error = {"code": code, "message": words}
    return {"type": "response.failed", "response": response(status="failed", error=error, usage=None)}


def _halves(text: str) -> Iterator[str]:
    middle = len(text) // 2
    yield from (half for half in (text[:middle], text[middle:]) if half)


def _of_item(index: int, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    at = {"output_index": index, "item_id": item["id"]}
    empty = {"content": [], "summary": [], "arguments": "", "input": ""}
    begun = {name: empty.get(name, value) for name, value in item.items()}
    yield {"type": "response.output_item.added", "output_index": index, "item": {**begun, "status": "in_progress"}}
    for name, kind in (("arguments", "function_call_arguments"), ("input", "custom_tool_call_input")):
        if name in item:
            for half in _halves(item[name]):
                yield {"type": f"response.{kind}.delta", **at, "delta": half}
            yield {"type": f"response.{kind}.done", **at, name: item[name]}
    for number, part in enumerate(item.get("summary", ())):
        place = {**at, "summary_index": number}
        yield {"type": "response.reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}}
        for half in _halves(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **place, "delta": half}
        yield {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **place, "part": part}
    for number, part in enumerate(item.get("content", ())):
        place = {**at, "content_index": number}
        kind, name = part["type"], "refusal" if part["type"] == "refusal" else "text"
        yield {"type": "response.content_part.added", **place, "part": {**part, name: ""}}
        for half in _halves(part[name]):
            yield {"type": f"response.{kind}.delta", **place, "delta": half}
        for source, annotation in enumerate(part.get("annotations", ())):
            told = {"annotation_index": source, "annotation": annotation}
            yield {"type": "response.output_text.annotation.added", **place, **told}
        yield {"type": f"response.{kind}.done", **place, name: part[name]}
        yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}
