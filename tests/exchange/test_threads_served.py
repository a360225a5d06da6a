"""A conversation that goes on in its chat at the site: what the site is sent, and when it is sent everything again."""

import json
from pathlib import Path
from typing import Any

from tests.support.answers import ALL_SAID, STREAM, said, whole
from tests.support.harness import House, is_quiet, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

MODEL = "GLM-4.6"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


async def asks(house: House, *messages: dict[str, Any], **more: object) -> Visit:
    return await house.visit().asks({"model": MODEL, "messages": messages, "stream": True, **more})


async def answered(house: House, answer: str, *messages: dict[str, Any], **more: object) -> Visit:
    visit = await asks(house, *messages, **more)
    await visit.says(STREAM, said(answer), ALL_SAID)
    assert visit.got.complete
    assert visit.got.text == answer
    return visit


def body(visit: Visit) -> dict[str, Any]:
    """What the site was asked last."""
    found: dict[str, Any] = json.loads(visit.asked().content)
    return found


def is_new_chat(visit: Visit) -> bool:
    return body(visit)["current_user_message_parent_id"] is None


@in_virtual_time
async def test_the_next_turn_goes_on_in_the_chat_alone(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        first = await answered(house, "Hi!", user("Hello"))
        second = await answered(house, "Fine.", user("Hello"), assistant("Hi!"), user("How are you?"))
        third = await answered(
            house, "Bye.", user("Hello"), assistant("Hi!"), user("How are you?"), assistant("Fine."), user("Bye")
        )
        assert [body(one)["messages"][0]["content"] for one in (first, second, third)] == [
            "Hello", "How are you?", "Bye",
        ]  # fmt: skip
        assert len({body(one)["chat_id"] for one in (first, second, third)}) == 1
        assert body(second)["current_user_message_parent_id"] == body(first)["id"]
        assert body(third)["current_user_message_parent_id"] == body(second)["id"]
        assert house.site.chats == 1
        assert is_quiet(house)


@in_virtual_time
async def test_a_chat_that_is_gone_costs_the_client_nothing(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        visit = await asks(house, user("Hello"), assistant("Hi!"), user("How are you?"))
        account = visit.asked().headers["authorization"]
        await visit.says(whole(404, {"detail": "Not Found"}))
        assert is_new_chat(visit)
        assert visit.asked().headers["authorization"] == account
        assert "Hi!" in body(visit)["messages"][0]["content"]
        await visit.says(STREAM, said("Fine."), ALL_SAID)
        assert visit.got.text == "Fine."
        assert house.line.outcome == "ok"
