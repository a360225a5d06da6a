"""The endings of the Qwen stand-in's answers, and their faults on demand."""

from providers.sandbox.qwen.frames import (
    EventFields,
    SandboxTurn,
    created,
    delta,
    encoded,
    error,
    events_of,
    finished,
    line,
    words_of,
)
from providers.sandbox.qwen.refusals import DEMANDS, IN_STREAM
from providers.sandbox.script import Script

BIG_EVENT_CHARS = 5_000_000


def lines_of(script: Script, turn: SandboxTurn) -> list[bytes]:
    """The whole stream, line by line, with the fault of the directive."""
    words = words_of(script)
    if script.fault in IN_STREAM:
        return encoded([created(turn), error(turn, **IN_STREAM[script.fault])])
    if script.fault in DEMANDS:
        return [DEMANDS[script.fault]]
    if script.fault == "wordless":
        return encoded([created(turn), finished(turn)])
    if script.fault == "empty":
        return []
    lines = encoded(events_of(script, turn), words)
    return _dressed(_with_fault(script.fault, lines, _end(turn, words), turn), words)


def _end(turn: SandboxTurn, words: frozenset[str]) -> list[bytes]:
    """Behind the last words: the finished frame as a rule. There is no [DONE]."""
    last: EventFields = finished(turn, None if "no_phase" in words else "image_gen" if turn.image else "answer")
    if "stopped" in words:
        last = {"response.stopped": {"response_id": turn.response_id}}
    elif "done_true" in words:
        last = {"done": True}
    elif "length" in words:
        last["choices"][0]["finish_reason"] = "length"
    return [*encoded([last]), *([b"data: [DONE]\n\n"] if "done_word" in words else [])]


def _dressed(lines: list[bytes], words: frozenset[str]) -> list[bytes]:
    """What a reader of event streams has to bear beside the frames."""
    if "event_lines" in words:
        lines = [b": a comment\n\n", *(b"event: message\nid: 7\n" + one for one in lines)]
    if "crlf" in words:
        lines = [one.replace(b"\n", b"\r\n") for one in lines]
    return lines


def _with_fault(fault: str, lines: list[bytes], end: list[bytes], turn: SandboxTurn) -> list[bytes]:
    middle = max(2, len(lines) // 2)
    head, tail = lines[:middle], [*lines[middle:], *end]
    if (demand := DEMANDS.get(fault.removesuffix("_mid"))) is not None:
        return [*head, demand]
    match fault:
        case "truncated" | "reset" | "hang_up":
            return head
        case "half_frame":
            return [*head, lines[-1][: len(lines[-1]) // 2]]
        case "no_finish":
            return lines
        case "error_mid":
            return [*head, line(error(turn, code="internal_error", details="the engine crashed"))]
        case "message_mid":
            return [*head, line(error(turn, message="the engine crashed"))]
        case "status_error":
            return [*head, line(delta(turn, "answer", status="error"))]
        case "unauthorized_mid":
            return [*head, line(error(turn, code="unauthorized", message="Token has expired"))]
        case "unknown_event":
            odd = [{"response.mood": {"mood": "sunny"}}, delta(turn, "dreaming", "zzz"), delta(turn, "answer", "", "x")]
            return [*head, *encoded(odd), b": a comment\n\n", *tail]
        case "broken_json":
            return [*head, b'data: {"choices\n\n', *tail]
        case "bad_utf8":
            return [*lines, line(delta(turn, "answer", "@@")).replace(b"@@", b"\xff\xfe"), *end]
        case "big_event":
            return [*lines, line(delta(turn, "answer", "x" * BIG_EVENT_CHARS)), *end]
        case "two_finishes":
            return [*lines, *end, *end]
        case "after_finish":
            return [*lines, *end, line(delta(turn, "answer", "words after the end"))]
    return [*lines, *end]
