"""The pictures of the stand-in for an official API: each is one pixel, and its document has fields of its own."""

import base64
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from providers.sandbox.png import PNG
from providers.sandbox.script import Script, end, play
from providers.sandbox.server import Request, Wire

_NAME: Final = re.compile(rb'name="([^"]*)"')
USAGE: Final = {
    "input_tokens": 7,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 7},
    "output_tokens": 272,
    "total_tokens": 279,
}


async def draw(request: Request, wire: Wire, models: Sequence[str]) -> None:
    """Answers a request for pictures, in JSON or as a form."""
    fields = _fields(request)
    if fields is None:
        await wire.respond(400, _error("bad request body", None))
    elif fields.get("model") not in models:
        await wire.respond(404, _error(f"The model {fields.get('model')} does not exist", "model"))
    elif not isinstance(prompt := fields.get("prompt"), str) or not prompt:
        await wire.respond(400, _error("Missing required parameter: 'prompt'.", "prompt"))
    elif request.path.endswith("/edits") and not fields.keys() & {"image", "image[]", "images"}:
        await wire.respond(400, _error("Missing required parameter: 'image'.", "image"))
    elif fields.get("stream") in (True, "true"):
        await _stream(request.path.rpartition("/")[2], wire)
    else:
        by_address = fields.get("response_format") == "url"
        datum = {"url": "https://pictures.example/1.png?sig=x"} if by_address else {"b64_json": _b64()}
        many = int(fields.get("n") or 1)
        told = [{**datum, "revised_prompt": f"{prompt}, in oil", "seed": number} for number in range(many)]
        answer = {"created": 1, "data": told, "of_its_own": {"x": [1.50]}, "usage": USAGE}
        # With blanks as it likes: who passes it on untouched has the same bytes.
        await wire.respond(200, json.dumps(answer, indent=1), "application/json")


async def _stream(kind: str, wire: Wire) -> None:
    name = "image_edit" if kind == "edits" else "image_generation"
    parts: list[tuple[str, dict[str, Any]]] = [
        (f"{name}.partial_image", {"b64_json": _b64(), "partial_image_index": 0}),
        (f"{name}.completed", {"b64_json": _b64(), "usage": USAGE}),
    ]
    head = {"created_at": 1, "size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png"}
    frames = [f"event: {kind}\ndata: {json.dumps({'type': kind, **head, **told})}\n\n".encode() for kind, told in parts]
    script = Script(pace_ms=0)
    await wire.begin()
    await play(wire, frames, script)
    await end(wire, script)


def _fields(request: Request) -> dict[str, Any] | None:
    kind, _, rest = request.headers.get("content-type", "").partition(";")
    if kind.strip() != "multipart/form-data":
        body = request.json()
        return body if isinstance(body, dict) else None
    boundary = rest.partition("boundary=")[2].strip('" ').encode()
    found: dict[str, Any] = {}
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        content = content.removesuffix(b"\r\n")
        if name:
            found[name[1].decode()] = content if b"filename=" in head else content.decode()
    return found


def _b64() -> str:
    return base64.b64encode(PNG).decode()


def _error(message: str, param: str | None) -> dict[str, Any]:
    code = "model_not_found" if param == "model" else None
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
