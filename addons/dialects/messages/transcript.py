"""Requests and answers of Anthropic's Messages as people read them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.dialects.messages.frames import EventReader
from addons.dialects.text import lines_of
from addons.dialects.transcript import FrameReader, Passage, all_but, as_text, shortened
from providers.formats.jsontext import INVALID, loads, mapping, text

_KNOWN: Final = frozenset({"messages", "system", "model", "stream", "tools"})
_PIECES: Final[Mapping[str, str]] = {"text": "text", "thinking": "thinking", "tool_use": "partial_json"}
"""Kind of a block → the field of its deltas."""


class MessagesTranscript:
    """The Transcript of Anthropic's Messages."""

    def asked(self, body: str) -> Iterator[Passage | str]:
        """Parameters, the tools' names, what the system says, and the turns: words, thinking, calls and results."""
        request = loads(body.encode("utf-8", "surrogatepass"))
        if request is INVALID:
            yield from ("the client's request is no JSON:", shortened(body))
            return
        if not isinstance(request, dict):
            yield from ("the client's request is no object:", shortened(body))
            return
        if told := {name: value for name, value in request.items() if name not in _KNOWN}:
            yield "parameters: " + ", ".join(f"{name}={shortened(as_text(told[name]), 200)}" for name in told)
            yield ""
        if tools := _list(request.get("tools")):
            names = (text(one.get("name")) or text(one.get("type")) for one in map(mapping, tools))
            yield f"tools ({len(as_text(tools))} characters): " + shortened(", ".join(names))
        if (system := request.get("system")) is not None:
            yield from _said("system", system)
        for turn in _list(request.get("messages")):
            if isinstance(turn, dict):
                yield from _said(as_text(turn.get("role", "?")), turn.get("content"))
            else:
                yield Passage("?", as_text(turn))

    def answered(self, delivered: str, held: int = 0) -> Iterator[Passage | str]:
        """What the client was sent, put together again; without so many letters at the end of each text."""
        found = _Answer(delivered)
        for block in found.blocks.values():
            said = all_but("".join(block["pieces"]), held)
            match block["kind"]:
                case "thinking":
                    yield Passage("assistant, thinking", said)
                case "tool_use" | "server_tool_use":
                    yield Passage(f"assistant calls {shortened(block['name'], 100)}", said)
                case "text":
                    if said:
                        yield Passage("assistant", said)
                case kind:
                    yield f"  [{shortened(kind, 100)}]"
        if found.reason:
            yield f"  stop reason: {shortened(found.reason, 100)}"

    def error_of(self, delivered: str) -> str:
        """The error a client was told at the end of what it was sent, or nothing."""
        errors = [mapping(piece["error"]) for piece in _pieces(delivered) if piece.get("type") == "error"]
        return f"{errors[-1].get('type')}: {errors[-1].get('message')}" if errors else ""

    def frames(self) -> FrameReader:
        return EventReader()


def _said(role: str, content: Any) -> Iterator[Passage]:
    """A turn: its words as one passage, with all else between them in its place."""
    lines: list[str] = []
    for block in _list(content) if isinstance(content, list) else [{"type": "text", "text": content}]:
        held = mapping(block)
        name = {
            "thinking": f"{role}, thinking",
            "tool_use": f"{role} calls {held.get('name', '?')}",
            "tool_result": f"result of {held.get('tool_use_id', '?')}" + (" (failed)" if held.get("is_error") else ""),
        }.get(as_text(held.get("type")))
        if name is None:
            lines.append(_line(block))
            continue
        if lines:
            yield Passage(role, "\n".join(lines))
            lines = []
        yield Passage(name, _inside(held))
    if lines:
        yield Passage(role, "\n".join(lines))


def _inside(block: Mapping[str, Any]) -> str:
    """What a block of thinking, of a call or of a result holds."""
    match block.get("type"):
        case "thinking":
            return as_text(block.get("thinking", ""))
        case "tool_use":
            return as_text(block.get("input", {}))
    content = block.get("content", "")
    return "\n".join(map(_line, content)) if isinstance(content, list) else as_text(content)


def _line(block: Any) -> str:
    """A block as words: pictures and files as what they are called, and no content."""
    held = mapping(block)
    match held.get("type"):
        case "text":
            return as_text(held.get("text", ""))
        case "image" | "document" as kind:
            source = mapping(held.get("source"))
            where = text(source.get("url")).partition("?")[0] or f"{len(text(source.get('data')))} characters"
            return f"[{kind}: {text(source.get('media_type'))} {shortened(where, 120)}]"
        case "tool_reference":
            return f"[tool {as_text(held.get('tool_name', '?'))}]"
        case None:
            return as_text(block)
    return f"[{shortened(as_text(held['type']), 100)}]"


class _Answer:
    """Blocks by index, and why it ended. Whatever is not of the form is passed over."""

    def __init__(self, delivered: str) -> None:
        self.blocks: dict[int, dict[str, Any]] = {}
        self.reason = ""
        for piece in _pieces(delivered):
            self._take(piece)

    def _take(self, piece: Mapping[str, Any]) -> None:
        index = piece.get("index")
        match piece.get("type"):
            case "message":
                for at, block in enumerate(_list(piece.get("content"))):
                    self._begin(at, mapping(block))
                self.reason = text(piece.get("stop_reason"))
            case "content_block_start" if isinstance(index, int):
                self._begin(index, mapping(piece.get("content_block")))
            case "content_block_delta" if isinstance(index, int) and index in self.blocks:
                delta, block = mapping(piece.get("delta")), self.blocks[index]
                block["pieces"] += [text(delta.get(name)) for name in ("text", "thinking", "partial_json")]
            case "message_delta":
                self.reason = text(mapping(piece.get("delta")).get("stop_reason"))

    def _begin(self, index: int, block: Mapping[str, Any]) -> None:
        kind = text(block.get("type"))
        given = block.get("input") if kind.endswith("tool_use") else block.get(kind)
        first = as_text(given) if given else ""
        self.blocks[index] = {"kind": kind, "name": text(block.get("name")), "pieces": [first]}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _pieces(delivered: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream, or the one of a whole answer."""
    texts = [line[5:].strip() for line in lines_of(delivered) if line.startswith("data:")] or [delivered]
    for one in texts:
        value = loads(one.encode("utf-8", "surrogatepass"))
        if isinstance(value, dict):
            yield value
