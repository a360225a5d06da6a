"""The answers of the K2Think web chat, whole and streamed, in each of the forms known of it.

A variant is a set of words joined by `+` (`variant=answer+snapshots+minus_one`): how the reasoning stands in the
content, how the stream carries the content, how the stream ends.
"""

import html
import json
import time
from dataclasses import dataclass
from typing import Any

from providers.sandbox.script import Script

MODEL = "MBZUAI-IFM/K2-Think-v2"
USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
_ENDS = {
    "done_word": b"data: [DONE]\n\n",
    "done_upper": b"data: DONE\n\n",
    "done_lower": b"data: done\n\n",
    "minus_one": b"data: -1\n\n",
    "done_flag": b'data: {"done":true}\n\n',
    "no_mark": b"",
}
_BIG_BYTES = 5_000_000
_TAG_PIECE = 7
"""Characters a piece of reasoning and tags has in an incremental stream: tags are cut in two."""


@dataclass(frozen=True, slots=True)
class Content:
    """One answer: reasoning with its markup, answer in pieces, closing tag; `own`: reasoning in a field of its own."""

    before: str
    pieces: list[str]
    after: str = ""
    own: list[str] | None = None
    finish: str = "stop"

    @property
    def text(self) -> str:
        return self.before + "".join(self.pieces) + self.after


def words_of(script: Script) -> set[str]:
    return set(script.variant.split("+")) - {""}


def content_of(script: Script) -> Content:
    """The content of the script's answer. Without a word the form of the v2 model: a closing tag only."""
    words = words_of(script)
    thoughts, pieces = script.thoughts(), _pieces(script)
    reasoning = "".join(thoughts)
    if "length" in words:  # cut off while thinking: there is no answer, and no tag says so
        return Content(f"<think>{reasoning}" if "think" in words else reasoning, [], finish="length")
    finish = "length" if "cut_answer" in words else "stop"
    if "own" in words:
        tagged = (
            "<think>other words</think>" if "think" in words else "other words</think>" if "closing" in words else ""
        )
        return Content(tagged, pieces, own=thoughts, finish=finish)
    if "plain" in words:
        return Content("", pieces, finish=finish)
    if "open" in words:
        return Content("<think>\n", pieces, finish=finish)
    opening, closing = ("<answer>", "</answer>") if "answer" in words else ("", "")
    if words & {"details", "quoted"}:
        return Content(_drawn(reasoning, words, done=True) + opening, pieces, closing, finish=finish)
    if "duration" in words:
        return Content(f'<think duration="12">\n{reasoning}\n</think>\n\n{opening}', pieces, closing, finish=finish)
    if words & {"think", "answer"}:
        return Content(f"<think>{reasoning}</think>{opening}", pieces, closing, finish=finish)
    return Content(f"{reasoning}</think>", pieces, finish=finish)


def whole(script: Script) -> bytes:
    """The answer to `stream: false`."""
    content = content_of(script)
    message: dict[str, Any] = {"role": "assistant", "content": content.text}
    if content.own is not None:
        message["reasoning_content"] = "".join(content.own)
    if script.fault == "empty":
        message["content"] = ""
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": content.finish}
    answer: dict[str, Any] = {
        **_head("chat.completion"),
        "choices": [choice],
        "usage": USAGE,
        "system_fingerprint": "fp_sandbox",
        "time_info": {"total_time": 0.5},
    }
    if script.fault == "unknown_event":
        answer |= {"mood": "sunny", "sources": [], "events": [{"type": "mood"}]}
        message["mood"] = {"deep": [1]}
    body = json.dumps(answer, ensure_ascii=False).encode()
    match script.fault:
        case "truncated" | "reset" | "hang_up":
            return body[: body.index(b'"finish_reason"')]
        case "bad_utf8":
            return _spoiled(body, content)
        case "two_finishes":
            return body + b"\n" + body
        case "after_finish":
            return body + b"\nwords after the end"
        case "error_mid":
            return body[: body.index(b'"finish_reason"')] + b'{"error":{"message":"The engine crashed"}}'
    return body


def stream(script: Script) -> list[bytes]:
    """The frames of the answer to `stream: true`, the fault of the script in them."""
    content = content_of(script)
    frames = [*head(script, content), *body(script, content)]
    return _with_fault(frames, tail(script, content), script, content)


def head(script: Script, content: Content) -> list[bytes]:
    """The frames before the content."""
    if "snapshots" in words_of(script):
        return []
    frames = [_chunk({"role": "assistant", "content": ""})]
    return frames + [_chunk({"reasoning_content": piece}) for piece in content.own or ()]


def body(script: Script, content: Content) -> list[bytes]:
    """The content: as whole texts so far, bare or in chunks, else in pieces."""
    words = words_of(script)
    if words & {"snapshots", "chunks"}:
        make = _bare if "snapshots" in words else _content_chunk
        return [make(text) for text in _snapshots(script, content)]
    return [_content_chunk(piece) for piece in (*_cut(content.before), *content.pieces, *_cut(content.after))]


def opening(script: Script) -> list[bytes]:
    """Everything before the answer's first word, in pieces: for counted answers."""
    content = content_of(script)
    return [*head(script, content), *(_content_chunk(piece) for piece in _cut(content.before))]


def counted() -> bytes:
    return _content_chunk("word ")


def tail(script: Script, content: Content) -> list[bytes]:
    """Finish, usage and end mark."""
    words = words_of(script)
    marks = [mark for word, mark in _ENDS.items() if word in words]
    if "snapshots" in words:
        return [_frame({"usage": USAGE}), *(marks or [_ENDS["done_flag"], _ENDS["minus_one"]])]
    finish = _chunk({}, content.finish)
    return [finish, _frame({**_head("chat.completion.chunk"), "choices": [], "usage": USAGE})] + (
        marks or [_ENDS["done_word"]]
    )


def _with_fault(frames: list[bytes], end: list[bytes], script: Script, content: Content) -> list[bytes]:
    middle = len(frames) * 3 // 4
    late = (_bare if "snapshots" in words_of(script) else _content_chunk)("words after the end")
    match script.fault:
        case "truncated" | "reset" | "hang_up":
            return frames[:middle]
        case "half_frame":
            return [*frames[:middle], frames[middle][:-9]]
        case "broken_json":
            return [*frames[:middle], b'data: {"content\n\n', *frames[middle:], *end]
        case "error_mid":
            return [*frames[:middle], _frame({"error": {"message": "The engine crashed"}})]
        case "detail_mid":
            return [*frames[:middle], _frame({"detail": "The engine crashed"})]
        case "message_mid":
            return [*frames[:middle], _frame({"message": "The engine crashed"})]
        case "error_first":
            return [_frame({"error": {"message": "The engine crashed"}})]
        case "session_first":
            return [_frame({"detail": "Not authenticated"})]
        case "bare_detail":
            return [b'{"detail":"Model not found"}\n']
        case "unknown_event":
            odd = [
                b"event: mood\nid: 7\nretry: 10\n\n",
                _frame({"title": "x"}),
                _frame({"sources": []}),
                b"data: 7\n\n",
            ]
            return [*frames[:middle], b": comment\n\n", *odd, *frames[middle:], *end]
        case "bad_utf8":
            return [_spoiled(frame, content) for frame in frames] + end
        case "two_finishes":
            return [*frames, *end, *end]
        case "after_finish":
            early = [] if "snapshots" in words_of(script) else [late]  # there only the end mark is a finish
            return [*frames, end[0], *early, *end[1:], late]
        case "empty":
            return end
    return [*frames, *end]


def _pieces(script: Script) -> list[str]:
    if script.fault == "big_event" and not script.size:
        return ["x" * _BIG_BYTES]
    return script.pieces()


def _drawn(reasoning: str, words: set[str], *, done: bool) -> str:
    """Reasoning as a block to fold away; what stands around it changes once it is done."""
    if "quoted" in words:
        reasoning = "\n" + "\n".join(f"> {html.escape(line)}" for line in reasoning.split("\n")) + "\n"
    tag, title = ('true" duration="2', "Thought for 2 seconds") if done else ("false", "Thinking…")
    return f'<details type="reasoning" done="{tag}"><summary>{title}</summary>{reasoning}</details>'


def _snapshots(script: Script, content: Content) -> list[str]:
    """The whole text so far, again and again."""
    words = words_of(script)
    if words & {"details", "quoted"}:
        # Drawn anew each time: closed every time, or (unclosed) open until the thinking is done.
        thoughts = script.thoughts()
        grown = [_drawn("".join(thoughts[: n + 1]), words, done=False) for n in range(len(thoughts))]
        if "unclosed" in words:
            grown = [text.removesuffix("</details>").removesuffix("\n") for text in grown]
    else:
        grown = [content.before[: n + _TAG_PIECE] for n in range(0, len(content.before), _TAG_PIECE)]
    for number in range(len(content.pieces)):
        grown.append(content.before + "".join(content.pieces[: number + 1]))
    return [*grown, content.text] if content.after else grown


def _spoiled(data: bytes, content: Content) -> bytes:
    """Two bytes that are no UTF-8 in front of the answer's first words."""
    first = content.pieces[0] if content.pieces else content.before
    words = json.dumps(first, ensure_ascii=False)[1:-1].encode()
    return data.replace(words, b"\xff\xfe" + words, 1)


def _cut(text: str) -> list[str]:
    return [text[at : at + _TAG_PIECE] for at in range(0, len(text), _TAG_PIECE)]


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-sandbox", "object": kind, "created": int(time.time()), "model": MODEL}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return _frame(
        {**_head("chat.completion.chunk"), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    )


def _content_chunk(text: str) -> bytes:
    return _chunk({"content": text})


def _bare(text: str) -> bytes:
    return _frame({"content": text})


def _frame(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"
