"""Z.AI's answer stream to events: both text formats, the site's own tools, citations, errors inside a 200.

A stream ends with a done frame, `[DONE]` or `{"data":"[DONE]"}`. The usage frame is no end: the last words usually come
behind it (19 of 21 recorded streams). The connection's end without any of the marks is an incomplete answer.
"""

import re
from typing import Any, Final

from providers.citations import CitationStyle, CitedText, MarkSyntax, Sources
from providers.events import Event, FinishReason, Image, Reasoning, Usage
from providers.frames import FrameDecoder
from providers.jsontext import loads, mapping, text, whole
from providers.zai_buffer import BufferLimit, EditBuffer
from providers.zai_errors import find_error, provider_error, read_error
from providers.zai_structure import Channel, Piece

_SILENT_TYPES: Final = frozenset({"heartbeat", "conn:heartbeat", "status", "chat:title", "chat:tags", "notification"})
_CHANNELS: Final[dict[str, Channel]] = {
    "thinking": "reasoning",
    "answer": "answer",
    "other": "answer",
    "done": "answer",
    "": "answer",
    "tool_response": "tool",
    "tool_call": "none",
    "search": "none",
}
_KNOWN_FIELDS: Final = frozenset(
    {
        "phase", "delta_content", "edit_index", "edit_content", "content", "usage", "done", "error", "metadata",
        "delta_name", "delta_arguments", "tool_name", "status", "tool_calls", "data", "role", "id", "message_id",
    }
)  # fmt: skip
_REFERENCE: Final = re.compile(r"\[ref_id=([\w-]{1,64})†([^†\]]{0,500})†(https?://[^\]\s]{1,2000})\]")
_TOOL_TEXT_KEPT: Final = 8192
"""Characters of a tool's text kept for a reference that the next frame completes."""


def _mark_keys(inside: str) -> tuple[str, ...]:
    """Sources named in a mark: `turn0search1`, several of them, or `1†source`."""
    keys = [part.strip().partition("†")[0] for part in re.split(r"[,，;]", inside)]
    return tuple(keys) if all(re.fullmatch(r"turn\d+[a-z_]+\d+|\d{1,4}", key) for key in keys) else ()


def _may_begin_mark(inside: str) -> bool:
    return re.fullmatch(r"(t|tu|tur|turn|(turn\d|\d)[\w†,，; .:-]*)?", inside) is not None


MARKS: Final = MarkSyntax("【", "】", _mark_keys, _may_begin_mark)


class ZaiDecoder(FrameDecoder):
    """See the Decoder of providers/contract.py."""

    site = "Z.AI"

    def __init__(self, style: CitationStyle = "annotations") -> None:
        super().__init__()
        self._buffer = EditBuffer()
        self._sources = Sources()
        self._cited = CitedText(style, MARKS, self._sources)
        self._tool_text = ""

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        kind, data = frame.get("type"), frame.get("data")
        error = find_error(frame)
        if data == "[DONE]":
            self._finish(out)
        elif error is not None:
            self._error(error, bool(mapping(data).get("done")), out)
        elif kind == "chat:completion" or kind is None:
            try:
                self._data(mapping(data), out)
            except BufferLimit as e:
                self._fail(self._unreadable(str(e)), out)
        elif kind not in _SILENT_TYPES:
            self.unknown[f"type {text(kind)[:40]}"] += 1

    def _error(self, error: Any, done: bool, out: list[Event]) -> None:
        """A chat that was not created first ends in INTERNAL_ERROR on the done frame although its text is whole."""
        site = read_error(error)
        if done and site.has("INTERNAL_ERROR") and self._buffer.given("answer"):
            self._finish(out)
        else:
            self._events(self._buffer.finish(), out)
            self._fail(provider_error(site), out)

    def _data(self, data: dict[str, Any], out: list[Event]) -> None:
        phase = text(data.get("phase"))
        channel = _CHANNELS.get(phase)
        if channel is None:
            self.unknown[f"phase {phase[:40]}"] += 1
            channel = "none"
        elif phase == "tool_call" and self._buffer.structured:
            channel = "answer"  # labels tell nothing once the text itself is structured
        if delta := data.get("delta_content"):
            self._events(self._buffer.append(text(delta), channel), out)
        elif (edit := data.get("edit_content")) is not None:
            index = whole(data.get("edit_index"))
            self._events(self._buffer.edit(max(index or 0, 0), _unquoted(text(edit)), "answer"), out)
        elif content := text(data.get("content")):
            self._events(self._buffer.edit(0, content, channel), out)
        if usage := data.get("usage"):
            self._usage(mapping(usage), out)
        for name in data:
            if name not in _KNOWN_FIELDS:
                self.unknown[f"field {name[:40]}"] += 1
        if data.get("done") is True or phase == "done":
            self._finish(out)

    def _usage(self, usage: dict[str, Any], out: list[Event]) -> None:
        prompt, completion = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
        if prompt is None or completion is None:
            return
        total = whole(usage.get("total_tokens"))
        cached = whole(mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
        reasoning = whole(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens"))
        out.append(Usage(prompt, completion, prompt + completion if total is None else total, reasoning, cached))

    # -- text -----------------------------------------------------------------------------------------------------
    def _events(self, pieces: list[Piece], out: list[Event]) -> None:
        for channel, piece in pieces:
            if channel == "answer":
                out += self._cited.feed(piece)
            elif channel == "reasoning":
                out.append(Reasoning(piece))
            elif channel == "tool":
                self._tool_answer(piece)
            elif channel == "block":
                self._tool_block(piece, out)

    def _tool_answer(self, piece: str) -> None:
        """Sources in the text of the site's own search tool; a reference may be split over frames."""
        self._tool_text += piece
        end = 0
        for found in _REFERENCE.finditer(self._tool_text):
            self._sources.add(found[3], found[2], found[1])
            end = found.end()
        self._tool_text = self._tool_text[end:][-_TOOL_TEXT_KEPT:]

    def _tool_block(self, block: str, out: list[Event]) -> None:
        """Sources and pictures in the JSON of a tool of the older form."""
        value = loads(block.encode("utf-8", "surrogatepass"))
        meta = mapping(mapping(mapping(value).get("data")).get("metadata"))
        for name in ("result", "display_result"):
            result = meta.get(name)
            if isinstance(result, str):
                result = loads(result.encode("utf-8", "surrogatepass"))
            for item in result if isinstance(result, list) else [result]:
                self._tool_item(mapping(item), out if name == "result" else None)

    def _tool_item(self, item: dict[str, Any], out: list[Event] | None) -> None:
        found = item.get("search_result")
        for number, source in enumerate(found if isinstance(found, list) else [item], 1):
            fields = mapping(source)
            keys = [str(key) for key in (fields.get("ref_id"), fields.get("index", number)) if key is not None]
            self._sources.add(text(fields.get("url")), text(fields.get("title")), *keys)
        url = text(mapping(item.get("image_url")).get("url"))
        if out is not None and url.startswith(("https://", "http://", "data:image/")):
            out.append(Image(url))

    # -- the end --------------------------------------------------------------------------------------------------
    def _end(self, out: list[Event]) -> FinishReason:
        self._cut_off(out)
        return "stop"

    def _cut_off(self, out: list[Event]) -> None:
        self._events(self._buffer.finish(), out)
        out += self._cited.flush()


def _unquoted(edit: str) -> str:
    """An edit of 2025 may come as a JSON string inside the JSON; told by its escapes, so that quoted words stay."""
    if len(edit) > 2 and edit[0] == edit[-1] == '"' and "\\" in edit:
        value = loads(edit.encode("utf-8", "surrogatepass"))
        return value if isinstance(value, str) else edit
    return edit
