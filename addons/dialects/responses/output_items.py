"""The items of an answer while they arrive: the frames that tell of them, and each as a whole item.

Texts are kept as the JSON they are sent as, so that the ends, which repeat all of them, cost no second escaping.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from addons.dialects.responses.input_text import InputText
from addons.dialects.responses.numbered import Numbered, opening
from addons.dialects.responses.tools import OwnTool
from addons.dialects.text import JsonText, json_bytes
from providers.contract.events import Citation
from providers.formats.jsontext import INVALID, loads

COMPLETED: Final = "completed"
INCOMPLETE: Final = "incomplete"
_NOTHING: Final = b'""'
_IN_PROGRESS: Final = "in_progress"


class OutputItem(Protocol):
    """An item of an answer."""

    def opened(self) -> bytes:
        """The frames of its beginning."""
        ...

    def closed(self, status: str) -> bytes:
        """The frames of its end; said once."""
        ...

    def whole(self, status: str) -> bytes:
        """The item as JSON."""
        ...


class GrowingText:
    """A text that is told in deltas, and kept as escaped JSON."""

    __slots__ = ("_begun", "_close", "_escaped", "_frames", "_json")

    def __init__(self, frames: Numbered, kind: str, place: bytes, behind: bytes = b"") -> None:
        """`kind` is the event of its deltas, `place` what says in each where it belongs, `behind` their last fields."""
        self._frames = frames
        self._begun = opening(kind) + place + b',"delta":'
        self._close = behind
        self._escaped = bytearray()
        self._json = JsonText()

    def delta(self, text: str) -> bytes:
        """The frame of the next piece; nothing for none."""
        piece = self._json.escape(text)
        return b"" if piece == _NOTHING else self._told(piece)

    def rest(self) -> bytes:
        """The frame of half a surrogate pair that still waited."""
        return self._told(json_bytes(rest)) if (rest := self._json.rest()) else b""

    def _told(self, piece: bytes) -> bytes:
        self._escaped += piece[1:-1]
        return self._frames.closed(self._begun + piece + self._close)

    @property
    def json(self) -> bytes:
        """All of it, in quotes."""
        return b'"%b"' % bytes(self._escaped)

    def __len__(self) -> int:
        return len(self._escaped)


def _added(frames: Numbered, index: int, item: Mapping[str, Any]) -> bytes:
    return frames.frame("response.output_item.added", b'"output_index":%d,"item":%b' % (index, json_bytes(item)))


def _done(frames: Numbered, index: int, item: bytes) -> bytes:
    return frames.frame("response.output_item.done", b'"output_index":%d,"item":%b' % (index, item))


# -- words -------------------------------------------------------------------------------------------------------------
class _Part:
    """A content part of a message: words, or a refusal."""

    def __init__(self, frames: Numbered, place: bytes, *, refusal: bool) -> None:
        self._frames, self._place = frames, place
        self._type, self._field = ("refusal", "refusal") if refusal else ("output_text", "text")
        self.annotations: list[bytes] = []
        behind = b"" if refusal else b',"logprobs":[]'
        self.text = GrowingText(frames, f"response.{self._type}.delta", place, behind)

    def opened(self) -> bytes:
        return self._frames.frame("response.content_part.added", b'%b,"part":%b' % (self._place, self.whole(_NOTHING)))

    def annotated(self, annotation: bytes) -> bytes:
        fields = b'%b,"annotation_index":%d,"annotation":%b' % (self._place, len(self.annotations), annotation)
        self.annotations.append(annotation)
        return self._frames.frame("response.output_text.annotation.added", fields)

    def closed(self) -> bytes:
        frames, rest, said = self._frames, self.text.rest(), self.text.json
        behind = b"" if self._field == "refusal" else b',"logprobs":[]'
        done = frames.frame(
            f"response.{self._type}.done", b'%b,"%b":%b%b' % (self._place, self._field.encode(), said, behind)
        )
        return rest + done + frames.frame("response.content_part.done", b'%b,"part":%b' % (self._place, self.whole()))

    def whole(self, said: bytes | None = None) -> bytes:
        said = self.text.json if said is None else said
        if self._field == "refusal":
            return b'{"type":"refusal","refusal":%b}' % said
        annotations = b",".join(self.annotations)
        return b'{"type":"output_text","text":%b,"annotations":[%b],"logprobs":[]}' % (said, annotations)


class MessageItem:
    """What the model says: parts of words and refusals, one after another."""

    def __init__(self, frames: Numbered, id: str, index: int, begins_at: int) -> None:
        """`begins_at`: characters of the answer's text before this message."""
        self._frames, self._id, self._index = frames, id, index
        self.begins_at = begins_at
        self._parts: list[_Part] = []
        self._part: _Part | None = None
        self._refuses = False

    def opened(self) -> bytes:
        item = {"id": self._id, "type": "message", "status": _IN_PROGRESS, "role": "assistant", "content": []}
        return _added(self._frames, self._index, item)

    def words(self, text: str) -> bytes:
        part = self._part
        if part is not None and not self._refuses:
            return part.text.delta(text)
        return self._next(refusal=False) + self._of(text)

    def refusal(self, text: str) -> bytes:
        begun = b"" if self._part is not None and self._refuses else self._next(refusal=True)
        return begun + self._of(text)

    def cited(self, citation: Citation) -> bytes:
        begun = b"" if self._part is not None and not self._refuses else self._next(refusal=False)
        assert self._part is not None
        return begun + self._part.annotated(_annotation(citation, self.begins_at))

    def closed(self, status: str) -> bytes:
        begun = b"" if self._parts else self._next(refusal=False)
        return begun + self._end_part() + _done(self._frames, self._index, self.whole(status))

    def whole(self, status: str) -> bytes:
        parts = b",".join(part.whole() for part in self._parts)
        head = json_bytes({"id": self._id, "type": "message", "status": status, "role": "assistant"})
        return b'%b,"content":[%b]}' % (head[:-1], parts)

    def _of(self, text: str) -> bytes:
        assert self._part is not None
        return self._part.text.delta(text)

    def _next(self, *, refusal: bool) -> bytes:
        out = self._end_part()
        place = b'"item_id":%b,"output_index":%d,"content_index":%d' % (
            json_bytes(self._id),
            self._index,
            len(self._parts),
        )
        self._part, self._refuses = _Part(self._frames, place, refusal=refusal), refusal
        self._parts.append(self._part)
        return out + self._part.opened()

    def _end_part(self) -> bytes:
        part, self._part = self._part, None
        return part.closed() if part is not None else b""


def _annotation(citation: Citation, begins_at: int) -> bytes:
    """A source as a url_citation; without a place in this message's text it spans nothing (0 to 0)."""
    start, end = (citation.start or 0) - begins_at, (citation.end or 0) - begins_at
    if citation.start is None or start < 0:
        start = end = 0
    told = {"type": "url_citation", "url": citation.url, "title": citation.title, "start_index": start}
    return json_bytes({**told, "end_index": max(start, end)})


# -- thinking ----------------------------------------------------------------------------------------------------------
class ThinkingItem:
    """What the model thinks, as the one summary of a reasoning item. Nothing of it is encrypted here."""

    def __init__(self, frames: Numbered, id: str, index: int) -> None:
        self._frames, self._id, self._index = frames, id, index
        self._place = b'"item_id":%b,"output_index":%d,"summary_index":0' % (json_bytes(id), index)
        self._text = GrowingText(frames, "response.reasoning_summary_text.delta", self._place)

    def opened(self) -> bytes:
        item: dict[str, Any] = {"id": self._id, "type": "reasoning", "summary": [], "encrypted_content": None}
        return _added(self._frames, self._index, item) + self._frames.frame(
            "response.reasoning_summary_part.added", self._place + b',"part":' + _summary(_NOTHING)
        )

    def words(self, text: str) -> bytes:
        return self._text.delta(text)

    def closed(self, status: str) -> bytes:
        frames, rest, said = self._frames, self._text.rest(), self._text.json
        return b"".join(
            (
                rest,
                frames.frame("response.reasoning_summary_text.done", b'%b,"text":%b' % (self._place, said)),
                frames.frame("response.reasoning_summary_part.done", b'%b,"part":%b' % (self._place, _summary(said))),
                _done(frames, self._index, self.whole(status)),
            )
        )

    def whole(self, status: str) -> bytes:
        return b'{"id":%b,"type":"reasoning","summary":[%b],"encrypted_content":null}' % (
            json_bytes(self._id),
            _summary(self._text.json),
        )


def _summary(said: bytes) -> bytes:
    return b'{"type":"summary_text","text":%b}' % said


# -- calls -------------------------------------------------------------------------------------------------------------
class CallItem:
    """A call of a function or a custom tool."""

    def __init__(self, frames: Numbered, id: str, index: int, call_id: str, tool: OwnTool) -> None:
        self._frames, self._index = frames, index
        self._field = "input" if tool.custom else "arguments"
        self._event = "response.custom_tool_call_input" if tool.custom else "response.function_call_arguments"
        self._place = b'"item_id":%b,"output_index":%d' % (json_bytes(id), index)
        self._text = GrowingText(frames, f"{self._event}.delta", self._place)
        self._input = InputText() if tool.custom else None
        self._name = tool.name
        kind = "custom_tool_call" if tool.custom else "function_call"
        self._item = {"id": id, "type": kind, "call_id": call_id, "name": tool.name}
        if tool.namespace:
            self._item["namespace"] = tool.namespace

    def opened(self) -> bytes:
        return _added(self._frames, self._index, {**self._item, self._field: "", "status": _IN_PROGRESS})

    def arguments(self, fragment: str) -> bytes:
        """The frame of the next piece of its arguments."""
        if self._input is None:
            return self._text.delta(fragment)
        return self._text.delta(self._input.feed(fragment))

    def is_whole(self) -> bool:
        """Whether its arguments are JSON: those of a call that was cut off mostly are none."""
        if self._input is not None:
            return self._input.is_whole()
        said = loads(self._text.json)
        return isinstance(said, str) and loads(said.encode("utf-8", "replace")) is not INVALID

    def closed(self, status: str) -> bytes:
        rest = self._text.delta(self._input.rest()) if self._input is not None else b""
        rest += self._text.rest()
        if not len(self._text) and self._input is None:
            rest += self._text.delta("{}")  # no arguments at all: clients read JSON
        fields = b'%b,"%b":%b' % (self._place, self._field.encode(), self._text.json)
        if self._input is None:
            fields += b',"name":' + json_bytes(self._name)
        done = self._frames.frame(f"{self._event}.done", fields)
        return rest + done + _done(self._frames, self._index, self.whole(status))

    def whole(self, status: str) -> bytes:
        head = json_bytes({**self._item, "status": status})
        return b'%b,"%b":%b}' % (head[:-1], self._field.encode(), self._text.json)


# -- pictures ----------------------------------------------------------------------------------------------------------
class PictureItem:
    """A picture whose content is at hand, in base64."""

    def __init__(self, frames: Numbered, id: str, index: int, content: str) -> None:
        self._frames, self._id, self._index, self._content = frames, id, index, content

    def opened(self) -> bytes:
        item = {"id": self._id, "type": "image_generation_call", "status": _IN_PROGRESS, "result": None}
        return _added(self._frames, self._index, item)

    def closed(self, status: str) -> bytes:
        return _done(self._frames, self._index, self.whole(status))

    def whole(self, status: str) -> bytes:
        item = {"id": self._id, "type": "image_generation_call", "status": COMPLETED, "result": self._content}
        return json_bytes(item)
