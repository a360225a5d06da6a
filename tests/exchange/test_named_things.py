"""Things at official APIs that requests of their own forms name: each client key reaches its own, where it lies."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.providers.anthropic.streams import end, message, said, sse, start
from tests.support.answers import STREAM, whole
from tests.support.harness import House, is_quiet
from tests.support.http1 import END, chunk
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Visit

OTHER: Final = "sk-other-key-0123456789abcdef0123456789abcdef"
PROVIDERS: Final = """
  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1002/v1', models: [m], accounts: [a, b],
        operations: [responses]}
  own: {type: anthropic, base_url: 'http://127.0.0.1:1003', models: [claude], accounts: [a, b]}
"""
KEYS: Final = {(name, of): {"api_key": f"key-of-{of}-0123456789abcdef"} for name in ("api", "own") for of in "ab"}
PLACE: Final = {"id": "container_1", "expires_at": "2026-11-27T00:00:00Z"}
RUNS: Any = {"tools": [{"type": "code_execution_20260120", "name": "code_execution"}]}
INTERPRETER: Any = {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}
CALL: Final = {
    "id": "ci_1",
    "type": "code_interpreter_call",
    "container_id": "cntr_1",
    "code": "1",
    "status": "completed",
}
LOOKS: Any = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}


def house(folder: Path) -> House:
    return House(folder, PROVIDERS, KEYS, "routing: {strategy: round_robin}", f"[{KEY}, {OTHER}]")


async def asks(running: House, form: str, key: str = KEY, **fields: Any) -> Visit:
    of_key = {"authorization": f"Bearer {key}"}
    if form == "messages":
        turn = [{"role": "user", "content": fields.pop("content", "Hi")}]
        body = {"model": "claude", "max_tokens": 9, "messages": turn, **fields}
        return await running.visit().asks(body, "/v1/messages", **of_key)
    return await running.visit().asks({"model": "m", "input": "Hi", **fields}, "/v1/responses", **of_key)


def account(visit: Visit) -> str:
    headers = visit.asked().headers
    return (headers.get("x-api-key") or headers["authorization"].removeprefix("Bearer ")).removeprefix("key-of-")[0]


async def makes(running: House, form: str, streams: bool, stored: bool) -> str:
    """The account that has made a container for this client key."""
    if form == "messages":
        visit = await asks(running, form, stream=streams, **RUNS)
        events = sse(start(), *said("x"), *end(container=PLACE))
        await visit.says(*((STREAM, chunk(events), END) if streams else (whole(200, message(container=PLACE)),)))
    else:
        visit = await asks(running, form, store=stored, **INTERPRETER)
        made = {"id": "resp_1", "object": "response", "status": "completed", "store": stored, "output": [CALL]}
        await visit.says(whole(200, made))
    assert visit.got.status == 200, visit.got.body
    return account(visit)


@pytest.mark.parametrize(
    ("form", "streams", "stored"),
    [("messages", True, False), ("messages", False, False), ("responses", False, True), ("responses", False, False)],
)
@in_virtual_time
async def test_a_container_is_its_keys_own_and_at_its_account(
    tmp_path: Path, form: str, streams: bool, stored: bool
) -> None:
    names: Any = {"container": "container_1", **RUNS}
    if form == "responses":
        names = {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}
    async with house(tmp_path) as running:
        place = await makes(running, form, streams, stored)
        for _ in range(3):
            assert account(await asks(running, form, **names)) == place
        theirs, unknown = await asks(running, form, OTHER, **names), json.loads(json.dumps(names).replace("_1", "_2"))
        nobodys = await asks(running, form, **unknown)
        for visit in (theirs, nobodys):
            assert not visit.requests
            assert visit.got.status == 404
        told = [visit.got.error["message"].replace("_2", "_1") for visit in (theirs, nobodys)]
        assert told[0] == told[1]
        assert "container" in told[0]


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("messages", {"content": [LOOKS]}),
        ("messages", {"content": [{"type": "container_upload", "file_id": "file_1"}]}),
        ("messages", {"container": {"skills": [{"type": "custom", "skill_id": "skill_1"}]}}),
        ("responses", {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
        ("responses", {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}]}),
        ("responses", {"input": [{"id": "msg_1"}]}),
    ],
)
@in_virtual_time
async def test_what_nobody_made_here_is_unknown_in_the_clients_own_form(tmp_path: Path, form: str, fields: Any) -> None:
    async with house(tmp_path) as running:
        visit = await asks(running, form, **fields)
        assert not visit.requests
        assert visit.got.status == 404
        error = visit.got.error
        if form == "messages":
            assert (visit.got.value["type"], error["type"]) == ("error", "not_found_error")
        else:
            assert error["code"].endswith("_not_found")
        assert is_quiet(running)
