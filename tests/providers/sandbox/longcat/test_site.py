"""The LongCat stand-in is strict about who asks and in what form. Driven with hand-made requests."""

from typing import Any

import pytest

from providers.sandbox.script import greeting
from tests.providers.sandbox.longcat.page import CHAT, Page, events, frames, said

pytestmark = pytest.mark.anyio


# -- account and conversations ----------------------------------------------------------------------------------------
async def test_a_right_request_is_answered_in_todays_frames(page: Page) -> None:
    answer = await page.chat()
    found = frames(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [event["type"] for event in events(answer)][:2] == ["create", "content"]
    assert "".join(said(answer)) == greeting("Hi")
    assert found[-1]["event"]["finalContentX"] == greeting("Hi")
    assert found[-1]["event"]["usage"] == {"inputTokens": 12, "outputTokens": 34, "totalTokens": 46}
    assert [frame["lastOne"] for frame in found] == [False] * (len(found) - 1) + [True]
    assert {frame["messageId"] for frame in found} == {2}


async def test_a_made_conversation_is_described(page: Page) -> None:
    data = (await page.create(agentId="2")).json()["data"]
    assert (data["agent"], data["titleType"], data["currentMessageId"]) == ("2", "SYSTEM", 0)
    assert data["conversationId"] in page.site.chats


async def test_a_conversation_counts_its_messages(page: Page) -> None:
    chat_id = (await page.create()).json()["data"]["conversationId"]
    numbers = [frames(await page.chat(conversationId=chat_id))[0]["messageId"] for _ in range(2)]
    assert numbers == [2, 4]


@pytest.mark.parametrize("cookie", ["", "passport_token_key=", "passport_token_key=dead", "token=x"])
@pytest.mark.parametrize("path", ["session-create", "chat-completion-V2", "chat-completion"])
async def test_no_cookie_or_an_unknown_one_is_refused(page: Page, path: str, cookie: str) -> None:
    headers = {"cookie": cookie} if cookie else {}
    answer = await page.client.post(f"/api/v1/{path}", json={"agentId": "1"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, 401)


async def test_a_revoked_token_is_refused_and_another_still_lives(page: Page) -> None:
    other = page.site.new_token()
    page.site.revoke(page.token)
    assert (await page.create()).status_code == 401
    page.token = other
    assert (await page.create()).json()["code"] == 0


async def test_who_is_signed_in(page: Page) -> None:
    who = (await page.get("user-current", t="1"))["data"]
    assert (who["userId"], who["email"], who["loginStatus"]) == (page.site.user_id, page.site.email, 1)
    assert (await page.get("login-info"))["data"]["loginInfo"] == 1
    page.site.revoke(page.token)
    nobody = await page.get("user-current")
    assert (nobody["code"], nobody["data"]["loginStatus"], nobody["data"]["userId"]) == (0, 0, None)
    assert (await page.get("login-info"))["data"]["loginInfo"] == 0


async def test_a_deleted_conversation_is_gone(page: Page) -> None:
    chat_id = (await page.create()).json()["data"]["conversationId"]
    assert (await page.get("session-delete", conversationId=chat_id))["code"] == 0
    assert (await page.chat(conversationId=chat_id)).json()["code"] == 404
    assert (await page.get("session-delete", conversationId=chat_id))["code"] == 404


async def test_a_conversation_belongs_to_its_person(page: Page) -> None:
    chat_id = (await page.create()).json()["data"]["conversationId"]
    page.token = page.site.new_token("somebody else")
    assert (await page.chat(conversationId=chat_id)).json()["code"] == 404
    assert (await page.get("session-delete", conversationId=chat_id))["code"] == 404
    assert chat_id in page.site.chats


async def test_a_conversation_may_be_forgotten_at_once(page: Page) -> None:
    page.site.forgets = 1
    assert (await page.chat()).json()["code"] == 404
    assert "".join(said(await page.chat())) == greeting("Hi")


async def test_who_may_be_refused_too(page: Page) -> None:
    page.site.who_fault = "418"
    assert await page.get("user-current") == {"customData": {"riskLevel": "199"}}


async def test_the_ready_session_is_alive(page: Page) -> None:
    page.token = page.site.session()["cookies"]["passport_token_key"]
    assert (await page.get("user-current"))["data"]["loginStatus"] == 1


# -- form of a request ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrong",
    [
        {"content": ""},
        {"content": [{"type": "text", "text": "Hi"}]},
        {"content": None},
        {"conversationId": ""},
        {"conversationId": 7},
        {"reasonEnabled": True},
        {"reasonEnabled": "1"},
        {"searchEnabled": 2},
        {"searchEnabled": None},
        {"regenerate": False},
        {"parentMessageId": "0"},
        {"agentId": 1},
        {"agentId": "9"},
        {"files": {}},
        {"files": [{"fileId": "x"}]},
        {"creationParam": []},
    ],
    ids=str,
)
async def test_a_wrong_field_is_refused(page: Page, wrong: dict[str, Any]) -> None:
    answer = await page.chat(**{"conversationId": "c", **wrong})
    assert (answer.status_code, answer.json()["code"]) == (200, 400)
    assert next(iter(wrong)) in answer.json()["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"m-appkey": "fe_com.sankuai.friday.fe.longcat", "m-traceid": "123"}, 200),
        ({"m-appkey": "another"}, 400),
        ({"m-traceid": "abc"}, 400),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ],
    ids=str,
)
async def test_the_app_key_may_be_missing_but_not_wrong(page: Page, headers: dict[str, str], status: int) -> None:
    assert (await page.chat(headers=headers)).status_code == status


@pytest.mark.parametrize("wrong", [{"agentId": "9"}, {"agentId": 1}, {"model": None}], ids=str)
async def test_a_wrong_session_form_is_refused(page: Page, wrong: dict[str, Any]) -> None:
    assert (await page.create(**wrong)).json()["code"] == 400
    assert not page.site.chats


async def test_fields_that_may_be_left_out(page: Page) -> None:
    chat_id = (await page.create()).json()["data"]["conversationId"]
    body = {"content": "Hi", "conversationId": chat_id}
    answer = await page.client.post(CHAT, json=body, headers=page.headers)
    assert "".join(said(answer)) == greeting("Hi")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", CHAT, 405), ("POST", "/api/v1/x", 404), ("DELETE", "/", 404)]
)
async def test_other_paths_are_not_there(page: Page, method: str, path: str, status: int) -> None:
    assert (await page.client.request(method, path, headers=page.headers)).status_code == status
