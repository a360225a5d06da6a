"""The threads of the Z.AI stand-in, driven as the page drives them."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from tests.providers.sandbox.zai.page import Page, frames

pytestmark = pytest.mark.anyio


def ids(parent: str | None = None, **more: Any) -> dict[str, Any]:
    made = {"id": str(uuid.uuid4()), "current_user_message_id": str(uuid.uuid4())}
    return {**made, "current_user_message_parent_id": parent, **more}


def words(answer: httpx.Response) -> str:
    return "".join(str(f["data"].get("delta_content", "")) for f in frames(answer) if f["type"] == "chat:completion")


async def say(page: Page, chat: str, prompt: str, body: dict[str, Any]) -> str:
    return words(await page.complete(f"{prompt}\n!sandbox pace_ms=0", chat_id=chat, body=body))


async def test_a_model_sees_its_branch_and_nothing_else(page: Page) -> None:
    chat = await page.new_chat()
    first, second, fork = ids(), ids(), ids()
    await say(page, chat, "My name is Ada.", first)
    second["current_user_message_parent_id"] = first["id"]
    await say(page, chat, "My dog is Rex.", second)
    assert "Rex" in await say(page, chat, "What is my dog?", ids(second["id"]))
    assert "Ada" in await say(page, chat, "What is my name?", ids(second["id"]))
    fork["current_user_message_parent_id"] = first["id"]
    assert "Rex" not in await say(page, chat, "What is my dog?", fork)
    assert "Ada" not in await say(page, chat, "What is my name?", ids())


@pytest.mark.parametrize("gone", [True, False])
async def test_a_parent_that_is_not_there_is_refused(page: Page, gone: bool) -> None:
    chat, first = await page.new_chat(), ids()
    await say(page, chat, "My name is Ada.", first)
    if gone:
        assert (await page.call("DELETE", f"/api/v1/chats/{chat}")).json() is True
    answer = await page.complete("And?", chat_id=chat, body=ids(first["id"] if gone else "other"))
    assert frames(answer)[0]["data"]["error"]["code"] == "INTERNAL_ERROR"
    other = await page.new_chat()
    answer = await page.complete("And?", chat_id=other, body=ids(first["id"]))
    assert frames(answer)[0]["data"]["error"]["code"] == "INTERNAL_ERROR", "of another chat"


async def test_an_answer_is_read_back_where_the_version_has_it(page: Page) -> None:
    for version, text in ((1, "one two"), (0, None)):
        chat, first = await page.new_chat(message_version=version), ids()
        await page.complete("Hi\n!sandbox pace_ms=0 text='one two' reasoning=hm", chat_id=chat, body=first)
        answer = await page.call("POST", f"/api/v1/chats/{chat}/messages/batch", {"ids": [first["id"], "x"]})
        (message,) = answer.json()["data"].values()
        found = [block["content"] for block in message["content_blocks"] if block["type"] == "text"]
        assert (message["role"], message["done"], found) == ("assistant", True, [text] if text else [])
        listed = (await page.call("GET", f"/api/v1/chats/{chat}")).json()["chat"]["history"]
        assert (listed["currentId"], listed["messages"][first["id"]]["content"]) == (first["id"], "")


async def test_a_dropped_answer_goes_on_and_a_stop_ends_it(page: Page) -> None:
    chat, first = await page.new_chat(message_version=1), ids()
    prompt = f"Hi\n!sandbox pace_ms=60000 text='{'one two three four ' * 9}'"
    sent = asyncio.ensure_future(page.complete(prompt, chat_id=chat, body=first))
    await page.site.wait_for(lambda: bool(page.site.threads.by_chat[chat].exchanges))
    sent.cancel()
    await page.site.wait_for(lambda: page.site.connections == 0)
    read = {"ids": [first["id"]]}
    answer = await page.call("POST", f"/api/v1/chats/{chat}/messages/batch", read)
    assert answer.json()["data"][first["id"]]["done"] is False
    assert (await page.call("POST", f"/api/tasks/stop/{first['id']}", {"reason": "user"})).status_code == 200
    answer = await page.call("POST", f"/api/v1/chats/{chat}/messages/batch", read)
    assert answer.json()["data"][first["id"]]["done"] is True
    assert page.site.threads.stopped == [first["id"]]


async def test_calls_of_a_wrong_form(page: Page) -> None:
    chat = await page.new_chat()
    assert (await page.call("POST", "/api/tasks/stop/x", {"reason": "r"})).status_code == 404
    assert (await page.call("POST", "/api/tasks/stop/x", {})).status_code == 422
    assert (await page.call("POST", f"/api/v1/chats/{chat}/messages/batch", {})).status_code == 422
    assert (await page.call("POST", "/api/v1/chats/x/messages/batch", {"ids": ["a"]})).status_code == 404
    assert (await page.call("POST", "/api/chat/continue", {"message_id": "a"})).status_code == 410
    assert (await page.call("DELETE", "/api/v1/chats/")).json() is True
    assert not page.site.chats
