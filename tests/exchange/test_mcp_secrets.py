"""Secrets that requests bring for tools' servers: the provider gets them, and nothing that is kept or told has them."""

import json
from pathlib import Path
from typing import Any

import pytest

from addons.inspect.annotation import annotation_of
from tests.exchange.test_named_things import asks, house
from tests.support.answers import whole
from tests.support.virtual_time import in_virtual_time

ONE = "opaque-canary-of-a-tools-server-1a2b3c4d5e"
TWO = "opaque-canary-of-another-head-6f7a8b9c0d1e"
SERVER: Any = {"type": "url", "url": "https://mcp.example.com/sse", "name": "mail", "authorization_token": ONE}
TOOL: Any = {
    "type": "mcp",
    "server_label": "mail",
    "server_url": "https://mcp.example.com/sse",
    "authorization": ONE,
    "headers": {"X-Tools-Key": TWO, "X-Other": TWO},
}
FORMS = [("messages", {"mcp_servers": [SERVER]}), ("responses", {"tools": [TOOL]})]


def files_below(folder: Path) -> list[str]:
    return [file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("end", ["answered", "refused", "repeated in an error"])
@pytest.mark.parametrize(("form", "fields"), FORMS)
@in_virtual_time
async def test_they_reach_the_provider_alone(tmp_path: Path, form: str, fields: Any, end: str) -> None:
    async with house(tmp_path) as running:
        running.parts.archive.switch(enabled=True)
        await running.settle()
        visit = await asks(running, form, **fields)
        asked = visit.asked().content.decode()
        assert ONE in asked
        error = {"type": "error", "error": {"type": "invalid_request_error", "message": "No."}}
        if end == "repeated in an error":
            error["error"]["message"] = f"authorization_token: {ONE} is wrong, {json.dumps(fields)}"  # type: ignore[index]
        done: Any = {"id": "x", "object": "response", "status": "completed", "output": [], "content": [],
                     "stop_reason": "end_turn", "usage": {}}  # fmt: skip
        await visit.says(whole(200, done) if end == "answered" else whole(400, error))
        assert visit.got.status in (200, 400)
        await running.pass_s(5)
        kept = [repr(annotation_of(flow)) for flow in running.flows()]
        kept += [repr((flow.request.content, flow.response and flow.response.content)) for flow in running.flows()]
        kept += files_below(tmp_path)
        kept += [*running.said, *map(repr, running.lines)]
        for secret in (ONE, TWO):
            assert not [text[max(0, text.find(secret) - 200) :][:400] for text in kept if secret in text]
