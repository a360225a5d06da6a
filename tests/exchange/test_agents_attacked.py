"""Attacks on what agents use: redirects of an API, one answer deleted by many, odd words in what is shown."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from addons.inspect.annotation import Annotation
from addons.inspect.chat_view import chat_text
from tests.exchange.test_named_things import OTHER, asks, house
from tests.support.answers import whole
from tests.support.harness import House
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Visit

ELSEWHERE = "https://elsewhere.example/v1/messages"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("form", ["messages", "responses"])
@in_virtual_time
async def test_no_redirect_takes_a_key_elsewhere(tmp_path: Path, form: str, status: int) -> None:
    async with house(tmp_path) as running:
        visit = await asks(running, form)
        for _ in range(5):
            if visit.sent.get(visit.client):
                break
            await visit.says(whole(status, {}, location=ELSEWHERE))
            await running.pass_s(10)
        assert {request.url.port for request in visit.requests} <= {1002, 1003}
        assert not running.site.asked
        assert visit.got.status == 502
        assert "location" not in visit.got.headers
        assert "elsewhere.example" in visit.got.error["message"]


async def deletes(running: House, id: str, key: str = KEY) -> Visit:
    return await running.visit().asks(None, f"/v1/responses/{id}", "DELETE", authorization=f"Bearer {key}")


@in_virtual_time
async def test_of_many_who_delete_an_answer_at_once_one_does_and_another_key_never(tmp_path: Path) -> None:
    async with house(tmp_path) as running:
        visit = await asks(running, "responses")
        done: Any = {"id": "resp_1", "object": "response", "status": "completed", "store": False, "output": []}
        await visit.says(whole(200, done))
        assert (await deletes(running, "resp_1", OTHER)).got.status == 404
        visits = await asyncio.gather(*(deletes(running, "resp_1") for _ in range(20)))
        assert sorted(one.got.status for one in visits) == [200, *[404] * 19]
        again = await asks(running, "responses", previous_response_id="resp_1")
        assert again.got.error["code"] == "previous_response_not_found"


ODD = "a\x1b[31m\x9b\u202e\r\n── tools ──"


@pytest.mark.parametrize("dialect", ["messages", "responses", "chat_completions"])
def test_what_is_shown_of_an_agents_request_commands_no_terminal(dialect: str) -> None:
    tool = {"name": ODD, "type": ODD, "description": ODD, "input_schema": {"title": ODD}}
    turns = [{"role": "user", "content": ODD}, {"role": "assistant", "content": ODD}, {"role": "user", "content": ODD}]
    asked: dict[str, Any] = {"model": ODD, "max_tokens": 9, "tools": [tool], "system": ODD}
    asked |= {"input": turns, "instructions": ODD} if dialect == "responses" else {"messages": turns}
    body = json.dumps(asked)
    note = Annotation(request_id="req_1", dialect=dialect, client_request=body, session="a1b2c3", model=ODD)
    first, _, rest = chat_text(note).partition("\n")
    assert first.startswith("req_1   a\\x1b[31m")
    # What others say below stands in mitmproxy's view, which escapes it; no line of ours is forged above.
    assert "\x1b" not in rest.split("parameters:", 1)[0]
