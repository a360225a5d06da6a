"""The legacy completions of the stand-in for an official API: each prompt is answered as a chat message would be."""

import json
import time
from typing import Any

from providers.sandbox.script import Script, end, play, read_script
from providers.sandbox.server import Wire

_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


async def complete(body: dict[str, Any], wire: Wire) -> None:
    prompt = body.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) else prompt if isinstance(prompt, list) else [""]
    scripts = [read_script(text if isinstance(text, str) else "tokens") for text in prompts]
    head = {"id": "cmpl-sandbox", "object": "text_completion", "created": int(time.time()), "model": body["model"]}
    if not body.get("stream"):
        choices = [_choice(index, "".join(script.pieces()), "stop") for index, script in enumerate(scripts)]
        await wire.respond(200, {**head, "choices": choices, "usage": _USAGE})
        return
    said = [_choice(index, piece) for index, script in enumerate(scripts) for piece in script.pieces()]
    said += [_choice(index, "", "stop") for index in range(len(scripts))]
    frames = [b"data: " + json.dumps({**head, "choices": [choice]}).encode() + b"\n\n" for choice in said]
    script = Script(pace_ms=0)
    await wire.begin()
    await play(wire, [*frames, b"data: [DONE]\n\n"], script)
    await end(wire, script)


def _choice(index: int, text: str, reason: str | None = None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}
