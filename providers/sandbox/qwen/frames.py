"""The frames of a Qwen answer, in each of the forms the site is known to send.

Events are made as objects; `encoded` puts the token counts in as the site counts them and makes lines of them.
"""

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.sandbox.models.shown import ToolCall
from providers.sandbox.script import Script

DOCS: Final = (
    {"title": "Sandbox Times", "url": "https://example.com/times", "snippet": "…", "hostname": "example.com"},
    {
        "title": "The Daily Stand-in",
        "url": "https://example.com/daily?a=1&b=2",
        "snippet": "…",
        "hostname": "example.com",
    },
)
LATER_DOC: Final = {"title": "Evening Sandbox", "url": "https://example.com/evening", "snippet": "…", "hostname": ""}
PICTURES_AT: Final = "https://cdn.example.com"
IMAGE_PATH: Final = "/output/person/t2i/picture.png?key=not-a-secret"
SECOND_IMAGE_PATH: Final = "/output/person/t2i/second.png?key=not-a-secret"
INPUT_TOKENS: Final = 12
TOKENS_A_FRAME: Final = 3

type EventFields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SandboxTurn:
    """One answer of the stand-in: its chat and switches."""

    chat_id: str
    response_id: str
    thinking: bool = False
    search: bool = False
    image: bool = False
    edits: bool = False
    """A picture is changed: by a tool of the site's, which has the answer's words behind it."""
    pictures_at: str = PICTURES_AT
    """Where pictures lie."""
    summary: bool = True
    """Thinking as snapshots; otherwise as the older plain text."""
    incremental: bool = True
    """The answer in pieces; otherwise each frame repeats all of it."""


def line(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def created(turn: SandboxTurn, *, index: int = 0, response_id: str = "") -> EventFields:
    """The first event; `parent_id` is the site's own id of the message just sent."""
    head = {"chat_id": turn.chat_id, "parent_id": str(uuid.uuid4()), "response_id": response_id or turn.response_id}
    return {"response.created": {**head, "response_index": str(index)}}


def info(turn: SandboxTurn, action: str) -> EventFields:
    about = {"action": action, "chat_id": turn.chat_id, "response_id": turn.response_id, "timestamp": int(time.time())}
    return {"response.info": about}


def delta(turn: SandboxTurn, phase: str | None, content: str = "", status: str = "typing", **more: Any) -> EventFields:
    """An event of a phase, without phase when None."""
    inner: dict[str, Any] = {"role": "assistant", "content": content, "status": status, **more}
    if phase is not None:
        inner["phase"] = phase
    return {"choices": [{"delta": inner}], "response_id": turn.response_id, "timestamp": int(time.time())}


def finished(turn: SandboxTurn, phase: str | None = "answer") -> EventFields:
    return delta(turn, phase, status="finished")


def error(turn: SandboxTurn, **said: str) -> EventFields:
    return {"error": said, "response_id": turn.response_id}


def encoded(events: Iterable[EventFields], words: frozenset[str] = frozenset()) -> list[bytes]:
    """The events as lines. Tokens are counted up on each frame, absent on finished ones, `{}` where a tool has
    answered, and begin anew after that. The first line has a blank before its end."""
    lines = []
    output = 0
    for event in events:
        shown = event
        for choice in event.get("choices", ()):
            inner = choice["delta"]
            if inner["role"] == "function":
                shown, output = {**event, "usage": {}}, 0
            elif inner.get("phase") == "image_gen" and inner["content"]:
                shown = {**event, "usage": {"input_tokens": 0, "output_tokens": 0, "width": 1024, "height": 768}}
            elif inner["status"] != "finished" and "no_usage" not in words:
                output += TOKENS_A_FRAME
                shown = {**event, "usage": _usage(output, older="old_usage" in words)}
        lines.append(line(shown))
    if lines and "response.created" in lines[0].decode():
        lines[0] = lines[0].replace(b"\n\n", b" \n\n")
    return lines


def _usage(output: int, *, older: bool) -> dict[str, Any]:
    names = ("prompt_tokens", "completion_tokens") if older else ("input_tokens", "output_tokens")
    counts = {names[0]: INPUT_TOKENS, names[1]: output, "total_tokens": INPUT_TOKENS + output}
    if older:
        return counts
    details = {"output_tokens_details": {"reasoning_tokens": 2, "text_tokens": output}}
    return counts | {"characters": 0, "input_tokens_details": {"text_tokens": INPUT_TOKENS}, **details}


def words_of(script: Script) -> frozenset[str]:
    return frozenset(script.variant.split("+"))


def events_of(script: Script, turn: SandboxTurn) -> list[EventFields]:
    """All events of an answer but the last one."""
    words = words_of(script)
    events = [info(turn, "keep_alive")] if "keep_alive" in words else []
    if turn.image:
        events += _drawn(turn, words)
    else:
        events += _before_answer(script, turn, words)
        events += _answer(script, turn, words)
    if "keep_alive" in words:
        events[len(events) // 2 : len(events) // 2] = [info(turn, "keep_alive"), delta(turn, "KeepAlive")]
    if words & {"two_candidates", "second_first"}:
        return _two_candidates(events, turn, other_first="second_first" in words)
    return [created(turn), *events]


def _drawn(turn: SandboxTurn, words: frozenset[str]) -> list[EventFields]:
    """One event a picture, its content the address."""
    if "no_image" in words:
        return [delta(turn, "image_gen", "This is nothing I can draw.")]
    paths = (IMAGE_PATH, SECOND_IMAGE_PATH) if "two_images" in words else (IMAGE_PATH,)
    urls = [turn.pictures_at + path for path in paths]
    return [delta(turn, "image_gen", url, extra={"output_image_hw": [[768, 1024]]}) for url in urls]


def _before_answer(script: Script, turn: SandboxTurn, words: frozenset[str]) -> list[EventFields]:
    """Thinking and the site's own tools. After a tool the thinking begins anew, with lists of its own."""
    events = [info(turn, "skip_think")] if "skip_think" in words and not turn.thinking else []
    if turn.thinking:
        events += _thinking(turn, words, [("Reading the question", ["They ask."]), ("Answering", script.thoughts())])
    if turn.search:
        events += _searched(turn, "web_extractor" if "web_extractor" in words else "web_search", DOCS, 1)
        if turn.thinking:
            events += _thinking(turn, words, [("Read the pages", ["Now", " I know."])])
        if "two_searches" in words:
            events += _searched(turn, "web_search", (LATER_DOC,), 3)
    if "image_tool" in words or turn.edits:
        events += _image_tool(turn, words)
    if "tools" in words:
        for name in ("code_interpreter", "bio", "history_retriever", "web_search_image"):
            events += _tool(turn, name, {"tool_result": [{"output": "not for the reader"}]})
    return events


def _thinking(turn: SandboxTurn, words: frozenset[str], items: Sequence[tuple[str, list[str]]]) -> list[EventFields]:
    if "think" in words or not turn.summary:
        said = [piece for _, pieces in items for piece in pieces]
        return [*(delta(turn, "think", piece) for piece in said), finished(turn, "think")]
    if "deep_research" in words:
        return [delta(turn, "DeepThinking", piece) for _, pieces in items for piece in pieces]
    if "no_phase" in words:
        return [delta(turn, None, reasoning_content=piece) for _, pieces in items for piece in pieces]
    return [*_summary(turn, items), finished(turn, "thinking_summary")]


def _summary(turn: SandboxTurn, items: Sequence[tuple[str, list[str]]]) -> Iterable[EventFields]:
    """Snapshots: each repeats the lists so far; the last thought grows inside too."""
    titles: list[str] = []
    thoughts: list[str] = []
    for title, pieces in items:
        titles, thoughts = [*titles, title], [*thoughts, ""]
        for piece in pieces:
            thoughts = [*thoughts[:-1], thoughts[-1] + piece]
            extra = {"summary_title": {"content": titles}, "summary_thought": {"content": thoughts}}
            yield delta(turn, "thinking_summary", extra=extra)


def _answer(script: Script, turn: SandboxTurn, words: frozenset[str]) -> list[EventFields]:
    phase = None if "no_phase" in words else "ReportGeneration" if "deep_research" in words else "answer"
    pieces = script.pieces()
    if turn.search:
        pieces = [*pieces, " As reported[[", "1]] and confirmed[[2", "]] by others."]
        pieces += [" Later too[", "[", "3]]."] if "two_searches" in words else []
    if "snapshots" in words or not turn.incremental:
        pieces = ["".join(pieces[: n + 1]) for n in range(len(pieces))]
    if "native_calls" in words and script.said.calls:
        return [delta(turn, phase, tool_calls=[_native(n, call)]) for n, call in enumerate(script.said.calls)]
    return [delta(turn, phase, piece) for piece in pieces]


def _native(number: int, call: ToolCall) -> dict[str, Any]:
    """A call as a delta of the answer's phase has it."""
    function = {"name": call.name, "arguments": call.json()}
    return {"index": number, "id": f"call_{number}", "type": "function", "function": function}


def _searched(turn: SandboxTurn, phase: str, docs: Sequence[dict[str, str]], first: int) -> list[EventFields]:
    """Documents have the numbers used_id - n … used_id - 1."""
    name = "web_search_info" if phase == "web_search" else "web_extract_info"
    result = {"docs": list(docs), "used_id": first + len(docs)} if phase == "web_search" else []
    found = {"tool_result": result, name: list(docs), "display_position": "think"}
    return _tool(turn, phase, found)


def _tool(turn: SandboxTurn, phase: str, found: dict[str, Any]) -> list[EventFields]:
    """A tool of the site's own: its call grows, then a function event with what it found."""
    calls = ('{"queries":', '{"queries":["sandbox"]}')
    growing = [
        delta(turn, phase, function_call={"name": phase, "arguments": text}, function_id="call_1") for text in calls
    ]
    return [*growing, delta(turn, phase, status="finished", role="function", name=phase, extra=found)]


def _image_tool(turn: SandboxTurn, words: frozenset[str]) -> list[EventFields]:
    where = {"file_path": "output/picture.png"} if "file_path" in words else {"image": turn.pictures_at + IMAGE_PATH}
    return _tool(
        turn, "image_edit_tool" if turn.edits else "image_gen_tool", {"image_list": [where], "tool_result": [where]}
    )


def _two_candidates(events: Sequence[EventFields], turn: SandboxTurn, *, other_first: bool) -> list[EventFields]:
    """A second candidate's events stand between the first one's, and it ends first; only index 0 counts."""
    other = str(uuid.uuid4())
    heads = [created(turn), created(turn, index=1, response_id=other)]
    mixed = heads[::-1] if other_first else heads
    for event in events:
        mixed.append(event)
        for choice in event.get("choices", ()):
            inner = {**choice["delta"], "content": choice["delta"]["content"].upper()}
            mixed.append({**event, "choices": [{"delta": inner}], "response_id": other})
    return [*mixed, {**finished(turn), "response_id": other}]
