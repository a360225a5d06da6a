"""The frames of a Qwen answer, in each of the forms the site is known to send."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from providers.sandbox.script import Script

DOCS = (
    {"title": "Sandbox Times", "url": "https://example.com/times", "snippet": "…", "hostname": "example.com"},
    {
        "title": "The Daily Stand-in",
        "url": "https://example.com/daily?a=1&b=2",
        "snippet": "…",
        "hostname": "example.com",
    },
)
IMAGE_URL = "https://cdn.example.com/output/person/t2i/picture.png?key=not-a-secret"
USAGE = {"input_tokens": 12, "output_tokens": 34, "characters": 0, "total_tokens": 46}


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer: whose chat, with what switches."""

    chat_id: str
    response_id: str
    thinking: bool
    search: bool
    image: bool


def line(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def created(turn: Turn, *, index: int = 0, response_id: str = "") -> bytes:
    """The first frame; in captures it has a blank before its line end."""
    head = {"chat_id": turn.chat_id, "parent_id": str(uuid.uuid4()), "response_id": response_id or turn.response_id}
    return line({"response.created": {**head, "response_index": str(index)}}).replace(b"\n\n", b" \n\n")


def info(turn: Turn, action: str) -> bytes:
    about = {"action": action, "chat_id": turn.chat_id, "response_id": turn.response_id, "timestamp": int(time.time())}
    return line({"response.info": about})


def delta(turn: Turn, phase: str | None, content: str = "", status: str = "typing", **more: Any) -> bytes:
    """A frame of a phase; `usage` None leaves it out."""
    usage = more.pop("usage", USAGE)
    response_id = more.pop("response_id", turn.response_id)
    inner: dict[str, Any] = {"role": more.pop("role", "assistant"), "content": content, "status": status, **more}
    if phase is not None:
        inner["phase"] = phase
    frame: dict[str, Any] = {"choices": [{"delta": inner}], "response_id": response_id, "timestamp": int(time.time())}
    if usage is not None:
        frame["usage"] = usage
    return line(frame)


def error(turn: Turn, code: str, details: str) -> bytes:
    return line({"error": {"code": code, "details": details}, "response_id": turn.response_id})


def finished(turn: Turn, phase: str = "answer") -> bytes:
    return delta(turn, phase, status="finished", usage=None)


def frames_of(script: Script, turn: Turn) -> list[bytes]:
    """All frames of an answer but the last one."""
    words = set(script.variant.split("+"))
    frames = [created(turn)]
    if "two_candidates" in words:
        return frames + _two_candidates(script, turn)
    if "keep_alive" in words:
        frames.append(info(turn, "keep_alive"))
    if turn.image:
        return [*frames, delta(turn, "image_gen", IMAGE_URL, extra={"output_image_hw": [[1024, 1024]]}, usage=None)]
    if turn.thinking:
        frames += _thinking(script, turn, words)
    elif "skip_think" in words:
        frames.append(info(turn, "skip_think"))
    if turn.search:
        frames += _search(turn, "web_extractor" if "web_extractor" in words else "web_search")
        if turn.thinking and "think" not in words:
            frames += _summary(turn, ["Read the pages", "Now I know."])  # begins anew after a tool round
    if "image_tool" in words:
        frames += _image_tool(turn)
    return frames + _answer(script, turn, words)


def _answer(script: Script, turn: Turn, words: set[str]) -> list[bytes]:
    pieces = script.pieces()
    if turn.search:
        pieces = [*pieces, " As reported[[", "1]] and confirmed[[2", "]] by others."]
    if "snapshots" in words:
        return [delta(turn, "answer", "".join(pieces[: n + 1])) for n in range(len(pieces))]
    if "no_phase" in words:
        return [delta(turn, None, piece) for piece in pieces]
    return [delta(turn, "answer", piece) for piece in pieces]


def _thinking(script: Script, turn: Turn, words: set[str]) -> list[bytes]:
    if "think" in words:
        frames = [delta(turn, "think", piece) for piece in script.thoughts()]
        return [*frames, delta(turn, "think", status="finished", usage=None)]
    return _summary(turn, ["Reading the question", *script.thoughts()])


def _summary(turn: Turn, texts: Sequence[str]) -> list[bytes]:
    """Snapshots of a list that grows; the last thought grows inside too."""
    title, *thoughts = texts
    frames = []
    joined = ""
    for thought in thoughts:
        joined += thought
        extra = {"summary_title": {"content": [title]}, "summary_thought": {"content": [joined]}}
        frames.append(delta(turn, "thinking_summary", extra=extra))
    return [*frames, delta(turn, "thinking_summary", status="finished", usage=None)]


def _search(turn: Turn, phase: str) -> list[bytes]:
    """The site's own tool: its call grows, then a function frame with what it found; usage is empty there."""
    call = {"name": phase, "arguments": '{"queries":'}
    whole = {**call, "arguments": '{"queries":["sandbox"]}'}
    info_name = "web_search_info" if phase == "web_search" else "web_extract_info"
    result = {"docs": list(DOCS), "used_id": len(DOCS) + 1}
    found = {"tool_result": result, info_name: list(DOCS), "display_position": "think"}
    return [
        delta(turn, phase, function_call=call, function_id="call_1"),
        delta(turn, phase, function_call=whole, function_id="call_1"),
        delta(turn, phase, status="finished", role="function", name=phase, extra=found, usage={}),
    ]


def _image_tool(turn: Turn) -> list[bytes]:
    picture = {"image_list": [{"image": IMAGE_URL}], "tool_result": [{"image": IMAGE_URL}]}
    name = "image_gen_tool"
    return [
        delta(turn, name, function_call={"name": name, "arguments": "{}"}),
        delta(turn, name, status="finished", role="function", name=name, extra=picture, usage={}),
    ]


def _two_candidates(script: Script, turn: Turn) -> list[bytes]:
    """A second candidate's frames stand between the first one's; only index 0 counts."""
    other = str(uuid.uuid4())
    frames = [created(turn, index=1, response_id=other)]
    for piece in script.pieces():
        frames += [delta(turn, "answer", piece), delta(turn, "answer", piece.upper(), response_id=other)]
    return [*frames, delta(turn, "answer", status="finished", response_id=other, usage=None)]
