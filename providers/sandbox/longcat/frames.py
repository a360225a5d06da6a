"""The streams of a LongCat answer, in each of the forms known of them.

A variant is a set of words joined by `+` (`variant=old+cumulative`): the kind of frames, whether text comes in pieces
or as snapshots, what else stands in the stream, how it ends. Today's site sends V2 frames with pieces. The frames of
2025: longcat/old_frames.py.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.script import Script

MODEL = "LongCat-2.0-Preview-LongCatAI"
SOURCES = (
    {"title": "Sandbox Times", "url": "https://example.com/times", "snippet": "All about sand."},
    {"title": "The Daily Stand-in", "url": "https://example.com/daily?a=1&b=2", "snippet": "All about boxes."},
)
TOO_FAST = {"code": 429, "message": "操作太快，请稍后再试"}
GONE = {"code": 404, "message": "conversation not found"}
LOG_IN = {"code": 401, "message": "请登录后继续对话"}
CHECK = {"customData": {"riskLevel": "199"}}
BROKEN = {"code": 500, "message": "服务异常"}
_LONE: dict[str, dict[str, Any]] = {
    "429_line": TOO_FAST,
    "login_line": LOG_IN,
    "gone_line": GONE,
    "check_line": CHECK,
    "error_line": BROKEN,
}
_LIST_SEARCHES = ("common_search", "general_search", "local_life_search")
USAGE = (12, 34, 46)


def words_of(script: Script) -> set[str]:
    return set(script.variant.split("+")) - {""}


@dataclass(frozen=True, slots=True)
class SandboxTurn:
    """One answer of the stand-in: its script and its conversation."""

    script: Script
    conversation_id: str
    message_id: int
    thinking: bool
    search: bool

    @property
    def words(self) -> set[str]:
        return words_of(self.script)

    def pieces(self) -> list[str]:
        """The answer's pieces; `pairs`: two characters each, so that equal ones follow each other."""
        pieces = self.script.pieces()
        if "pairs" not in self.words:
            return pieces
        text = "".join(pieces)
        return [text[at : at + 2] for at in range(0, len(text), 2)]


@dataclass(slots=True)
class Stream:
    """The frames of one answer in three parts."""

    opening: list[bytes] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    ending: list[bytes] = field(default_factory=list)

    def half(self) -> list[bytes]:
        return self.opening + self.body[: max(len(self.body) // 2, 1)]


def frames_of(turn: SandboxTurn, stream: Stream) -> list[bytes]:
    """All frames of the answer, with what is wrong with them."""
    writer = Writer(turn)
    fault = turn.script.fault
    if fault in _LONE or fault.removesuffix("_first") in _LONE:
        start = writer.start() if fault.endswith("_first") else stream.half()
        return [*start, _json(_LONE[fault.removesuffix("_first")]) + b"\n"]
    match fault:
        case "truncated" | "reset" | "hang_up":
            return stream.half()
        case "error_mid":
            return [*stream.half(), writer.event("event_error", message="内部错误", code=500)]
        case "429_data":
            return [*writer.start(), writer.line(TOO_FAST)]
        case "broken_json":
            return [*stream.half(), b'data:{"event":\n\n', *stream.ending]
        case "event_error":
            return [*writer.start(), writer.event("event_error", message="内部错误", code=500)]
        case "eventError":
            return [*writer.start(), writer.event("eventError", "内部错误", status="FINISHED")]
        case "login_event":
            return [*writer.start(), writer.event("event_error", message=LOG_IN["message"])]
        case "gone_event":
            return [*writer.start(), writer.event("eventError", {"message": GONE["message"], "code": 404})]
        case "wordless":
            return [*writer.start(), writer.finish("")]
        case "sensitive_wordless":
            return [*writer.start(), writer.finish("", finishType="sensitive")]
        case "empty":
            return []
    return _odd(fault, writer, stream)


def _odd(fault: str, writer: "Writer", stream: Stream) -> list[bytes]:
    """Streams with a whole answer in them and something that does not belong there."""
    opening, body, ending = stream.opening, stream.body, stream.ending
    match fault:
        case "bad_utf8":
            spoilt = [frame.replace(b'"content":"', b'"content":"\xff\xfe', 1) for frame in body[:1]]
            body = [*spoilt, *body[1:]]
        case "unknown_event":
            odd = writer.event("mood", {"mood": "sunny"}), writer.line({"heartbeat": 1}), b"event: mood\ndata:7\n\n"
            opening = [*opening, *odd]
        case "two_finishes":
            ending = ending * 2
        case "after_finish":
            ending = [*ending, writer.event("content", "more of it"), writer.finish("more of it")]
    return opening + body + ending


class Writer:
    """V2 frames of one turn."""

    def __init__(self, turn: SandboxTurn) -> None:
        self._turn = turn
        self._ids: dict[str, str] = {}

    def line(self, value: object) -> bytes:
        words = self._turn.words
        before = b": hi\nevent: message\n" if "comments" in words else b""
        return before + (b"data: " if "space" in words else b"data:") + _json(value) + b"\n\n"

    def event(
        self, kind: str, content: Any = None, *, status: str = "PROCESSING", last: bool = False, **more: Any
    ) -> bytes:
        """One frame. `more`: fields of the event; `sensitive` is a field of the frame."""
        event_id = self._ids.setdefault(kind, uuid.uuid4().hex)
        sensitive = bool(more.pop("sensitive", False))
        event: dict[str, Any] = {"eventId": event_id, "type": kind, "status": status, **more}
        if content is not None:
            event["content"] = content
        return self.line(
            {
                "event": event,
                "conversationId": self._turn.conversation_id,
                "messageId": self._turn.message_id,
                "parentId": self._turn.message_id - 1,
                "model": MODEL,
                "choices": None,
                "content": None,
                "tokenInfo": token_info(last=last) if "token_info" in self._turn.words else None,
                "loadingStatus": "LOADING",
                "sensitive": sensitive,
                "contentStatus": status,
                "lastOne": last,
            }
        )

    def start(self) -> list[bytes]:
        return [self.event("create")]

    def finish(self, final: str, **more: Any) -> bytes:
        """The end; the words of the variant say what stands in it."""
        words = self._turn.words
        fields: dict[str, Any] = {**more}
        if not words & {"token_info", "no_usage"}:
            fields["usage"] = dict(zip(("inputTokens", "outputTokens", "totalTokens"), USAGE, strict=True))
        if "no_final" not in words and final:
            fields["finalContentX"] = final
        return self.event("finish", status="FINISHED", last="finish_only" not in words, **fields)


def stream_of(turn: SandboxTurn) -> Stream:
    """The V2 frames of an answer."""
    writer, words, fault = Writer(turn), turn.words, turn.script.fault
    pieces = turn.pieces()
    final = "".join(pieces)
    stream = Stream(writer.start())
    if turn.search:
        stream.opening += _search(writer, words)
    remarks = turn.thinking and "remarks" in words
    if remarks:
        stream.opening += _texts(writer, "content", turn.script.thoughts(), words)
    elif turn.thinking:
        kind = "reason" if "reason" in words else "think"
        stream.opening += _texts(writer, kind, turn.script.thoughts(), words)
        stream.opening.append(writer.event("summary", "Thought for 2 seconds", status="FINISHED"))
    if "media" in words:
        stream.opening += _media(writer)
    shown = [] if remarks or "final_alone" in words else pieces[:-1] if "final_completes" in words else pieces
    stream.body = list(_texts(writer, "content", shown, words))
    if "final_differs" in words:
        final = "".join(pieces[len(pieces) // 2 :])
    stream.ending = [writer.finish(final)]
    if fault == "sensitive":
        stream = Stream(stream.half(), [], [writer.finish("", finishType="sensitive")])
    elif fault == "sensitive_frame":
        stream = Stream(stream.half(), [], [writer.event("content", "", last=True, sensitive=True)])
    elif "last_one" in words:
        stream.ending = [writer.event("content", _repeated(pieces, words), last=True)]
    if "done_word" in words:
        stream.ending.append(b"data:[DONE]\n\n")
    return stream


def token_info(*, last: bool) -> dict[str, int | bool]:
    """The frame's own count, which stays at nothing until the last one."""
    counts = USAGE if last else (0, 0, 0)
    return {**dict(zip(("promptTokens", "completionTokens", "totalTokens"), counts, strict=True)), "hasTokens": last}


def counted_frame(turn: SandboxTurn) -> bytes:
    return Writer(turn).event("content", "word ")


def _texts(writer: Writer, kind: str, pieces: list[str], words: set[str]) -> Iterator[bytes]:
    """Pieces or snapshots; FINISHED on the last one ends that event, not the stream."""
    so_far = ""
    for number, piece in enumerate(pieces, 1):
        so_far += piece
        status = "FINISHED" if number == len(pieces) else "PROCESSING"
        yield writer.event(kind, so_far if "cumulative" in words else piece, status=status)


def _repeated(pieces: list[str], words: set[str]) -> str:
    """What the last frame of a stream without a finish event says: nothing new."""
    return "".join(pieces) if "cumulative" in words else ""


def _search(writer: Writer, words: set[str]) -> list[bytes]:
    """The search event: what is searched, then what is found. Or results alone, in a text or a list."""
    frames = [writer.event("search", {"query": "sandbox"})]
    lists = [kind for kind in _LIST_SEARCHES if kind in words]
    for kind in lists:
        found: Any = [{"title": s["title"], "url": s["url"], "content": s["snippet"]} for s in SOURCES]
        frames.append(writer.event(kind, json.dumps(found) if kind == "common_search" else found, status="FINISHED"))
    if not lists:
        frames.append(writer.event("search", {"resultList": list(SOURCES)}, status="FINISHED"))
    return frames


def _media(writer: Writer) -> list[bytes]:
    content = [{"url": "https://example.com/picture", "status": "SUCCESS"}]
    task = {"taskResult": [{"extra": [{"content": content}]}]}
    return [writer.event("plugin", [{"url": "https://example.com/p"}]), writer.event("image", task, status="FINISHED")]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
