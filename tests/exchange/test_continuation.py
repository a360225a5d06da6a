"""A conversation that goes on in its chat at the site: what the site is sent, and when it is sent everything again."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from addons.exchange import threads
from tests.support.answers import ALL_SAID, STREAM, said, whole
from tests.support.harness import House, is_quiet, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Visit

MODEL = "GLM-4.6"
OTHER_KEY = "sk-other-0123456789abcdef0123456789abcdef"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


HELLO = (user("Hello"), assistant("Hi!"))
SECOND = (*HELLO, user("How are you?"))


async def asks(house: House, *messages: dict[str, Any], key: str = KEY, **more: object) -> Visit:
    body = {"model": MODEL, "messages": messages, "stream": True, **more}
    return await house.visit().asks(body, authorization=f"Bearer {key}")


async def answered(house: House, answer: str, *messages: dict[str, Any], **more: Any) -> Visit:
    visit = await asks(house, *messages, **more)
    await visit.says(STREAM, said(answer), ALL_SAID)
    assert visit.got.complete
    return visit


def body(visit: Visit, number: int = -1) -> dict[str, Any]:
    """What the site was asked."""
    found: dict[str, Any] = json.loads(visit.requests[number].content)
    return found


def prompt(visit: Visit) -> str:
    return str(body(visit)["messages"][0]["content"])


def goes_on(visit: Visit) -> bool:
    """Whether the site was sent a new turn of a chat that was there."""
    return body(visit)["current_user_message_parent_id"] is not None


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_the_next_turn_goes_on_in_the_chat_alone(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        first = await answered(house, "Hi!", user("Hello"), stream=stream)
        second = await answered(house, "Fine.", *SECOND, stream=stream)
        third = await answered(house, "Bye.", *SECOND, assistant("Fine."), user("Bye"), stream=stream)
        assert [prompt(one) for one in (first, second, third)] == ["Hello", "How are you?", "Bye"]
        assert len({body(one)["chat_id"] for one in (first, second, third)}) == 1
        assert body(second)["current_user_message_parent_id"] == body(first)["id"]
        assert body(third)["current_user_message_parent_id"] == body(second)["id"]
        assert house.site.chats == 1
        assert len(house.parts.context.threads) == 1
        assert is_quiet(house)


@in_virtual_time
async def test_the_inspector_shows_what_was_really_sent(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        visit = await answered(house, "Fine.", *SECOND)
        (flow,) = visit.flows
        shown = json.loads(flow.request.content or b"")
        assert shown["messages"] == [user("How are you?")]
        assert shown["current_user_message_parent_id"] == body(visit)["current_user_message_parent_id"]


@in_virtual_time
async def test_the_account_that_holds_the_chat_is_asked_first(tmp_path: Path) -> None:
    async with zai(tmp_path, "routing: {strategy: round_robin}") as house:
        first = [await answered(house, f"Hi {number}!", user("Hello")) for number in range(4)]
        for number, begun in enumerate(first):
            visit = await answered(house, "Fine.", user("Hello"), assistant(f"Hi {number}!"), user("And?"))
            assert goes_on(visit)
            assert visit.asked().headers["authorization"] == begun.asked().headers["authorization"]
        assert len({visit.asked().headers["authorization"] for visit in first}) == 1  # it is known by its first words


@in_virtual_time
async def test_a_fork_has_a_chat_of_its_own(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        one = await answered(house, "Fine.", *SECOND)
        other = await answered(house, "Well.", *HELLO, user("What now?"))
        assert goes_on(one)
        assert not goes_on(other)
        assert body(one)["chat_id"] != body(other)["chat_id"]
        assert "Hi!" in prompt(other)
        assert "How are you?" not in prompt(other)
        both = [
            await answered(house, "Bye.", *SECOND, assistant("Fine."), user("Bye")),
            await answered(house, "Bye.", *HELLO, user("What now?"), assistant("Well."), user("Bye")),
        ]
        assert [body(visit)["chat_id"] for visit in both] == [body(visit)["chat_id"] for visit in (one, other)]


@in_virtual_time
async def test_the_same_again_is_sent_whole(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        one, other = await answered(house, "Fine.", *SECOND), await answered(house, "Well.", *SECOND)
        assert (goes_on(one), goes_on(other)) == (True, False)


@in_virtual_time
async def test_of_two_at_the_same_time_one_goes_on(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        one, other = await asks(house, *SECOND), await asks(house, *HELLO, user("What now?"))
        assert (goes_on(one), goes_on(other)) == (True, False)
        for visit in (other, one):
            await visit.says(STREAM, said("Fine."), ALL_SAID)
        assert goes_on(await asks(house, *SECOND, assistant("Fine."), user("Bye")))
        assert goes_on(await asks(house, *HELLO, user("What now?"), assistant("Fine."), user("Bye")))


@in_virtual_time
async def test_an_edited_conversation_is_sent_whole(tmp_path: Path) -> None:
    async with zai(tmp_path, "accounts: {max_concurrent: 9}") as house:
        await answered(house, "Hi!", user("Hello"))
        assert not goes_on(await asks(house, user("Hallo"), assistant("Hi!"), user("x")))
        assert not goes_on(await asks(house, user("Hello"), assistant("Hi?"), user("x")))
        assert not goes_on(await asks(house, {"role": "system", "content": "Be brief."}, *HELLO, user("x")))
        assert not goes_on(await asks(house, *HELLO, user("x"), model="GLM-4.7"))
        assert not goes_on(await asks(house, *HELLO, user("x"), reasoning_effort="high"))
        assert goes_on(await asks(house, *HELLO, user("x")))


@in_virtual_time
async def test_another_client_key_has_nothing_of_it(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        house.write(tokens=f"[{KEY}, {OTHER_KEY}]")
        await house.pass_s(5)
        await answered(house, "Hi!", user("Hello"))
        assert not goes_on(await asks(house, *SECOND, key=OTHER_KEY))
        assert goes_on(await asks(house, *SECOND))


@in_virtual_time
async def test_new_turns_of_several_messages_go_on_too(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        visit = await asks(house, *HELLO, user("One"), user("Two"))
        assert goes_on(visit)
        assert "Hello" not in prompt(visit)
        assert prompt(visit).index("One") < prompt(visit).index("Two")


@pytest.mark.parametrize(
    "refusal",
    [
        whole(404, {"detail": "Not Found"}),
        whole(400, {"detail": "chat not found"}),
        whole(400, {"detail": "parent unknown"}),
        whole(500, {"detail": "Internal Server Error"}),
    ],
)
@in_virtual_time
async def test_a_chat_that_does_not_go_on_costs_the_client_nothing(tmp_path: Path, refusal: bytes) -> None:
    async with zai(tmp_path, "routing: {max_attempts: 1}\nretries: {enabled: false}") as house:
        await answered(house, "Hi!", user("Hello"))
        visit = await asks(house, *SECOND)
        account = visit.asked().headers["authorization"]
        await visit.says(refusal)
        assert not goes_on(visit)
        assert visit.asked().headers["authorization"] == account
        assert "Hi!" in prompt(visit)
        await visit.says(STREAM, said("Fine."), ALL_SAID)
        assert visit.got.text == "Fine."
        assert visit.got.headers["x-glassgate-attempts"] == "2"
        assert house.line.outcome == "ok"
        assert all(account.availability.blocked(MODEL) is None for account in house.parts.pool.all())
        assert goes_on(await asks(house, *SECOND, assistant("Fine."), user("Bye")))


@in_virtual_time
async def test_what_fails_whole_too_is_told(tmp_path: Path) -> None:
    async with zai(tmp_path, "routing: {max_attempts: 1}\nretries: {enabled: false}") as house:
        await answered(house, "Hi!", user("Hello"))
        visit = await asks(house, *SECOND)
        for _ in range(2):
            await visit.says(whole(404, {"detail": "Not Found"}))
        assert visit.got.status == 404
        assert len(visit.requests) == 2
        assert is_quiet(house)


@in_virtual_time
async def test_a_limit_of_the_account_is_none_of_the_chat(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        visit = await asks(house, *SECOND)
        await visit.says(whole(429, {"detail": "slow down"}, retry_after="60"))
        accounts = [request.headers["authorization"] for request in visit.requests]
        assert len(set(accounts)) == 2
        assert not goes_on(visit)


@pytest.mark.parametrize(("field", "value"), [("stop", ["!"]), ("max_tokens", 1)])
@in_virtual_time
async def test_an_answer_that_was_cut_is_not_what_the_chat_holds(tmp_path: Path, field: str, value: object) -> None:
    async with zai(tmp_path) as house:
        visit = await asks(house, user("Hello"), **dict[str, Any]({field: value}))
        await visit.says(STREAM, said("Hi there! How may I be of help to you today?"), ALL_SAID)
        assert visit.got.complete
        assert len(house.parts.context.threads) == 0
        assert not goes_on(await asks(house, user("Hello"), assistant(visit.got.text), user("x")))


@in_virtual_time
async def test_a_limit_that_is_not_reached_changes_nothing(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"), stop=["x"], max_tokens=100)
        assert goes_on(await asks(house, *SECOND))


@in_virtual_time
async def test_who_leaves_in_the_middle_leaves_no_thread(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await asks(house, user("Hello"))
        await visit.says(STREAM, said("Hi!"))
        await visit.leaves()
        assert len(house.parts.context.threads) == 0


@in_virtual_time
async def test_a_thread_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "KEPT_S", 60.0)
    async with zai(tmp_path) as house:
        await answered(house, "Hi!", user("Hello"))
        await house.pass_s(60)
        assert not goes_on(await asks(house, *SECOND))


@in_virtual_time
async def test_threads_outlive_a_reload_and_their_account_does_not_haunt(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        first = await answered(house, "Hi!", user("Hello"))
        house.write(more="timeouts: {idle_s: 50}")
        await house.pass_s(5)
        second = await answered(house, "Fine.", *SECOND)
        assert goes_on(second)
        asked = first.asked().headers["authorization"]
        name = next(one for one in "ab" if asked.endswith(house.sessions["zai", one]["token"]))
        left = "b" if name == "a" else "a"
        house.write(providers=house.providers.replace("[a, b]", f"[{left}]"))
        await house.pass_s(5)
        third = await answered(house, "Bye.", *SECOND, assistant("Fine."), user("Bye"))
        assert not goes_on(third)
        assert third.asked().headers["authorization"] != asked


@pytest.mark.parametrize(
    "options", [{"features": "{threads: false}"}, {"delete_chats": "true"}, {"create_chat": "false"}]
)
@in_virtual_time
async def test_threads_can_be_left(tmp_path: Path, options: dict[str, str]) -> None:
    async with zai(tmp_path, **options) as house:
        await answered(house, "Hi!", user("Hello"))
        assert not goes_on(await asks(house, *SECOND))
        assert len(house.parts.context.threads) == 0


@in_virtual_time
async def test_tokens_of_the_whole_conversation_are_counted(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        usage = {"stream_options": {"include_usage": True}}
        await answered(house, "Hi!", user("Hello " * 100), **usage)
        visit = await answered(house, "Fine.", user("Hello " * 100), assistant("Hi!"), user("x"), **usage)
        assert goes_on(visit)
        assert visit.got.frames[-2]["usage"]["prompt_tokens"] > 100


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_results_of_tools_are_a_new_turn(tmp_path: Path, stream: bool) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    async with zai(tmp_path) as house:
        visit = await asks(house, user("How is it?"), tools=[tool], stream=stream)
        (mark,) = set(re.findall(r"<tools-(\w{8})>", prompt(visit)))
        call = f'<call-{mark}>\n{{"name": "weather", "arguments": {{"place": "Bern"}}}}\n</call-{mark}>'
        await visit.says(STREAM, said("Let me see.\n"), said(call), ALL_SAID)
        message = told(visit)
        assert message["tool_calls"][0]["function"]["name"] == "weather"
        message["tool_calls"][0]["function"]["arguments"] = '{ "place":"Bern" }'  # as a client writes it anew
        result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "12 degrees"}
        second = await asks(house, user("How is it?"), message, result, tools=[tool])
        assert goes_on(second)
        assert "How is it?" not in prompt(second)
        assert "12 degrees" in prompt(second)
        assert re.search(r'<result-\w{8} id="[^"]+" name="weather">', prompt(second))
        await second.says(STREAM, said("It is cold."), ALL_SAID)
        third = await asks(
            house, user("How is it?"), message, result, assistant("It is cold."), user("x"), tools=[tool]
        )
        assert goes_on(third)


def told(visit: Visit) -> dict[str, Any]:
    """The assistant's message as its client puts it together."""
    got = visit.got
    if not got.headers["content-type"].startswith("text/event-stream"):
        return dict(got.value["choices"][0]["message"])
    deltas = [choice["delta"] for frame in got.frames[:-1] for choice in frame["choices"]]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    arguments = "".join(piece["function"].get("arguments", "") for piece in pieces)
    function = {"name": pieces[0]["function"]["name"], "arguments": arguments}
    content = "".join(delta.get("content") or "" for delta in deltas)
    return {**assistant(content), "tool_calls": [{"id": pieces[0]["id"], "type": "function", "function": function}]}
