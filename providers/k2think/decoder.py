"""The decoders of K2Think's answers: a stream, or one JSON object.

Which of the two it is, the first byte tells: a site that gives the other one than was asked for is read all the same.
"""

from collections import Counter
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, FinishReason, Reasoning, Text, Usage
from providers.contract.operation import Decoder
from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, mapping, text
from providers.k2think.errors import json_error
from providers.k2think.marks import without_end_marks
from providers.k2think.text import K2Text
from providers.k2think.whole import content_of, empty_answer, finish_reason, read_body, read_usage
from providers.shared.cumulative import CumulativeText
from providers.shared.frames import FrameDecoder
from providers.shared.think_tags import settled_whole

BODY_LIMIT_BYTES: Final = 8 * 1024 * 1024
_TAGGED_CHARS: Final = 4 * 1024 * 1024
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"


class K2ThinkDecoder(Decoder):
    """The Decoder (providers/contract/operation.py) of one answer.

    `eager`: whoever reads a stream gets its words while they come. The model thinks first and may close the tag alone,
    so what no tag opens is told as reasoning; where no tag closes it in the end, it is told again as the answer it was.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self._eager = eager
        self._body: bytearray | None = bytearray()
        self._begun = False
        self._stream: K2ThinkStream | None = None

    @property
    def unknown(self) -> Counter[str]:
        return self._stream.unknown if self._stream else Counter()

    def feed(self, data: bytes) -> list[Event]:
        if self._stream is not None:
            return self._stream.feed(data)
        if self._body is None:
            return []
        self._body += data
        if not self._begun:
            self._body = self._body.lstrip(_BLANK)
            self._begun = bool(self._body)
            if self._begun and self._body[:1] not in b"{[<":
                self._stream, begun, self._body = K2ThinkStream(eager=self._eager), bytes(self._body), None
                return self._stream.feed(begun)
        if len(self._body) > BODY_LIMIT_BYTES:
            self._body = None
            return [Failure(ProviderError(ErrorKind.PROVIDER_DOWN, "K2Think's answer is larger than 8 MB."))]
        return []

    def close(self) -> list[Event]:
        if self._stream is not None:
            return self._stream.close()
        if self._body is None:
            return []
        body, self._body = bytes(self._body), None
        return read_body(body)


class K2ThinkStream(FrameDecoder):
    """The Decoder of a stream: `{"content": …}` frames that repeat the text so far, or chunks of the OpenAI form."""

    site = "K2Think"
    end_marks = frozenset({b"-1", b"[DONE]", b"DONE", b"done"})
    bare_json = True

    def __init__(self, *, eager: bool = False) -> None:
        super().__init__()
        self._text = K2Text(eager=eager)
        self._apart = CumulativeText()
        """Reasoning in a field of its own."""
        self._usage: Usage | None = None
        self._reason: FinishReason | None = None
        self._thoughtful = False
        self._tagged: list[str] = []
        self._tagged_chars = 0
        """Reasoning given out because a tag announced it, kept until the tag closes: it may be all there is."""
        self._answered = False
        self._own = False

    def _payload(self, payload: bytes, out: list[Event]) -> None:
        """Frames may follow each other without the blank line that should part them."""
        if b"\n" not in payload or loads(payload, EVENT_VALUES) is not INVALID:
            super()._payload(payload, out)
            return
        for line in payload.split(b"\n"):
            if line.strip():
                super()._payload(line, out)

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        usage = read_usage(frame.get("usage"))
        self._usage = usage or self._usage
        choices, content, done = frame.get("choices"), frame.get("content"), frame.get("done") is True
        if frame.get("error") or frame.get("detail"):
            self._fail(json_error(frame), out)
        elif self._reason is not None:
            if content or _has_words(choices):
                self.unknown["after the finish"] += 1
        elif isinstance(choices, list) and choices:
            self._chunk(mapping(choices[0]), out)
        elif isinstance(content, str):
            self._add(self._text.add(content, snapshot=True), out)
        elif text(frame.get("message")):
            self._fail(json_error(frame), out)
        elif usage is None and not done:
            self.unknown["frame"] += 1
        if done:
            self._finish(out)

    def _chunk(self, choice: dict[str, Any], out: list[Event]) -> None:
        delta = mapping(choice.get("delta")) or mapping(choice.get("message"))
        if thought := text(delta.get("reasoning_content")):
            self._text.reasoning_apart()
            self._own = True
            self._emit((self._apart.add(thought), ""), out)
        self._add(self._text.add(content_of(delta)), out)
        self._reason = finish_reason(choice) or self._reason

    def _add(self, parts: tuple[str, str], out: list[Event]) -> None:
        """Text taken apart: the reasoning in a field of its own is preferred to the tagged one."""
        thought, said = parts
        if thought and not (self._answered or said) and self._tagged_chars <= _TAGGED_CHARS:
            self._tagged.append(thought)
            self._tagged_chars += len(thought)
        self._emit(("" if self._own else thought, said), out)

    def _emit(self, parts: tuple[str, str], out: list[Event]) -> None:
        thought, said = parts
        if thought:
            self._thoughtful = True
            out.append(Reasoning(thought))
        if said:
            self._answered = self._answered or not said.isspace()
            out.append(Text(said))

    def _finish(self, out: list[Event]) -> None:
        if self._over:
            return
        reason = self._reason or "stop"
        self._add(self._text.close(complete=reason != "length"), out)
        if reason == "stop" and not self._answered and self._text.unclosed:
            whole = settled_whole("".join(self._tagged).lstrip(), complete=True)[1]
            self._emit(("", without_end_marks(whole)), out)
        if reason == "stop" and not self._answered:
            self._fail(empty_answer(thought=self._thoughtful), out, thought_alone=self._thoughtful)
        else:
            super()._finish(out)

    def _end(self, out: list[Event]) -> FinishReason:
        if self._text.conflicts:
            self.unknown["written anew"] = self._text.conflicts
        if self._text.marked:
            self.unknown["end marks of the model"] = 1
        if self._usage is not None:
            out.append(self._usage)
        return self._reason or "stop"

    def _cut_off(self, out: list[Event]) -> None:
        """A finish_reason says that the answer is whole, end mark or not."""
        if self._reason is not None:
            self._finish(out)
        else:
            self._emit(self._text.close(complete=False), out)


def _has_words(choices: Any) -> bool:
    choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    return bool(content_of(mapping(choice.get("delta")) or mapping(choice.get("message"))))
