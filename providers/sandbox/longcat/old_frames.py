"""The streams of a LongCat answer as they were in 2025: choices frames, and at chat-completion still today."""

import json
import time

from providers.sandbox.longcat.frames import SOURCES, SandboxTurn, Stream, Writer, token_info


def old_stream_of(turn: SandboxTurn) -> Stream:
    """Choices frames: pieces in the delta, everything so far beside it. `cumulative`: no delta, snapshots alone."""
    stream = Stream(old_texts(turn, thoughts=turn.script.thoughts()) if turn.thinking else [])
    stream.body = old_texts(turn, pieces=turn.pieces())
    reason = "".join(turn.script.thoughts()) if turn.thinking else ""
    sensitive = turn.script.fault in ("sensitive", "sensitive_frame")
    text = "".join(turn.pieces())
    if sensitive:
        stream = Stream(stream.half())
        text = "".join(turn.pieces()[: max(len(turn.pieces()) // 2, 1)])
    stream.ending = [_old(turn, {"content": ""}, text, reason, last=True, sensitive=sensitive)]
    return stream


def old_texts(turn: SandboxTurn, *, thoughts: list[str] | None = None, pieces: list[str] | None = None) -> list[bytes]:
    """The frames of the thinking, or of the answer after it."""
    frames, so_far = [], ""
    reason = "".join(turn.script.thoughts()) if turn.thinking else ""
    for piece in thoughts or pieces or []:
        so_far += piece
        if thoughts:
            frames.append(_old(turn, {"reasoningContent": piece}, "", so_far))
        else:
            frames.append(_old(turn, {"content": piece}, so_far, reason))
    return frames


def _old(
    turn: SandboxTurn, delta: dict[str, str], content: str, reason: str, *, last: bool = False, sensitive: bool = False
) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finishReason": "stop" if last else None}
    frame = {
        "id": f"{turn.conversation_id}-{turn.message_id}",
        "conversationId": turn.conversation_id,
        "messageId": turn.message_id,
        "parentId": turn.message_id - 1,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": "longcat-flash-chatai",
        "choices": [] if "cumulative" in turn.words else [choice],
        "content": content,
        "reasonContent": reason,
        "searchEnabled": int(turn.search),
        "reasonEnabled": int(turn.thinking),
        "searchResults": json.dumps(SOURCES) if turn.search else None,
        "tokenInfo": None if "no_usage" in turn.words else token_info(last=last),
        "contentStatus": "FINISHED" if last else "PROCESSING",
        "sensitive": sensitive,
        "lastOne": last,
    }
    return Writer(turn).line(frame)
