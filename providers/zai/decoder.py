"""The decoder of Z.AI's answers: both text formats, the site's own tools, citations, errors inside a 200.

A stream ends with a done frame, `[DONE]` or `{"data":"[DONE]"}`. The usage frame is no end: the last words usually come
behind it (19 of 21 recorded streams). The connection's end without any of the marks is an incomplete answer.

What a frame does to the text stands in zai/rules.py.
"""

from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, FinishReason, Image, Reasoning, Text, Usage, Withdrawn
from providers.formats.jsontext import EVENT_VALUES, loads, mapping, text, whole
from providers.shared.citations import CitationStyle, CitedText, Sources
from providers.shared.frames import FrameDecoder
from providers.zai.blocks import runs_of
from providers.zai.buffer import BufferLimit, EditBuffer
from providers.zai.errors import find_error, provider_error, read_error
from providers.zai.rules import RULES, edit_index, of_subagent
from providers.zai.sources import MARKS, ToolResults
from providers.zai.stray_tags import StrayTagFilter
from providers.zai.structure import Channel, Piece

_SILENT_TYPES: Final = frozenset({"heartbeat", "conn:heartbeat", "status", "chat:title", "chat:tags", "notification"})
_CHANNELS: Final[dict[str, Channel]] = {
    "thinking": "reasoning",
    "answer": "answer",
    "other": "answer",
    "done": "answer",
    "": "answer",
    "tool_response": "tool",
    "tool_call": "answer",
    "search": "tool",
}
"""Phase → the channel of its plain text. Words of the answer have come as `other` and as `tool_call`."""
_TOOL_FIELDS: Final = frozenset({"delta_name", "delta_arguments", "tool_name"})
"""What tells a tool's frame from one that only bears its label."""
_PLAIN_FRAME: Final = {"type", "data"}
_TEXT_FIELDS: Final = frozenset({rule.field for rule in RULES} | {"delta_arguments"})
_KNOWN_FIELDS: Final = frozenset(
    {
        "phase", "delta_content", "edit_index", "edit_content", "content", "usage", "done", "error", "metadata",
        "delta_name", "delta_arguments", "tool_name", "status", "tool_calls", "data", "role", "id", "message_id",
        "content_blocks", "scope", "sources", "selected_model_id", "files", "parent_message_id", "agent_id", "task_id",
        "subagent_type",
    }
)  # fmt: skip


class ZaiDecoder(FrameDecoder):
    """The Decoder (providers/contract/operation.py) of one answer."""

    site = "Z.AI"
    bare_json = True

    def __init__(
        self,
        style: CitationStyle = "annotations",
        max_tokens: int | None = None,
        *,
        whole: bool = False,
        in_chat: bool = False,
    ) -> None:
        """`whole`: the answer is taken when it has ended, so edits may withdraw what was said.

        `in_chat`: the site was asked to make the chat first.
        """
        super().__init__()
        self._whole, self._in_chat = whole, in_chat
        self._beginning = StrayTagFilter()
        self._images: list[Image] = []
        self._buffer = EditBuffer()
        self._sources = Sources()
        self._style: CitationStyle = style
        self._cited = CitedText(style, MARKS, self._sources)
        self._tools = ToolResults(self._sources)
        self._max_tokens = max_tokens
        self._said = False
        self._completion_tokens = 0
        self._channel: Channel = "answer"
        """Of the newest frame that holds words alone."""

    def _words_in(self, frame: dict[str, Any]) -> tuple[str, str] | None:
        data, words = frame.get("data"), ""
        if frame.keys() != _PLAIN_FRAME or frame["type"] != "chat:completion" or not isinstance(data, dict):
            return None
        phase = data.get("phase")
        if phase not in ("answer", "thinking"):
            return None
        for name, value in data.items():
            if name == "delta_content" and isinstance(value, str):
                words = value
            elif name != "phase" and (value or name not in _KNOWN_FIELDS):
                return None
        self._channel = _CHANNELS[phase]
        return ("delta_content", words) if words else None

    def _goes_on(self, words: str, out: list[Event]) -> None:
        if not words:
            return
        try:
            self._events(self._buffer.append(words, self._channel), out)
        except BufferLimit as e:
            self._fail(self._unreadable(str(e)), out)

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        if of_subagent(frame):
            return
        kind, data = frame.get("type"), frame.get("data")
        error = find_error(frame)
        if data == "[DONE]":
            self._finish(out)
        elif error is not None:
            self._error(error, isinstance(data, dict) and bool(data.get("done")), out)
        elif kind is None and "detail" in frame:
            self._fail(provider_error(read_error(frame)), out)
        elif kind == "chat:completion" or kind is None:
            try:
                self._data(data if isinstance(data, dict) else {}, out)
            except BufferLimit as e:
                self._fail(self._unreadable(str(e)), out)
        elif text(kind) not in _SILENT_TYPES:
            self._count_unknown(f"type {text(kind)[:40]}")

    def _error(self, error: Any, done: bool, out: list[Event]) -> None:
        """A chat that was not created first ends in INTERNAL_ERROR on the done frame although its text is whole."""
        self._events(self._buffer.finish(), out)
        site = read_error(error)
        if not self._in_chat and done and site.has("INTERNAL_ERROR") and self._buffer.given("answer"):
            self._finish(out)
        else:
            self._fail(provider_error(site), out)

    def _data(self, data: dict[str, Any], out: list[Event]) -> None:
        said = data.get("phase")
        phase = said if isinstance(said, str) else ""
        channel = _CHANNELS.get(phase)
        if channel is None:
            self._count_unknown(f"phase {phase[:40]}")
            channel = "none"
        is_tool = channel == "tool" or (phase == "tool_call" and not _TOOL_FIELDS.isdisjoint(data))
        self._text(data, channel, out, is_tool=is_tool)
        if is_tool:
            self._pictures(self._tools.read_json({k: v for k, v in data.items() if k not in _TEXT_FIELDS}), out)
        if usage := data.get("usage"):
            self._usage(mapping(usage), out)
        for name in data:
            if name not in _KNOWN_FIELDS:
                self._count_unknown(f"field {name[:40]}")
        if data.get("done") is True or phase == "done":
            self._finish(out)

    def _usage(self, usage: dict[str, Any], out: list[Event]) -> None:
        prompt, completion = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
        if prompt is None or completion is None:
            return
        total = whole(usage.get("total_tokens"))
        cached = whole(mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
        reasoning = whole(mapping(usage.get("completion_tokens_details")).get("reasoning_tokens"))
        self._completion_tokens = completion
        out.append(Usage(prompt, completion, prompt + completion if total is None else total, reasoning, cached))

    # -- text -----------------------------------------------------------------------------------------------------
    def _text(self, data: dict[str, Any], channel: Channel, out: list[Event], *, is_tool: bool) -> None:
        """What the frame does to the text, by the first rule of the page's that finds something. Raises BufferLimit."""
        for rule in RULES:
            value = data.get(rule.field)
            if not value:
                continue
            if rule.field == "content_blocks":
                runs = runs_of(value, lambda kind: self._count_unknown(f"block {kind[:40]}"))
            else:
                runs = [(channel, value)] if isinstance(value, str) else []
            if not runs:
                continue
            if rule.effect == "replaces all":
                self._replaced(self._buffer.replace(runs), out)
            elif rule.effect == "replaces the tail":
                self._edit(edit_index(data.get("edit_index")), _unquoted(runs[0][1]), channel, out)
            else:
                self._events(self._buffer.append(runs[0][1], "tool" if is_tool else channel), out)
            return

    def _edit(self, index: int, content: str, channel: Channel, out: list[Event]) -> None:
        """Replace the tail. An edit's label says little: outside of any tag its text is the answer's."""
        if channel != "tool" and (channel != "reasoning" or self._buffer.structured):
            channel = "answer"
        self._replaced(self._buffer.edit(index, content, channel), out)

    def _replaced(self, pieces: list[Piece], out: list[Event]) -> None:
        self._events(pieces, out)
        if self._buffer.changed:
            self.unknown["edit of text already given out"] = self._buffer.changed

    def _events(self, pieces: list[Piece], out: list[Event]) -> None:
        for channel, piece in pieces:
            if channel == "answer":
                self._answer(self._beginning.feed(piece), out)
            elif channel == "reasoning":
                self._said = True
                out.append(Reasoning(piece))
            elif channel == "tool":
                self._tools.feed_text(piece)
            elif channel == "block":
                self._pictures(self._tools.read_block(piece), out)

    def _answer(self, piece: str, out: list[Event]) -> None:
        if piece:
            self._said = True
            out += self._cited.feed(piece)

    def _pictures(self, urls: list[str], out: list[Event]) -> None:
        self._said = self._said or bool(urls)
        images = [Image(url) for url in urls]
        self._images += images
        out += images

    # -- the end --------------------------------------------------------------------------------------------------
    def _finish(self, out: list[Event]) -> None:
        """An end mark. An answer without a word or a picture is a fault of the site, not an empty success."""
        self._events(self._buffer.finish(), out)
        self._answer(self._beginning.rest(), out)
        if self._said or self._at_limit:
            try:
                super()._finish(out)
            except BufferLimit as e:  # what edits have changed cannot be said again
                self._fail(self._unreadable(str(e)), out)
        else:
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, "Z.AI ended its answer without a word."), out)

    def _end(self, out: list[Event]) -> FinishReason:
        self._cut_off(out)
        if self._whole and self._buffer.changed:
            self._emit_again(out)
        return "length" if self._at_limit else "stop"

    @property
    def _at_limit(self) -> bool:
        """Whether the client's own limit ended the answer."""
        return bool(self._max_tokens) and self._completion_tokens >= (self._max_tokens or 0)

    def _emit_again(self, out: list[Event]) -> None:
        """All of an answer that edits have changed, as it stands at the end. Raises BufferLimit."""
        pieces = self._buffer.whole()
        out.append(Withdrawn())
        self._cited, self._beginning = CitedText(self._style, MARKS, self._sources), StrayTagFilter()
        for channel, piece in pieces:
            if channel == "answer":
                self._answer(self._beginning.feed(piece), out)
            elif channel == "reasoning":
                out.append(Reasoning(piece))
        self._answer(self._beginning.rest(), out)
        out += [*self._images, *self._cited.flush()]

    def _cut_off(self, out: list[Event]) -> None:
        self._events(self._buffer.finish(), out)
        self._answer(self._beginning.rest(), out)
        out += self._cited.flush()

    def _fail(self, error: ProviderError, out: list[Event], *, thought_alone: bool = False) -> None:
        """Gives out what was held back of the answer, then its failure."""
        if not self._over:
            self._events(self._buffer.finish(), out)
            self._answer(self._beginning.rest(), out)
            out += [event for event in self._cited.flush() if isinstance(event, Text)]
        super()._fail(error, out, thought_alone=thought_alone)


def _unquoted(edit: str) -> str:
    """An edit of 2025 may come as a JSON string inside the JSON; told by its escapes, so that quoted words stay."""
    if len(edit) > 2 and edit[0] == edit[-1] == '"' and "\\" in edit:
        value = loads(edit.encode("utf-8", "surrogatepass"), EVENT_VALUES)
        return value if isinstance(value, str) else edit
    return edit
