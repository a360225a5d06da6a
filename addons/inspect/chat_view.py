"""A chat as a person reads it, from the body a client sent and the answer it got. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from addons.cleaning.index import PIECE
from addons.inspect.annotation import Annotation
from addons.inspect.sse_text import lines_of
from providers.formats.jsontext import INVALID, loads, mapping, text

HELD = PIECE - 1
"""Letters at the end of a text that still comes: a secret that is said piece by piece may just have begun there, and
is known when PIECE letters of it are there."""
_LONG = 4000
_RULE = 44
"""A line above each part that half a window has room for."""
_KNOWN = frozenset({"messages", "model", "stream", "stream_options"})


def chat_text(note: Annotation) -> str:
    """Roles, reasoning, tool calls, pictures as links, parameters, tokens, timings."""
    answered = answer_lines(note.delivered, HELD if note.running else 0)
    return "\n".join([*_head(note), "", *_request(note.client_request), *answered]).rstrip() + "\n"


def _head(note: Annotation) -> Iterator[str]:
    where = f"{note.provider}/{note.account}" if note.provider else "nobody"
    yield f"{note.request_id}   {note.model or '?'} → {where}   {note.outcome or note.part}"
    figures = [
        f"attempt {note.attempt}" if note.attempt else "",
        f"first word {note.first_token_ms} ms" if note.first_token_ms is not None else "",
        f"total {note.total_ms} ms" if note.total_ms is not None else "",
        f"tokens {note.prompt_tokens}+{note.completion_tokens}" if note.prompt_tokens is not None else "",
    ]
    yield "   ".join(figure for figure in figures if figure)
    if note.error:
        yield f"error: {note.error}"


def _request(body: str) -> Iterator[str]:
    request = loads(body.encode("utf-8", "surrogatepass"))
    if request is INVALID:
        yield from ("the client's request is no JSON:", _short(body))
        return
    if not isinstance(request, dict):
        yield from ("the client's request is no object:", _short(body))
        return
    parameters = {name: value for name, value in request.items() if name not in _KNOWN and name != "prompt"}
    if parameters:
        yield "parameters: " + ", ".join(f"{name}={_short(_words(value), 200)}" for name, value in parameters.items())
        yield ""
    if "prompt" in request:
        yield from _block("prompt", _words(request["prompt"]))
    messages = request.get("messages")
    for message in messages if isinstance(messages, list) else []:
        yield from _message(message)


def _message(message: Any) -> Iterator[str]:
    if not isinstance(message, dict):
        yield from _block("?", _words(message))
        return
    role = str(message.get("role", "?"))
    if reasoning := message.get("reasoning_content"):
        yield from _block(f"{role}, thinking", _words(reasoning))
    if (content := message.get("content")) is not None:
        name = f"{role} {message['tool_call_id']}" if message.get("tool_call_id") else role
        yield from _block(name, _content(content))
    for call in map(mapping, _list(message.get("tool_calls"))):
        function = mapping(call.get("function"))
        yield from _block(f"{role} calls {function.get('name', '?')}", _words(function.get("arguments", "")))


def _content(content: Any) -> str:
    """The text of a message; pictures and other parts as a line each."""
    if not isinstance(content, list):
        return _words(content)
    lines = []
    for part in content:
        if not isinstance(part, dict):
            lines.append(_words(part))
        elif part.get("type") == "text":
            lines.append(_words(part.get("text", "")))
        elif part.get("type") == "image_url":
            link = part.get("image_url")
            url = link.get("url", "") if isinstance(link, dict) else _words(link)
            lines.append(f"[picture: {_short(str(url), 120)}]")
        else:
            lines.append(f"[{part.get('type', 'part')}]")
    return "\n".join(lines)


def answer_lines(delivered: str, held: int = 0) -> Iterator[str]:
    """What the client was sent, put together again; without so many letters at the end of each text."""
    for number, choice in sorted(_choices(delivered).items()):
        name = "assistant" if number == 0 else f"assistant, candidate {number}"
        if reasoning := _but("".join(choice["reasoning"]), held):
            yield from _block(f"{name}, thinking", reasoning)
        for call in choice["calls"].values():
            arguments = _but("".join(call["arguments"]), held)
            yield from _block(f"{name} calls {_short(''.join(call['name']), 100)}", arguments)
        if said := _but("".join(choice["text"]), held):
            yield from _block(name, said)
        for source in choice.get("sources", []):
            yield f"  source: {source}"
        if choice.get("reason"):
            yield f"  finish reason: {choice['reason']}"


def _but(text: str, held: int) -> str:
    return text[: len(text) - held] if held else text


def error_of(delivered: str) -> str:
    """The error a client was told at the end of what it was sent, or nothing."""
    errors = [piece["error"] for piece in _pieces(delivered) if isinstance(piece.get("error"), dict)]
    return f"{errors[-1].get('code')}: {errors[-1].get('message')}" if errors else ""


def _choices(delivered: str) -> dict[int, dict[str, Any]]:
    """Choices by index. What was kept may have been edited since: whatever is not of the form is passed over."""
    found: dict[int, dict[str, Any]] = {}
    for piece in _pieces(delivered):
        for choice in map(mapping, _list(piece.get("choices"))):
            index = choice.get("index") or 0
            if not isinstance(index, int):
                continue
            into = found.setdefault(index, {"text": [], "reasoning": [], "calls": {}, "sources": []})
            message = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
            _add(mapping(message), into)
            into["reason"] = choice.get("finish_reason") or into.get("reason")
    return found


def _add(message: Mapping[str, Any], into: dict[str, Any]) -> None:
    into["text"].append(text(message.get("content")))
    into["reasoning"].append(text(message.get("reasoning_content")))
    for call in map(mapping, _list(message.get("tool_calls"))):
        function = mapping(call.get("function"))
        known = into["calls"].setdefault(str(call.get("index", len(into["calls"]))), {"name": [], "arguments": []})
        known["name"].append(text(function.get("name")))
        known["arguments"].append(text(function.get("arguments")))
    for note in map(mapping, _list(message.get("annotations"))):
        citation = mapping(note.get("url_citation"))
        into["sources"].append(f"{text(citation.get('title'))} {text(citation.get('url'))}".strip())


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _pieces(delivered: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream, or the one of a whole answer."""
    texts = [line[5:].strip() for line in lines_of(delivered) if line.startswith("data:")] or [delivered]
    for one in texts:
        value = loads(one.encode("utf-8", "surrogatepass"))
        if isinstance(value, dict):
            yield value


def _block(name: str, text: str) -> Iterator[str]:
    yield f"── {name} " + "─" * max(4, _RULE - len(name))
    yield _short(text, 50 * _LONG)
    yield ""


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str, most: int = _LONG) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"
