"""The threads of the Qwen stand-in, driven as the page drives them."""

import asyncio
from typing import Any

import pytest

from tests.providers.sandbox.qwen.page import Page, code, frames, response_id

pytestmark = pytest.mark.anyio


async def say(page: Page, chat: str, prompt: str, parent: str | None = None) -> tuple[str, str]:
    """The words of an answer, and its id."""
    named: dict[str, Any] = {"parent_id": parent, "message": {"parent_id": parent, "parentId": parent}}
    answer = await page.complete(f"{prompt}\n!sandbox pace_ms=0", chat=chat, **named)
    found = [choice["delta"]["content"] for frame in frames(answer) for choice in frame.get("choices", ())]
    return "".join(found), response_id(answer)


async def new_chat(page: Page, **more: Any) -> str:
    made: str = (await page.new_chat(**more))["data"]["id"]
    return made


async def test_a_model_sees_its_branch_and_nothing_else(page: Page) -> None:
    chat = await new_chat(page)
    _, first = await say(page, chat, "My name is Ada.")
    _, second = await say(page, chat, "My dog is Rex.", first)
    assert "Rex" in (await say(page, chat, "What is my dog?", second))[0]
    assert "Ada" in (await say(page, chat, "What is my name?", second))[0]
    assert "Rex" not in (await say(page, chat, "What is my dog?", first))[0]
    assert "Ada" not in (await say(page, chat, "What is my name?"))[0], "a new branch from the root"


async def test_a_chat_keeps_its_type(page: Page) -> None:
    assert code(await page.complete(chat=await new_chat(page), kind="search")) == "Bad_Request"
    assert "response.created" in frames(await page.complete(kind="search"))[0]


async def dropped(page: Page, chat: str, pace_ms: int) -> str:
    """The id of an answer whose stream was dropped after its first frame."""
    request = await page.turn(f"Hi\n!sandbox pace_ms={pace_ms} text='one two three four five'", chat=chat)
    first = await page.client.send(request, stream=True)
    await anext(first.aiter_lines())
    await first.aclose()
    found: str = page.site.chats[chat].thread.leaf or ""
    return found


async def read_back(page: Page, chat: str) -> dict[str, Any]:
    answer = await page.client.get(f"{page.base}/api/v2/chats/{chat}", headers=page.headers)
    found: dict[str, Any] = answer.json()
    return found


async def stop(page: Page, chat: str, **body: Any) -> dict[str, Any]:
    url = f"{page.base}/api/v2/chat/completions/stop"
    answer = await page.client.post(url, params={"chat_id": chat}, json=body, headers=page.headers)
    found: dict[str, Any] = answer.json()
    return found


async def test_a_dropped_answer_goes_on_and_is_read_back(page: Page) -> None:
    chat = await new_chat(page)
    answer_id = await dropped(page, chat, 20)
    assert code(await page.complete(chat=chat)) == "Bad_Request", "it is in progress"
    await page.site.wait_for(lambda: not page.site.busy)
    history = (await read_back(page, chat))["data"]["chat"]["history"]
    assert history["currentId"] == answer_id
    message = history["messages"][answer_id]
    phases = {part["phase"]: (part["content"], part["status"]) for part in message["content_list"]}
    assert (message["content"], phases["answer"]) == ("", ("one two three four five", "finished"))
    assert "response.created" in frames(await page.complete(chat=chat))[0]


@pytest.mark.parametrize("named", [True, False])
async def test_a_stop_frees_the_chat(page: Page, named: bool) -> None:
    chat = await new_chat(page)
    answer_id = await dropped(page, chat, 60_000)
    state = (await read_back(page, chat))["data"]["chat"]["history"]["messages"][answer_id]["content_list"][-1][
        "status"
    ]
    assert (page.site.busy, state) == (True, "typing")
    more = {"response_id": answer_id} if named else {}
    assert (await stop(page, chat, chat_id=chat, **more))["success"] is True
    assert (page.site.busy, page.site.chats[chat].stops) == (False, [answer_id])
    assert "response.created" in frames(await page.complete("Hi\n!sandbox pace_ms=0", chat=chat))[0]


async def test_a_stop_ends_the_stream_that_is_heard(page: Page) -> None:
    chat = await new_chat(page)
    request = await page.turn(f"Hi\n!sandbox pace_ms=20 text='{'word ' * 2000}'", chat=chat)
    heard = asyncio.ensure_future(page.client.send(request))
    await page.site.wait_for(lambda: page.site.busy)
    await stop(page, chat, chat_id=chat)
    assert "response.stopped" in frames(await heard)[-1]


async def test_stops_and_readings_of_what_is_not_there(page: Page) -> None:
    chat = await new_chat(page)
    assert code(await stop(page, chat)) == "RequestValidationError"
    assert code(await stop(page, "x", chat_id="x")) == "CHAT_NOT_FOUND"
    assert code(await stop(page, chat, chat_id=chat, response_id="x")) == "Not_Found"
    assert (await stop(page, chat, chat_id=chat))["success"] is True, "there is nothing to stop"
    assert code(await read_back(page, "x")) == "CHAT_NOT_FOUND"


async def test_a_thread_sees_the_calls_and_results_of_its_tools(page: Page) -> None:
    chat = await new_chat(page)
    tool = '{"name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}, "required": ["city"]}}'
    contract = f"<tools-aaaaaaaa>\n{tool}\nchoice: auto\n</tools-aaaaaaaa>\n"
    said, first = await say(page, chat, f"{contract}What is the weather in Paris?")
    assert '"city": "Paris"' in said
    contract = contract.replace("aaaaaaaa", "bbbbbbbb")
    result = '<result-bbbbbbbb id="c1" name="get_weather">\nlight rain\n</result-bbbbbbbb>\n'
    said, _ = await say(page, chat, f"{result}\n{contract}", first)
    assert said == "Here is what I found: light rain"
