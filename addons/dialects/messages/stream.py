"""Events to the named events of a Messages stream. Each delta is two prepared byte strings around one escaped text.

One block is open at a time, and blocks have the indexes 0, 1, 2 …: what belongs to another kind ends the one before it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import from_json

from addons.dialects.base import EVENT_STREAM, KEEPALIVE, AnswerMeta
from addons.dialects.messages.answer import (
    EMPTY_INPUT,
    SIGNATURE,
    CallIds,
    ending,
    in_words,
    sources_text,
    usage_object,
)
from addons.dialects.messages.errors import error_frame
from addons.dialects.openai.answer import CITATIONS_LIMIT, image_markdown
from addons.dialects.text import JsonText, json_bytes
from addons.errors import GatewayError
from providers.contract.events import (
    Citation,
    Event,
    Finish,
    Image,
    Issued,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Verbatim,
)

_CLOSE: Final = b"}}\n\n"
_NOTHING: Final = b'""'


def frame(name: str, **fields: Any) -> bytes:
    """A named event with its data."""
    return b"event: %s\ndata: " % name.encode() + json_bytes({"type": name, **fields}) + b"\n\n"


class _Block:
    """The block that is open: the bytes before each of its deltas, and its text."""

    __slots__ = ("call", "index", "input", "kind", "open", "text")

    def __init__(self, index: int, kind: str, field: str, call: int = -1) -> None:
        self.index = index
        self.kind = kind
        self.open = (
            b"event: content_block_delta\ndata: "
            b'{"type":"content_block_delta","index":%d,"delta":{"type":"%s_delta","%s":'
            % (index, kind.encode(), field.encode())
        )
        self.text = JsonText()
        self.call = call
        """The provider's index of the call that it is."""
        self.input: list[str] = []
        """Of a call: its arguments so far."""


class MessagesStream:
    """The Encoder of streams of POST /v1/messages. `prompt_tokens` is told before the provider tells its count."""

    streaming = True
    content_type = EVENT_STREAM
    keepalive = KEEPALIVE

    def __init__(self, meta: AnswerMeta, *, thinks: bool, prompt_tokens: int = 1, words_alone: bool = False) -> None:
        self._meta = meta
        self._words_alone = words_alone
        self._thinks = thinks
        self._usage = Usage(prompt_tokens, 0, prompt_tokens)
        self._started = False
        self._verbatim = False
        self._block: _Block | None = None
        self._blocks = 0
        self._blank: list[str] = []
        """White space that a text would begin with: Anthropic's own API takes no block of nothing else."""
        self._ids = CallIds(meta.id)
        self._calls: set[int] = set()
        """The provider's indexes of the calls that were begun."""
        self._late: list[Event] | None = None
        """What came while a call was not whole, in order: it is said at the end."""
        self._citations: list[Citation] = []
        self._refusal: str | None = None
        self._line_ended = True

    def encode(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if isinstance(event, Text) and self._block is not None and self._block.kind == "text":
                if event.text and not event.choice:
                    self._add_text(event.text, self._block, out)
            elif isinstance(event, Verbatim):
                self._verbatim = True
                out.append(event.data)
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Finish):
                self._finish(event, out)
            elif not self._verbatim and not isinstance(event, Issued):
                self._say(event, out)
        return b"".join(out)

    def error(self, error: GatewayError) -> bytes:
        return error_frame(error)

    # -- what is said ---------------------------------------------------------------------------------------------
    def _say(self, event: Event, out: list[bytes]) -> None:
        if getattr(event, "choice", 0):
            return  # the form knows one answer
        self._start(out)
        if self._late is not None and not (isinstance(event, ToolCallDelta) and self._is_open(event.index)):
            self._late.append(event)
            return
        match event:
            case Text(text) if text:
                self._text(text, event, out)
            case Reasoning(text) if text and self._thinks:
                self._thinking(text, event, out)
            case ToolCallDelta():
                self._call(event, out)
            case Image():
                gap = "" if self._line_ended else "\n\n"
                self._text(f"{gap}{image_markdown(event)}\n", event, out)
            case Citation():
                if len(self._citations) < CITATIONS_LIMIT:
                    self._citations.append(event)
            case Passthrough("delta", {"refusal": str(words)}) if words:
                self._refusal = (self._refusal or "") + words
                self._text(words, event, out)

    def _text(self, text: str, event: Event, out: list[bytes]) -> None:
        if self._block is None or self._block.kind != "text":
            if text.isspace():
                self._blank.append(text)
                return
            if not self._gives_way(event):
                return
            self._end_block(out)
            text = "".join((*self._blank, text))
            self._blank.clear()
            self._block = self._begin("text", "text", out, type="text", text="")
        self._add_text(text, self._block, out)

    def _add_text(self, text: str, block: _Block, out: list[bytes]) -> None:
        self._line_ended = text[-1] == "\n"
        if (piece := block.text.escape(text)) != _NOTHING:
            out += (block.open, piece, _CLOSE)

    def _thinking(self, text: str, event: Event, out: list[bytes]) -> None:
        if self._block is None or self._block.kind != "thinking":
            if not self._gives_way(event):
                return
            self._end_block(out)
            self._block = self._begin("thinking", "thinking", out, type="thinking", thinking="", signature="")
        if (piece := self._block.text.escape(text)) != _NOTHING:
            out += (self._block.open, piece, _CLOSE)

    # -- calls ----------------------------------------------------------------------------------------------------
    def _call(self, delta: ToolCallDelta, out: list[bytes]) -> None:
        if not self._is_open(delta.index):
            if delta.index in self._calls or not self._gives_way(delta):
                return  # one that was whole already; or one that waits
            self._end_block(out)
            self._calls.add(delta.index)
            named = {"id": self._ids.next(delta.id), "name": delta.name or "", "input": {}}
            self._block = self._begin("input_json", "partial_json", out, call=delta.index, type="tool_use", **named)
        block = self._block
        assert block is not None
        if delta.arguments:
            block.input.append(delta.arguments)
            if (piece := block.text.escape(delta.arguments)) != _NOTHING:
                out += (block.open, piece, _CLOSE)

    def _is_open(self, call: int) -> bool:
        return self._block is not None and self._block.call == call

    def _gives_way(self, event: Event) -> bool:
        """Whether another block may begin: not while a call is broken off, of which more may come. What comes instead
        waits for the end then."""
        if self._block is None or self._block.call < 0 or _is_whole("".join(self._block.input)):
            return True
        self._late = [event]
        return False

    # -- blocks ---------------------------------------------------------------------------------------------------
    def _begin(self, kind: str, field: str, out: list[bytes], call: int = -1, **content: Any) -> _Block:
        block = _Block(self._blocks, kind, field, call)
        self._blocks += 1
        out.append(frame("content_block_start", index=block.index, content_block=content))
        return block

    def _end_block(self, out: list[bytes]) -> None:
        block, self._block = self._block, None
        if block is None:
            return
        if rest := block.text.rest():
            out += (block.open, json_bytes(rest), _CLOSE)
        if block.kind == "thinking":
            delta: Mapping[str, str] = {"type": "signature_delta", "signature": SIGNATURE}
            out.append(frame("content_block_delta", index=block.index, delta=delta))
        elif block.call >= 0 and not block.input:
            out += (block.open, json_bytes(EMPTY_INPUT), _CLOSE)
        out.append(frame("content_block_stop", index=block.index))

    def _start(self, out: list[bytes]) -> None:
        if self._started:
            return
        self._started = True
        message: dict[str, Any] = {
            "id": self._meta.id,
            "type": "message",
            "role": "assistant",
            "model": self._meta.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage_object(self._usage), "output_tokens": 0},
        }
        out.append(frame("message_start", message=message))

    def _finish(self, finish: Finish, out: list[bytes]) -> None:
        if self._verbatim:
            return
        self._start(out)
        self._say_late(out)
        if self._citations:
            self._end_call(out)
            self._text(sources_text(self._citations), finish, out)
        refusal = self._refusal
        if self._words_alone:
            finish, words = in_words(finish, refusal)
            refusal = None
            if words:
                self._end_call(out)
                self._text(words if self._line_ended else f"\n\n{words}", finish, out)
        self._end_block(out)
        told = ending(finish, called=bool(self._calls), refusal=refusal)
        out.append(frame("message_delta", delta=told, usage=usage_object(self._usage)))
        out.append(frame("message_stop"))

    def _say_late(self, out: list[bytes]) -> None:
        """What had to wait for a call, each call in one piece."""
        late, self._late = self._late, None
        calls: dict[int, list[ToolCallDelta]] = {}
        for event in late or ():
            if isinstance(event, ToolCallDelta):
                calls.setdefault(event.index, []).append(event)
        for event in late or ():
            if not isinstance(event, ToolCallDelta):
                self._end_call(out)
                self._say(event, out)
            for piece in calls.pop(event.index, ()) if isinstance(event, ToolCallDelta) else ():
                if not self._is_open(piece.index):
                    self._end_block(out)
                self._say(piece, out)

    def _end_call(self, out: list[bytes]) -> None:
        """Ends a call, whether it is whole or not."""
        if self._block is not None and self._block.call >= 0:
            self._end_block(out)


def _is_whole(arguments: str) -> bool:
    """Whether arguments are a JSON object from its beginning to its end."""
    try:
        return isinstance(from_json(arguments), dict)
    except ValueError:
        return False
