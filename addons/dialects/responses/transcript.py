"""Requests and answers of /v1/responses as people read them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.dialects.responses.events_read import EventReader
from addons.dialects.text import lines_of
from addons.dialects.transcript import FrameReader, Passage, all_but, as_text, shortened
from providers.formats.jsontext import INVALID, loads, mapping, text

_KNOWN: Final = frozenset({"input", "instructions", "model", "stream", "tools"})
_TEXTS: Final = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})


class ResponsesTranscript:
    """The Transcript of OpenAI's Responses."""

    def asked(self, body: str) -> Iterator[Passage | str]:
        """Parameters, instructions, and the items: messages, thinking, calls and results."""
        request = loads(body.encode("utf-8", "surrogatepass"))
        if not isinstance(request, dict):
            what = "no JSON" if request is INVALID else "no object"
            yield from (f"the client's request is {what}:", shortened(body))
            return
        parameters = {name: value for name, value in request.items() if name not in _KNOWN}
        if tools := _list(request.get("tools")):
            parameters["tools"] = f"{len(tools)} ({shortened(', '.join(map(_tool_name, tools)), 150)})"
        if parameters:
            yield "parameters: " + ", ".join(
                f"{name}={shortened(as_text(value), 200)}" for name, value in parameters.items()
            )
            yield ""
        if instructions := request.get("instructions"):
            yield Passage("instructions", as_text(instructions))
        given = request.get("input")
        if isinstance(given, str):
            yield Passage("user", given)
        for item in _list(given):
            yield _item(item)

    def answered(self, delivered: str, held: int = 0) -> Iterator[Passage | str]:
        """What the client was sent, put together again; without so many letters at the end of each text."""
        response, items = _put_together(delivered)
        for item in items:
            passage = _item(item)
            said = all_but(passage.text, held)
            if said or item.get("type") in ("function_call", "custom_tool_call"):
                yield Passage(passage.name, said)
            for part in map(mapping, _list(item.get("content"))):
                for note in map(mapping, _list(part.get("annotations"))):
                    yield f"  source: {f'{text(note.get("title"))} {text(note.get("url"))}'.strip()}"
        if status := text(response.get("status")):
            why = text(mapping(response.get("incomplete_details")).get("reason"))
            yield f"  status: {status}" + (f" ({why})" if why else "")

    def error_of(self, delivered: str) -> str:
        """The error a client was told, or nothing."""
        found = ""
        for event in events_of(delivered):
            error = mapping(event.get("error")) or mapping(mapping(event.get("response")).get("error"))
            if error:
                found = f"{error.get('code')}: {error.get('message')}"
        return found

    def frames(self) -> FrameReader:
        return EventReader()


def _item(item: Any) -> Passage:
    """Who says an item, and what."""
    if not isinstance(item, dict):
        return Passage("?", as_text(item))
    kind = text(item.get("type")) or "message"
    match kind:
        case "message":
            return Passage(text(item.get("role")) or "?", _content(item.get("content")))
        case "reasoning":
            return Passage("assistant, thinking", _content(item.get("summary")) or _content(item.get("content")))
        case "function_call" | "custom_tool_call":
            given = item.get("arguments") if kind == "function_call" else item.get("input")
            name = ".".join(filter(None, (text(item.get("namespace")), text(item.get("name")) or "?")))
            return Passage(f"assistant calls {shortened(name, 100)}", as_text(given or ""))
        case "function_call_output" | "custom_tool_call_output":
            return Passage(f"tool {shortened(text(item.get('call_id')), 100)}", _content(item.get("output")))
        case "image_generation_call":
            return Passage("assistant", "[picture]")
    rest = {name: value for name, value in item.items() if name not in ("type", "id")}
    return Passage(shortened(kind, 100), shortened(as_text(rest)))


def _content(content: Any) -> str:
    """The text of parts; pictures and others as a line each."""
    if not isinstance(content, list):
        return as_text(content) if content is not None else ""
    lines = []
    for part in content:
        kind = mapping(part).get("type")
        if kind in _TEXTS:
            lines.append(as_text(part.get("text", "")))
        elif kind == "refusal":
            lines.append(as_text(part.get("refusal", "")))
        elif kind == "input_image":
            lines.append(f"[picture: {shortened(as_text(part.get('image_url') or part.get('file_id')), 120)}]")
        else:
            lines.append(f"[{shortened(as_text(kind or part), 120)}]")
    return "\n".join(lines)


def _put_together(delivered: str) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """The answer, and its items: of its last event, else of those that came until then."""
    response: Mapping[str, Any] = {}
    items: dict[object, dict[str, Any]] = {}
    texts: dict[object, list[str]] = {}
    for event in events_of(delivered):
        kind, index = text(event.get("type")), as_text(event.get("output_index"))
        response = mapping(event.get("response")) or (event if event.get("object") == "response" else response)
        if item := mapping(event.get("item")):
            items[index] = item
            if kind.endswith(".done"):
                texts.pop(index, None)
        elif kind.endswith(".delta"):
            texts.setdefault(index, []).append(text(event.get("delta")))
    if output := [mapping(item) for item in _list(response.get("output")) if isinstance(item, dict)]:
        return response, list(output)
    return response, [_with_text(item, "".join(texts.get(index, ()))) for index, item in items.items()]


def _with_text(item: dict[str, Any], said: str) -> Mapping[str, Any]:
    """An item that was not told to its end, with what had come of it."""
    if not said:
        return item
    match item.get("type"):
        case "function_call":
            return {**item, "arguments": said}
        case "custom_tool_call":
            return {**item, "input": said}
        case "reasoning":
            return {**item, "summary": [{"type": "summary_text", "text": said}]}
    return {**item, "content": [{"type": "output_text", "text": said}]}


def _tool_name(tool: Any) -> str:
    found = mapping(tool)
    return text(found.get("name")) or text(found.get("type")) or "?"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def events_of(delivered: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream, or the one of a whole answer."""
    texts = [line[5:].strip() for line in lines_of(delivered) if line.startswith("data:")] or [delivered]
    for one in texts:
        value = loads(one.encode("utf-8", "surrogatepass"))
        if isinstance(value, dict):
            yield value
