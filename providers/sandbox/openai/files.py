"""Files and batches of the stand-in for an official API. A batch is done as soon as it is asked for a second time."""

import json
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.multipart import parts_of
from providers.sandbox.openai.endpoints import error
from providers.sandbox.server import Request, Wire

_GONE = {"error": {"message": "No such File object", "type": "invalid_request_error", "param": "id", "code": None}}


@dataclass
class Shelf:
    """What was uploaded and begun, by id."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def handle(self, request: Request, wire: Wire) -> None:
        _, what, *rest = request.path.removeprefix("/v1").split("/")
        if what == "files":
            await self._files(request, wire, rest)
        else:
            await self._batches(request, wire, rest)

    async def _files(self, request: Request, wire: Wire, rest: list[str]) -> None:
        if not rest and request.method == "POST":
            parts = {part.name: part for part in parts_of(request)}
            if parts.keys() != {"file", "purpose"}:
                await wire.respond(400, error(f"unknown parts: {sorted(parts)}"))
                return
            purpose = parts["purpose"].data.decode()
            await wire.respond(200, self.add(parts["file"].filename, purpose, parts["file"].data))
        elif not rest:
            await wire.respond(200, {"object": "list", "data": list(self.files.values()), "has_more": False})
        elif (found := self.files.get(rest[0])) is None:
            await wire.respond(404, _GONE)
        elif rest[1:] == ["content"]:
            await wire.respond(200, self.contents[rest[0]], "application/octet-stream")
        elif request.method == "DELETE":
            del self.files[rest[0]]
            await wire.respond(200, {"id": rest[0], "object": "file", "deleted": True})
        else:
            await wire.respond(200, found)

    def add(self, name: str, purpose: str, data: bytes) -> dict[str, Any]:
        file_id = f"file-sandbox{len(self.contents) + 1}"
        self.contents[file_id] = data
        told = {"id": file_id, "object": "file", "bytes": len(data), "created_at": 1_790_000_000, "filename": name}
        self.files[file_id] = {**told, "purpose": purpose, "status": "processed"}
        return self.files[file_id]

    async def _batches(self, request: Request, wire: Wire, rest: list[str]) -> None:
        if not rest and request.method == "POST":
            body = request.json()
            if not isinstance(body, dict) or body.get("input_file_id") not in self.files:
                await wire.respond(400, error("no such input file", "input_file_id"))
                return
            batch_id = f"batch_sandbox{len(self.batches) + 1}"
            asked = {name: body.get(name) for name in ("input_file_id", "endpoint", "completion_window")}
            told = {"id": batch_id, "object": "batch", "created_at": 1_790_000_000, "status": "validating", **asked}
            self.batches[batch_id] = told
            await wire.respond(200, told)
        elif not rest or (found := self.batches.get(rest[0])) is None:
            await wire.respond(404, error("No such Batch object", "id"))
        elif rest[1:] == ["cancel"]:
            found["status"] = "cancelling"
            await wire.respond(200, found)
        else:
            if found["status"] == "validating":
                output = self.add("output.jsonl", "batch_output", json.dumps({"custom_id": "1"}).encode() + b"\n")
                found |= {"status": "completed", "output_file_id": output["id"], "completed_at": 1_790_000_100}
            await wire.respond(200, found)
