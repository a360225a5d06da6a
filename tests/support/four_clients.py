"""One question in each of the four forms of clients, and what the client reads of the answer, whole or streamed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

PICTURE: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG of one pixel, in base64."""
CALL: Final = "toolu_matrix_1"
_CITY: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_WEATHER: Final = {"name": "get_weather", "description": "The weather of a city."}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, whatever the form. `result`: what the tool said in an earlier turn, a picture beside it."""

    words: str
    model: str = ""
    tools: bool = False
    thinking: bool = False
    result: str = ""
    limit: int = 2000


@dataclass(frozen=True, slots=True)
class Told:
    """What a client reads. `finish` in the words of chat completions, "" without a proper end; `error` is the
    message it is told, with the status of the head."""

    status: int = 200
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """Names and arguments."""
    finish: str = ""
    error: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """A client's form: where it asks, what it sends, and how it reads a document and the data of events."""

    path: str
    body: Callable[[Asked], dict[str, Any]]
    whole: Callable[[Any], Told]
    events: Callable[[list[Any]], Told]

    def request(self, asked: Asked, *, stream: bool) -> dict[str, Any]:
        return {"model": asked.model, "stream": stream, **self.body(asked)}

    def read(self, answer: httpx.Response) -> Told:
        """What is told in an answer that has arrived."""
        streamed = answer.headers["content-type"].startswith("text/event-stream")
        if streamed:
            told = self.events(events_of(answer.text))
        elif answer.status_code == 200:
            told = self.whole(answer.json())
        else:
            told = Told(error=answer.json()["error"]["message"])
        return replace(told, status=answer.status_code, account=answer.headers.get("x-glassgate-account", ""))


def events_of(stream: str) -> list[Any]:
    """The data of events as JSON; the word that ends a stream of chat completions as it is."""
    data = [line[6:] for line in stream.splitlines() if line.startswith("data: ")]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


# -- chat completions -------------------------------------------------------------------------------------------------
def _chat(asked: Asked) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": asked.words}]
    if asked.result:
        function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
        url = f"data:image/png;base64,{PICTURE}"
        parts = [{"type": "text", "text": asked.result}, {"type": "image_url", "image_url": {"url": url}}]
        call = {"id": CALL, "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": CALL, "content": parts},
        ]
    tools = {"tools": [{"type": "function", "function": {**_WEATHER, "parameters": _CITY}}]} if asked.tools else {}
    thinking = {"reasoning_effort": "high"} if asked.thinking else {}
    return {"messages": messages, "max_tokens": asked.limit, **tools, **thinking}


def _of_chat(body: Any) -> Told:
    (choice,) = body["choices"]
    message = choice["message"]
    calls = [(call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls") or ()]
    return Told(
        text=message["content"] or "",
        reasoning=message.get("reasoning_content") or "",
        refusal=message.get("refusal") or "",
        calls=tuple(calls),
        finish=choice["finish_reason"],
    )


@dataclass
class _Joined:
    """Pieces put together; calls by their place."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: dict[int, list[str]] = field(default_factory=dict)
    finish: str = ""
    error: str = ""

    def told(self) -> Told:
        calls = tuple((name, arguments) for name, arguments in self.calls.values())
        return Told(200, self.text, self.reasoning, self.refusal, calls, self.finish, self.error)


def _of_chunks(data: list[Any]) -> Told:
    """An answer has ended where [DONE] is said and no error before it."""
    joined = _Joined()
    for chunk in data:
        if chunk == "[DONE]":
            continue
        joined.error = joined.error or chunk.get("error", {}).get("message", "")
        for choice in chunk.get("choices", ()):
            delta = choice["delta"]
            joined.text += delta.get("content") or ""
            joined.reasoning += delta.get("reasoning_content") or ""
            joined.refusal += delta.get("refusal") or ""
            joined.finish = choice["finish_reason"] or joined.finish
            for call in delta.get("tool_calls") or ():
                kept = joined.calls.setdefault(call["index"], ["", ""])
                kept[0] += call["function"].get("name") or ""
                kept[1] += call["function"].get("arguments") or ""
    return joined.told()


# -- completions ------------------------------------------------------------------------------------------------------
def _completion(asked: Asked) -> dict[str, Any]:
    """A prompt: the form has no place for results of tools, pictures or thinking; it knows no tools either."""
    tools = {"tools": _chat(asked)["tools"]} if asked.tools else {}
    return {"prompt": asked.words, "max_tokens": asked.limit, **tools}


def _of_completion(body: Any) -> Told:
    (choice,) = body["choices"]
    return Told(text=choice["text"], finish=choice["finish_reason"])


def _of_completions(data: list[Any]) -> Told:
    joined = _Joined()
    for chunk in data:
        if chunk == "[DONE]":
            continue
        joined.error = joined.error or chunk.get("error", {}).get("message", "")
        for choice in chunk.get("choices", ()):
            joined.text += choice["text"]
            joined.finish = choice["finish_reason"] or joined.finish
    return joined.told()


# -- messages ---------------------------------------------------------------------------------------------------------
def _message(asked: Asked) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": asked.words}]
    if asked.result:
        source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
        parts = [{"type": "text", "text": asked.result}, {"type": "image", "source": source}]
        call = {"type": "tool_use", "id": CALL, "name": "get_weather", "input": {"city": "Paris"}}
        messages += [
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": CALL, "content": parts}]},
        ]
    tools = {"tools": [{**_WEATHER, "input_schema": _CITY}]} if asked.tools else {}
    thinking = {"thinking": {"type": "adaptive"}} if asked.thinking else {}
    return {"messages": messages, "max_tokens": asked.limit, **tools, **thinking}


_STOPS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def _of_message(body: Any) -> Told:
    blocks = body["content"]
    return Told(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        reasoning="".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        calls=tuple((block["name"], json.dumps(block["input"])) for block in blocks if block["type"] == "tool_use"),
        finish=_STOPS[body["stop_reason"]],
    )


def _of_message_events(data: list[Any]) -> Told:
    joined = _Joined()
    for event in data:
        match event["type"]:
            case "content_block_start" if event["content_block"]["type"] == "tool_use":
                joined.calls[event["index"]] = [event["content_block"]["name"], ""]
            case "content_block_delta":
                delta = event["delta"]
                joined.text += delta.get("text", "")
                joined.reasoning += delta.get("thinking", "")
                if "partial_json" in delta:
                    joined.calls[event["index"]][1] += delta["partial_json"]
            case "message_delta":
                joined.finish = _STOPS[event["delta"]["stop_reason"]]
            case "error":
                joined.error = event["error"]["message"]
    if not joined.error:
        assert data[-1]["type"] == "message_stop"
    return joined.told()


# -- responses --------------------------------------------------------------------------------------------------------
def _response(asked: Asked) -> dict[str, Any]:
    items: list[Any] = [{"role": "user", "content": asked.words}]
    if asked.result:
        url = f"data:image/png;base64,{PICTURE}"
        parts = [{"type": "input_text", "text": asked.result}, {"type": "input_image", "image_url": url}]
        call = {"type": "function_call", "call_id": CALL, "name": "get_weather", "arguments": '{"city": "Paris"}'}
        items += [call, {"type": "function_call_output", "call_id": CALL, "output": parts}]
    tools = {"tools": [{"type": "function", **_WEATHER, "parameters": _CITY, "strict": False}]} if asked.tools else {}
    thinking = {"reasoning": {"effort": "high", "summary": "auto"}} if asked.thinking else {}
    return {"input": items, "max_output_tokens": asked.limit, "store": False, **tools, **thinking}


def _of_response(body: Any) -> Told:
    items = body["output"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    thoughts = [part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"]]
    calls = tuple((item["name"], item["arguments"]) for item in items if item["type"] == "function_call")
    ends = {"completed": "tool_calls" if calls else "stop", "failed": "", "incomplete": "content_filter"}
    finish = ends[body["status"]]
    if (body.get("incomplete_details") or {}).get("reason") == "max_output_tokens":
        finish = "length"
    return Told(
        text="".join(part["text"] for part in parts if part["type"] == "output_text"),
        reasoning="".join(thoughts),
        refusal="".join(part["refusal"] for part in parts if part["type"] == "refusal"),
        calls=calls,
        finish=finish,
        error=(body.get("error") or {}).get("message", ""),
    )


def _of_response_events(data: list[Any]) -> Told:
    """Its last event has the whole answer; the deltas before it must say the same."""
    data = [one for one in data if one != "[DONE]"]
    last = data[-1]
    if last["type"] == "error":
        return Told(error=last["message"])
    told = _of_response(last["response"])
    said = "".join(event["delta"] for event in data if event["type"] == "response.output_text.delta")
    if told.error:
        return replace(told, text=said)
    assert said == told.text
    return told


FORMS: Final[Mapping[str, Form]] = {
    "chat": Form("/v1/chat/completions", _chat, _of_chat, _of_chunks),
    "completions": Form("/v1/completions", _completion, _of_completion, _of_completions),
    "messages": Form("/v1/messages", _message, _of_message, _of_message_events),
    "responses": Form("/v1/responses", _response, _of_response, _of_response_events),
}
