"""Chats and completions of OpenAI's form as people read them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.dialects.openai.frames import ChunkReader
from addons.dialects.text import lines_of
from addons.dialects.transcript import FrameReader, Passage, all_but, as_text, shortened
from providers.formats.jsontext import INVALID, loads, mapping, text

_KNOWN: Final = frozenset({"messages", "model", "stream", "stream_options"})


class OpenAITranscript:
    """The Transcript of OpenAI's formats."""

    def asked(self, body: str) -> Iterator[Passage | str]:
        """Parameters, a prompt, and the messages: roles, reasoning, tool calls, pictures as links."""
        request = loads(body.encode("utf-8", "surrogatepass"))
        if request is INVALID:
            yield from ("the client's request is no JSON:", shortened(body))
            return
        if not isinstance(request, dict):
            yield from ("the client's request is no object:", shortened(body))
            return
        parameters = {name: value for name, value in request.items() if name not in _KNOWN and name != "prompt"}
        if parameters:
            yield "parameters: " + ", ".join(
                f"{name}={shortened(as_text(value), 200)}" for name, value in parameters.items()
            )
            yield ""
        if "prompt" in request:
            yield Passage("prompt", as_text(request["prompt"]))
        messages = request.get("messages")
        for message in messages if isinstance(messages, list) else []:
            yield from _message(message)

    def answered(self, delivered: str, held: int = 0) -> Iterator[Passage | str]:
        """What the client was sent, put together again; without so many letters at the end of each text."""
        for number, choice in sorted(_choices(delivered).items()):
            name = "assistant" if number == 0 else f"assistant, candidate {number}"
            if reasoning := all_but("".join(choice["reasoning"]), held):
                yield Passage(f"{name}, thinking", reasoning)
            for call in choice["calls"].values():
                arguments = all_but("".join(call["arguments"]), held)
                yield Passage(f"{name} calls {shortened(''.join(call['name']), 100)}", arguments)
            if said := all_but("".join(choice["text"]), held):
                yield Passage(name, said)
            for source in choice.get("sources", []):
                yield f"  source: {source}"
            if choice.get("reason"):
                yield f"  finish reason: {choice['reason']}"

    def error_of(self, delivered: str) -> str:
        """The error a client was told at the end of what it was sent, or nothing."""
        errors = [piece["error"] for piece in _pieces(delivered) if isinstance(piece.get("error"), dict)]
        return f"{errors[-1].get('code')}: {errors[-1].get('message')}" if errors else ""

    def frames(self) -> FrameReader:
        return ChunkReader()


def _message(message: Any) -> Iterator[Passage]:
    if not isinstance(message, dict):
        yield Passage("?", as_text(message))
        return
    role = str(message.get("role", "?"))
    if reasoning := message.get("reasoning_content"):
        yield Passage(f"{role}, thinking", as_text(reasoning))
    if (content := message.get("content")) is not None:
        name = f"{role} {message['tool_call_id']}" if message.get("tool_call_id") else role
        yield Passage(name, _content(content))
    for call in map(mapping, _list(message.get("tool_calls"))):
        function = mapping(call.get("function"))
        yield Passage(f"{role} calls {function.get('name', '?')}", as_text(function.get("arguments", "")))


def _content(content: Any) -> str:
    """The text of a message; pictures and other parts as a line each."""
    if not isinstance(content, list):
        return as_text(content)
    lines = []
    for part in content:
        if not isinstance(part, dict):
            lines.append(as_text(part))
        elif part.get("type") == "text":
            lines.append(as_text(part.get("text", "")))
        elif part.get("type") == "image_url":
            link = part.get("image_url")
            url = link.get("url", "") if isinstance(link, dict) else as_text(link)
            lines.append(f"[picture: {shortened(str(url), 120)}]")
        else:
            lines.append(f"[{part.get('type', 'part')}]")
    return "\n".join(lines)


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
