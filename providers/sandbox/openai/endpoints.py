"""Embeddings, sounds, moderations and rankings of the stand-in for an official API."""

import base64
import json
import struct
from collections.abc import Sequence
from typing import Any, Final

from providers.sandbox.multipart import parts_of
from providers.sandbox.openai.refusals import misbehaved
from providers.sandbox.png import PNG
from providers.sandbox.script import end, play, read_script
from providers.sandbox.server import Request, Wire

SOUND: Final = b"\xff\xfb\x90\x64" + bytes(range(256)) * 16
"""As an MP3 begins."""
PATHS: Final = frozenset(
    f"/v1/{endpoint}"
    for endpoint in (
        "embeddings",
        "audio/speech",
        "audio/transcriptions",
        "audio/translations",
        "images/variations",
        "moderations",
        "rerank",
    )
)


def error(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


async def attend(request: Request, wire: Wire, models: Sequence[str]) -> None:
    """Answers a request to one of PATHS."""
    endpoint = request.path.removeprefix("/v1/")
    parts = {part.name: part for part in parts_of(request)}
    fields = request.json() if not parts else {name: part.data.decode("latin-1") for name, part in parts.items()}
    if not isinstance(fields, dict):
        await wire.respond(400, error("bad request body"))
    elif fields.get("model", models[0]) not in models:
        await wire.respond(404, error(f"The model {fields.get('model')} does not exist", "model", "model_not_found"))
    elif endpoint == "audio/speech":
        await _speak(fields, wire)
    elif endpoint in ("audio/transcriptions", "audio/translations"):
        await _hear(fields, wire)
    elif endpoint == "images/variations":
        await wire.respond(200, {"created": 1, "data": [{"b64_json": base64.b64encode(PNG).decode()}]})
    elif not await misbehaved(read_script(_words(fields)), wire):
        await wire.respond(200, json.dumps(_ANSWERS[endpoint](fields), indent=1), "application/json")


def _words(fields: dict[str, Any]) -> str:
    said = fields.get("input", fields.get("query", ""))
    return said if isinstance(said, str) else str(said[0]) if isinstance(said, list) and said else ""


def _embedded(fields: dict[str, Any]) -> dict[str, Any]:
    texts = fields["input"] if isinstance(fields.get("input"), list) else [fields.get("input")]
    vectors: list[Any] = [[0.25, -0.5, float(len(str(text)))] for text in texts]
    if fields.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack("<3f", *vector)).decode() for vector in vectors]
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "data": data, "model": fields.get("model"), "usage": usage}


def _judged(fields: dict[str, Any]) -> dict[str, Any]:
    bad = "harm" in _words(fields)
    result = {"flagged": bad, "categories": {"violence": bad}, "category_scores": {"violence": 0.9 if bad else 0.0}}
    return {"id": "modr-1", "model": "sandbox-moderation", "results": [result]}


def _ranked(fields: dict[str, Any]) -> dict[str, Any]:
    found = sorted(range(len(fields["documents"])), key=lambda at: -len(str(fields["documents"][at])))
    results = [{"index": at, "relevance_score": 1.0 / (place + 1)} for place, at in enumerate(found)]
    return {"model": fields.get("model"), "results": results, "usage": {"total_tokens": 9}}


_ANSWERS: Final = {"embeddings": _embedded, "moderations": _judged, "rerank": _ranked}


async def _speak(fields: dict[str, Any], wire: Wire) -> None:
    script = read_script(str(fields.get("input", "")))
    if await misbehaved(script, wire):
        return
    if fields.get("stream_format") == "sse":
        await wire.begin()
        sound = base64.b64encode(SOUND).decode()
        usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
        await wire.send(_event({"type": "speech.audio.delta", "audio": sound}))
        await wire.send(_event({"type": "speech.audio.done", "usage": usage}))
        await wire.end()
        return
    await wire.begin("audio/mpeg")
    pieces = [SOUND[at : at + 1000] for at in range(0, len(SOUND), 1000)]
    await play(wire, pieces[:2] if script.fault in ("truncated", "reset", "hang_up") else pieces, script)
    await end(wire, script)


async def _hear(fields: dict[str, Any], wire: Wire) -> None:
    if not fields.get("file"):
        await wire.respond(400, error("Missing required parameter: 'file'.", "file"))
    elif fields.get("stream") == "true":
        await wire.begin()
        await wire.send(_event({"type": "transcript.text.delta", "delta": "Hello "}))
        await wire.send(_event({"type": "transcript.text.delta", "delta": "there"}))
        usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 2, "total_tokens": 16}
        await wire.send(_event({"type": "transcript.text.done", "text": "Hello there", "usage": usage}))
        await wire.end()
    elif fields.get("response_format") in ("text", "srt", "vtt"):
        await wire.respond(200, "1\n00:00:00,000 --> 00:00:01,000\nHello there\n", "text/plain; charset=utf-8")
    else:
        size = len(fields["file"])
        await wire.respond(200, {"text": f"Hello there, {size} bytes", "usage": {"type": "duration", "seconds": 3}})


def _event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
