"""K2Think's answers to events: one JSON object (what the site is known to give), or a stream (asked for by setting).

Reasoning stands in think tags inside the text, or is drawn as a details block that later frames write anew; what was
said is never taken back, only growth is given.
"""

import html
import re
from collections import Counter
from typing import Any, Final

from providers.errors import ErrorKind, ProviderError
from providers.events import Event, Failure, Finish, FinishReason, Reasoning, Text, Usage
from providers.frames import FrameDecoder
from providers.jsontext import INVALID, loads, mapping, text, whole
from providers.k2think_errors import json_error
from providers.think_tags import ThinkTags

BODY_LIMIT_BYTES: Final = 32 * 1024 * 1024
PIECE_CHARS: Final = 400
_DETAILS: Final = re.compile(r"<details\b[^>]*>(.*?)(</details>|\Z)", re.DOTALL)
_SUMMARY: Final = re.compile(r"\s*<summary>.*?</summary>\s*", re.DOTALL)
_REASONS: Final[dict[str, FinishReason]] = {"length": "length", "content_filter": "content_filter"}


class K2ThinkWhole:
    """The Decoder of a whole answer: everything is said when the body ends, in pieces."""

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()
        self._body = bytearray()
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        self._body += data
        if len(self._body) > BODY_LIMIT_BYTES:
            self._over = True
            return [Failure(ProviderError(ErrorKind.PROVIDER_DOWN, "K2Think's answer is larger than 32 MB."))]
        return []

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        value = loads(bytes(self._body))
        if value is INVALID:
            return [Failure(ProviderError(ErrorKind.INCOMPLETE, "K2Think's answer is no complete JSON."))]
        return whole_events(mapping(value))


def whole_events(completion: dict[str, Any]) -> list[Event]:
    """The events of a completion object; a refusal or an empty one is a Failure."""
    choices = completion.get("choices")
    choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    message = mapping(choice.get("message"))
    if not message:
        return [Failure(json_error(completion))]
    reason = _REASONS.get(text(choice.get("finish_reason")), "stop")
    thought, answer = split(text(message.get("content")), complete=reason != "length")
    thought = text(message.get("reasoning_content")) or thought
    if not thought and not answer:
        return [Failure(ProviderError(ErrorKind.PROVIDER_DOWN, "K2Think answered with nothing at all."))]
    out: list[Event] = [Reasoning(piece) for piece in _pieces(thought)]
    out += [Text(piece) for piece in _pieces(answer)]
    if usage := read_usage(completion.get("usage")):
        out.append(usage)
    return [*out, Finish(reason)]


def split(content: str, *, complete: bool) -> tuple[str, str]:
    """(reasoning, answer) of a whole text. Cut off before `</think>` closes, it is all reasoning."""
    tags = ThinkTags()
    thought, answer = tags.feed(content)
    more_thought, more_answer = tags.close(complete=complete)
    return thought + more_thought, answer + more_answer


def read_usage(value: Any) -> Usage | None:
    usage = mapping(value)
    prompt, completion = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    total = whole(usage.get("total_tokens"))
    return Usage(prompt, completion, prompt + completion if total is None else total)


def _pieces(words: str) -> list[str]:
    return [words[at : at + PIECE_CHARS] for at in range(0, len(words), PIECE_CHARS)]


class K2ThinkStream(FrameDecoder):
    """The Decoder of a stream: cumulative `{"content": …}` frames or OpenAI chunks, told apart by their form."""

    site = "K2Think"
    end_marks = frozenset({b"-1", b"[DONE]", b"DONE", b"done"})

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._said = ["", ""]
        self._reason: FinishReason | None = None

    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        if usage := read_usage(frame.get("usage")):
            out.append(usage)
        if frame.get("choices"):
            self._chunk(frame["choices"], out)
        elif isinstance(frame.get("content"), str):
            self._grow(frame["content"], out)
        elif frame.get("done") is True:
            self._finish(out)
        elif "detail" in frame or "error" in frame or "message" in frame:
            self._fail(json_error(frame), out)
        elif "usage" not in frame:
            self.unknown["frame"] += 1

    def _chunk(self, choices: Any, out: list[Event]) -> None:
        choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
        delta = mapping(choice.get("delta"))
        if thought := text(delta.get("reasoning_content")):
            out.append(Reasoning(thought))
        if piece := text(delta.get("content")):
            # A text that begins with all the text before it is a snapshot; anything else goes on from there.
            grown = piece if self._text and piece.startswith(self._text) else self._text + piece
            self._grow(grown, out)
        if reason := text(choice.get("finish_reason")):
            self._reason = _REASONS.get(reason, "stop")

    def _grow(self, content: str, out: list[Event]) -> None:
        self._text = content
        self._say(drawn(content, complete=None), out)

    def _say(self, parts: tuple[str, str], out: list[Event]) -> None:
        """What is new in (reasoning, answer). A part written anew differently is only counted."""
        for index, part in enumerate(parts):
            known = self._said[index]
            if part.startswith(known):
                if new := part[len(known) :]:
                    self._said[index] = part
                    out.append(Reasoning(new) if index == 0 else Text(new))
            elif part:
                self.unknown["written anew"] += 1

    def _end(self, out: list[Event]) -> FinishReason:
        reason = self._reason or "stop"
        self._say(drawn(self._text, complete=reason != "length"), out)
        return reason

    def _cut_off(self, out: list[Event]) -> None:
        if self._reason is not None:
            self._finish(out)


def drawn(content: str, *, complete: bool | None) -> tuple[str, str]:
    """(reasoning, answer) of a text so far, reasoning in tags or a details block. `complete` None: it goes on."""
    found = _DETAILS.match(content.lstrip())
    if found is None:
        if complete is None:
            return ThinkTags().feed(_without_cut_tag(content))
        return split(content, complete=complete)
    inside = _SUMMARY.sub("", found[1]) if "</summary>" in found[1] else "" if "<summary" in found[1] else found[1]
    lines = [line.removeprefix(">").removeprefix(" ") for line in html.unescape(inside).split("\n")]
    thought = _without_cut_tag("\n".join(lines).strip())
    if not found[2]:
        return thought, ""
    rest = content.lstrip()[found.end() :].lstrip()
    tags = ThinkTags()
    tags.feed("<think></think>")  # the thinking is over: what follows is the answer, in its tags or without
    answer = tags.feed(rest)[1]
    return thought, answer + (tags.close()[1] if complete is not None else "")


def _without_cut_tag(words: str) -> str:
    """The text without the beginning of a tag or entity at its end: the next frame shows what it is."""
    at = max(words.rfind("<"), words.rfind("&"))
    if at >= 0 and len(words) - at < 24 and not re.search(r"[>;]", words[at:]):
        return words[:at]
    return words
