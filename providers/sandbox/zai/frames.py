"""The frames of a Z.AI answer, in each of the forms the site has used."""

import json
import time
from typing import Any

from providers.sandbox.script import Script, split

SOURCES = (
    ("turn0search0", "Sandbox Times", "https://example.com/times"),
    ("turn0search1", "The Daily Stand-in", "https://example.com/daily?a=1&b=2"),
)


def data_frame(data: dict[str, Any]) -> bytes:
    return _line({"type": "chat:completion", "data": data})


def count_frame() -> bytes:
    return data_frame({"delta_content": "word ", "phase": "answer"})


def heartbeat() -> bytes:
    return _line({"timestamp": int(time.time()), "type": "heartbeat"})


def error_frame(code: str | int, detail: str, *, doubled: bool = False, done: bool = False, captcha: str = "") -> bytes:
    """An error as the site sends it inside a 200: `data` first, and for some errors a second time inside itself."""
    error: dict[str, Any] = {"code": code, "detail": detail}
    if captcha:
        error |= {"captcha_error_type": captcha, "error_code": code}
    data: dict[str, Any] = {"error": error}
    if done:
        data["done"] = True
    if doubled:
        data["data"] = dict(data)
    return _line({"data": data, "type": "chat:completion"})


def done_frame(script: Script) -> bytes:
    if script.variant == "done_word":
        return b"data: [DONE]\n\n"
    if script.variant == "done_data":
        return b'data: {"data":"[DONE]"}\n\n'
    return data_frame({"phase": "done", "done": True})


def frames_of(script: Script, *, thinking: bool, search: bool) -> list[bytes]:
    """All frames of the answer but the last one."""
    frames = [heartbeat()] if script.variant in ("heartbeat", "") else []
    if script.fault == "unknown_event":
        frames += [
            _line({"type": "chat:mood", "data": {"mood": "sunny"}}),
            data_frame({"phase": "dreaming", "dream": 1}),
        ]
    if script.variant == "details":
        return frames + _details(script, thinking)
    if script.variant == "glm_block":
        return frames + _glm_block(script)
    if script.variant == "content":
        return [*frames, data_frame({"content": "".join(script.pieces()), "phase": "answer"}), _usage()]
    if thinking:
        frames += [data_frame({"delta_content": piece, "phase": "thinking"}) for piece in script.thoughts()]
    if search:
        frames += _search()
    pieces = script.pieces()
    if search:
        pieces += [" As reported【turn0sea", "rch0】 and confirmed【turn0search1】", " by others."]
    frames += [data_frame({"delta_content": piece, "phase": "answer"}) for piece in pieces[:-1]]
    # The last words come behind the usage frame, as in nearly every recorded stream.
    return [*frames, _usage(), data_frame({"delta_content": pieces[-1], "phase": "answer"})]


def _usage() -> bytes:
    details = {"prompt_tokens_details": {"cached_tokens": 4}}
    usage = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46, **details}
    return data_frame({"phase": "other", "usage": usage})


def _details(script: Script, thinking: bool) -> list[bytes]:
    """The details-wrapped form: one buffer that an edit frame rewrites from a given place on."""
    pieces = script.pieces()
    if not thinking:
        return [*(data_frame({"delta_content": piece, "phase": "answer"}) for piece in pieces), _usage()]
    opening = '<details type="reasoning" done="'
    quoted = "".join(script.thoughts()).replace("\n", "\n> ")
    buffer = f'{opening}false">\n> {quoted}'
    parts = split(buffer)
    frames = [data_frame({"delta_content": part, "phase": "thinking"}) for part in parts]
    edit = f'true" duration="2">\n> {quoted}\n</details>\n{pieces[0]}'
    frames.append(data_frame({"edit_index": _units(opening), "edit_content": edit, "phase": "answer"}))
    buffer = opening + edit
    for piece in pieces[1:-1]:
        frames.append(data_frame({"delta_content": piece, "phase": "answer"}))
        buffer += piece
    frames.append(_usage())
    if len(pieces) > 1:
        # The very last words come as an edit at the buffer's end, under a label that means nothing.
        frames.append(data_frame({"edit_index": _units(buffer), "edit_content": pieces[-1], "phase": "other"}))
    return frames


def _glm_block(script: Script) -> list[bytes]:
    """A tool of the site's own in the older form, then the answer."""
    result = [{"type": "text", "text": "found"}]
    meta = {"id": "call_1", "name": "search", "arguments": '{"q":"x"}', "result": "", "status": "running"}
    block = _block(meta)
    done = _block({**meta, "result": json.dumps(result), "status": "completed", "is_error": False})
    frames = [
        data_frame({"edit_index": 0, "edit_content": block, "phase": "tool_call"}),
        data_frame({"edit_index": 0, "edit_content": done, "phase": "other"}),
    ]
    frames += [data_frame({"delta_content": piece, "phase": "answer"}) for piece in script.pieces()]
    return [*frames, _usage()]


def _block(meta: dict[str, Any]) -> str:
    body = json.dumps({"type": "mcp", "data": {"metadata": meta}})
    return f'\n\n<glm_block view="" tool_call_name="search">{body}</glm_block>\n\n'


def _search() -> list[bytes]:
    """The site's own search tool in the newest form."""
    call = {"tool_call_id": "call_1", "type": "function"}
    first = {"phase": "tool_call", "delta_name": "search", "delta_arguments": '{"queries":', "metadata": call}
    rest = {"phase": "tool_call", "delta_arguments": '["sandbox"]}'}
    text = "\n".join(f"[ref_id={ref}†{title}†{url}]" for ref, title, url in SOURCES)
    response = {
        "phase": "tool_response",
        "tool_name": "search",
        "status": "completed",
        "delta_content": text,
        "metadata": {"browser": {}, "tool_call_id": "call_1"},
    }
    return [data_frame(first), data_frame(rest), data_frame(response)]


def _units(text: str) -> int:
    """Length in UTF-16 units, as the site's own code counts."""
    return len(text.encode("utf-16-le")) // 2


def _line(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
