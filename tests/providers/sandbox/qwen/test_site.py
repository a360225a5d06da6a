"""The Qwen stand-in is strict: driven with hand-made requests, as the protocol describes them."""

import time
from typing import Any

import pytest

from tests.providers.sandbox.qwen.page import MAX, Page, code, frames, response_id

pytestmark = pytest.mark.anyio


async def test_a_right_request_is_answered_in_frames(page: Page) -> None:
    answer = await page.complete()
    last = frames(answer)[-1]
    assert (last["choices"][0]["delta"]["phase"], last["choices"][0]["delta"]["status"]) == ("answer", "finished")
    assert "usage" not in last
    assert "[DONE]" not in answer.text
    assert answer.text.split("\n")[0].endswith("} "), "the first line has a blank before its end"


# -- the two bodies ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"models": []}, id="no model"),
        pytest.param({"chat_mode": "party"}, id="unknown mode"),
        pytest.param({"chat_type": "karaoke"}, id="unknown type"),
        pytest.param({"timestamp": int(time.time())}, id="timestamp in seconds"),
        pytest.param({"chatId": None}, id="neither chatId nor title"),
    ],
)
async def test_a_new_chat_of_the_wrong_form_is_refused(page: Page, wrong: dict[str, Any]) -> None:
    assert code(await page.new_chat(**wrong)) == "RequestValidationError"


async def test_the_older_form_of_a_new_chat_serves_too(page: Page) -> None:
    assert (await page.new_chat(chatId=None, title="New Chat"))["success"] is True


INVALID = "RequestValidationError"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        pytest.param({"messages": []}, INVALID, id="no message"),
        pytest.param({"messages": [{"role": "user"}, {"role": "user"}]}, "Bad_Request", id="two messages"),
        pytest.param({"message": {"role": "system"}}, "Bad_Request", id="a system message"),
        pytest.param({"model": "gpt-4"}, "Bad_Request", id="unknown model"),
        pytest.param({"model": "qwen3-retired"}, "Bad_Request", id="a model that is gone"),
        pytest.param({"chat": "somewhere-else"}, "CHAT_NOT_FOUND", id="no such chat"),
        pytest.param({"chat": ""}, INVALID, id="no chat"),
        pytest.param({"chatId": "other"}, INVALID, id="two spellings that differ"),
        pytest.param({"parentId": "x"}, INVALID, id="parents that differ"),
        pytest.param(
            {"parent_id": "x", "message": {"parent_id": "x", "parentId": "x"}},
            "PARENT_NOT_FOUND",
            id="a parent on the first turn",
        ),
        pytest.param({"stream": False}, INVALID, id="no stream"),
        pytest.param({"version": None}, INVALID, id="no version"),
        pytest.param({"timestamp": "now"}, INVALID, id="no timestamp"),
        pytest.param({"message": {"content": [{"type": "text"}]}}, INVALID, id="content in parts"),
        pytest.param({"message": {"models": ["qwen3.6-plus"]}}, INVALID, id="models that differ"),
        pytest.param({"message": {"childrenIds": []}}, INVALID, id="no id for the answer"),
        pytest.param({"message": {"fid": "1"}}, INVALID, id="no id for the message"),
        pytest.param({"message": {"sub_chat_type": "search"}}, INVALID, id="types that differ"),
        pytest.param({"kind": "karaoke"}, INVALID, id="unknown chat type"),
        pytest.param({"kind": "t2i"}, INVALID, id="a picture without a size"),
        pytest.param({"kind": "t2i", "size": "1:1", "model": "qwen3.7-max"}, INVALID, id="a model that cannot draw"),
        pytest.param({"features": {"output_schema": "-"}}, INVALID, id="no output_schema"),
        pytest.param({"features": {"thinking_mode": "Auto"}}, INVALID, id="mode and switch that differ"),
        pytest.param({"features": {"thinking_enabled": "yes"}}, INVALID, id="a switch that is none"),
        pytest.param({"features": {"thinking_budget": 0}}, INVALID, id="a budget of nothing"),
        pytest.param({"features": {"thinking_format": "poem"}}, INVALID, id="unknown format of thinking"),
    ],
)
async def test_wrong_requests_are_refused_with_status_200(page: Page, wrong: dict[str, Any], expected: str) -> None:
    answer = await page.complete(**wrong)
    assert (answer.status_code, code(answer)) == (200, expected)


@pytest.mark.parametrize(
    "features",
    [
        {"thinking_enabled": True, "auto_thinking": True, "thinking_mode": "Auto"},
        {"thinking_enabled": True, "auto_thinking": False, "thinking_mode": "Thinking", "thinking_budget": 81920},
        {"thinking_mode": "Disabled"},
        {"thinking_mode": "off"},
        {"thinking_mode": "-", "auto_search": "-"},
    ],
)
async def test_every_known_form_of_the_switches_is_taken(page: Page, features: dict[str, Any]) -> None:
    assert "response.created" in frames(await page.complete(features=features))[0]


async def test_a_model_that_must_think_says_so_inside_the_stream(page: Page) -> None:
    assert frames(await page.complete(model=MAX))[1]["error"]["code"] == "invalid_input"
    think = {"thinking_enabled": True, "auto_thinking": True, "thinking_mode": "Auto"}
    assert "error" not in (await page.complete(model=MAX, features=think)).text


async def test_a_second_turn_names_the_answer_before_it(page: Page) -> None:
    chat = (await page.new_chat())["data"]["id"]
    first = response_id(await page.complete(chat=chat))
    named: dict[str, Any] = {"parent_id": first, "message": {"parent_id": first, "parentId": first}}
    assert response_id(await page.complete(chat=chat, **named)) != first


async def test_a_chat_is_its_owners_alone(page: Page) -> None:
    chat = (await page.new_chat())["data"]["id"]
    stranger = page.people.new_access(user_id="somebody-else")
    page.headers |= {"authorization": f"Bearer {stranger}"}
    assert code(await page.complete(chat=chat)) == "CHAT_NOT_FOUND"
    answer = await page.client.delete(f"{page.base}/api/v2/chats/{chat}", headers=page.headers)
    assert answer.json() == {"success": False, "data": {"status": False}}
    assert chat in page.site.chats


async def test_a_deleted_chat_is_gone(page: Page) -> None:
    chat = (await page.new_chat())["data"]["id"]
    answer = await page.client.delete(f"{page.base}/api/v2/chats/{chat}", headers=page.headers)
    assert answer.json() == {"success": True, "data": {"status": True}}
    assert code(await page.complete(chat=chat)) == "CHAT_NOT_FOUND"


async def test_a_chat_that_is_answering_is_busy(page: Page) -> None:
    chat = (await page.new_chat())["data"]["id"]
    request = await page.turn("Hi\n!sandbox stall_after=2", chat=chat)
    first = await page.client.send(request, stream=True)
    await anext(first.aiter_lines())
    second = (await page.complete(chat=chat)).json()
    assert (second["data"]["code"], second["data"]["details"]) == ("Bad_Request", "The chat is in progress!")
    await first.aclose()
    await page.site.wait_for(lambda: not page.site.busy)


async def test_without_incremental_output_frames_repeat_the_answer(page: Page) -> None:
    found = frames(await page.complete("Hi\n!sandbox text='a b c d e f'", incremental_output=False))
    contents = [frame["choices"][0]["delta"]["content"] for frame in found[1:-1]]
    assert contents == ["a b c d", "a b c d e f"]


async def test_without_thinking_format_thinking_is_plain(page: Page) -> None:
    think = {"thinking_enabled": True, "thinking_mode": "Thinking"}
    phases = {}
    for given in ({}, {"thinking_format": "summary"}):
        found = frames(await page.complete("Hi\n!sandbox pace_ms=0", features={**think, **given}))
        phases[len(given)] = found[1]["choices"][0]["delta"]["phase"]
    assert phases == {0: "think", 1: "thinking_summary"}


async def test_a_fault_that_comes_once_comes_once(page: Page) -> None:
    prompt = "Hi\n!sandbox pace_ms=0 fault=gone_once"
    assert code(await page.complete(prompt)) == "CHAT_NOT_FOUND"
    assert "response.created" in frames(await page.complete(prompt))[0]


# -- frames -----------------------------------------------------------------------------------------------------------
async def test_tokens_are_counted_up_and_begin_anew_after_a_tool(page: Page) -> None:
    found = frames(await page.complete("Hi\n!sandbox pace_ms=0 text='a b c d e f'", kind="search"))[1:]
    outputs = [frame.get("usage", {}).get("output_tokens") for frame in found]
    assert outputs == [3, 6, None, 3, 6, 9, 12, 15, None]
    assert found[2]["usage"] == {}


async def test_snapshots_of_thinking_repeat_and_begin_anew_after_a_tool(page: Page) -> None:
    think = {"thinking_enabled": True, "thinking_mode": "Thinking", "thinking_format": "summary"}
    prompt = "Hi\n!sandbox pace_ms=0 reasoning='one two three four five'"
    deltas = [f["choices"][0]["delta"] for f in frames(await page.complete(prompt, kind="search", features=think))[1:]]
    lists = [d["extra"]["summary_thought"]["content"] for d in deltas if "summary_thought" in d.get("extra", {})]
    before = [["They ask."], ["They ask.", "one two three four"], ["They ask.", "one two three four five"]]
    assert lists == [*before, ["Now"], ["Now I know."]]
    assert all(d["content"] == "" for d in deltas if d["phase"] == "thinking_summary")


async def test_the_other_candidate_is_woven_in(page: Page) -> None:
    found = frames(await page.complete("Hi\n!sandbox pace_ms=0 text=word variant=two_candidates"))
    heads = [frame["response.created"] for frame in found if "response.created" in frame]
    assert [head["response_index"] for head in heads] == ["0", "1"]
    ids = [frame["response_id"] for frame in found[2:]]
    first, other = (head["response_id"] for head in heads)
    assert ids == [first, other, other, first]
