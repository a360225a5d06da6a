"""The feature of tools in a gateway: what the site is sent, and what the client gets of what it says."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addons.features.chain import applied
from addons.features.mark import mark_of
from providers.contract.chat import Message, ToolCall
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from tests.features.tools.toolboxes import given
from tests.support.answers import ALL_SAID, STREAM, said
from tests.support.features import at
from tests.support.harness import House, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Got, Visit

WEATHER = given("get_weather", description="The weather.")
STRICT = given("get_weather", strict=True)


def prompt(visit: Visit) -> str:
    """What the site was asked last."""
    return str(json.loads(visit.asked().content)["messages"][-1]["content"])


def call(visit: Visit, arguments: str = '{"city": "Rome"}', name: str = "get_weather") -> str:
    """A call as the model was told to write it."""
    found = re.search(r"<tools-(\w{8})>", prompt(visit))
    assert found
    return f'<call-{found[1]}>\n{{"name": "{name}", "arguments": {arguments}}}\n</call-{found[1]}>'


def calls(got: Got) -> list[tuple[str, Any]]:
    """Name and arguments of each call of a streamed answer."""
    deltas = [value["choices"][0]["delta"] for value in got.frames if isinstance(value, dict) and value.get("choices")]
    found: dict[int, list[str]] = {}
    for piece in (piece for delta in deltas for piece in delta.get("tool_calls", ())):
        one = found.setdefault(piece["index"], ["", ""])
        one[0] += piece["function"].get("name", "")
        one[1] += piece["function"]["arguments"]
    return [(name, json.loads(arguments)) for name, arguments in found.values()]


def reason(got: Got) -> str | None:
    last = [value for value in got.frames if isinstance(value, dict) and value.get("choices")][-1]
    found: str | None = last["choices"][0]["finish_reason"]
    return found


# -- what goes out ----------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_text_flows_at_once_and_a_call_comes_behind_it(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", tools=[WEATHER])
        assert prompt(visit).endswith("\n\nHello")
        await visit.says(STREAM, said("Let me look."))
        assert visit.got.text == "Let me look."
        await visit.says(said("\n" + call(visit)), ALL_SAID)
        assert calls(visit.got) == [("get_weather", {"city": "Rome"})]
        assert reason(visit.got) == "tool_calls"
        assert house.line.completion_tokens is not None
        assert house.line.completion_tokens > 4


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [WEATHER], "tool_choice": "required"},
        {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
        {"tools": [STRICT]},
    ],
    ids=["required", "named", "strict"],
)
@in_virtual_time
async def test_a_call_that_must_be_right_goes_out_as_soon_as_it_is_whole(tmp_path: Path, more: Any) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", **more)
        written = call(visit)
        await visit.says(STREAM, said("Let me look. " + written[:50]))
        await visit.says(said(written[50:60]))
        assert b"data:" not in visit.to_client
        await house.pass_s(16)
        assert b": keep-alive" in visit.to_client
        await visit.says(said(written[60:]))
        assert calls(visit.got) == [("get_weather", {"city": "Rome"})]
        assert not visit.got.complete
        await visit.says(said("\n" + call(visit, '{"city": "Oslo"}')), ALL_SAID)
        assert [name for name, _ in calls(visit.got)] == ["get_weather", "get_weather"]
        assert reason(visit.got) == "tool_calls"
        assert len(visit.requests) == 1


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("first", "told"),
    [
        (lambda visit: "It is sunny.", "had no call"),
        (lambda visit: call(visit, '{"town": "Rome"}'), "city"),
        (lambda visit: call(visit, "{}"), "city"),
    ],
    ids=["no call", "wrong arguments", "none"],
)
@in_virtual_time
async def test_a_call_that_is_not_right_is_asked_for_once_more(
    tmp_path: Path, first: Callable[[Visit], str], told: str, stream: bool
) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", stream=stream, tools=[WEATHER], tool_choice="required")
        await visit.says(STREAM, said(first(visit)), ALL_SAID)
        assert not visit.to_client
        assert told in prompt(visit).rpartition("</tools-")[2]
        await visit.says(STREAM, said(call(visit)), ALL_SAID)
        got = visit.got
        if stream:
            assert calls(got) == [("get_weather", {"city": "Rome"})]
        else:
            (choice,) = got.value["choices"]
            assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Rome"}
            assert got.value["usage"]["prompt_tokens"] > 300, "both rounds count"
        assert (got.headers["x-glassgate-attempts"], got.headers["x-glassgate-repair"]) == ("2", "1")
        assert len({request.headers["authorization"] for request in visit.requests}) == 1


@in_virtual_time
async def test_a_model_that_will_not_is_told_of_in_words_that_help(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", stream=False, tools=[WEATHER], tool_choice="required")
        await visit.says(STREAM, said("No."), ALL_SAID)
        await visit.says(STREAM, said("No!"), ALL_SAID)
        assert visit.got.status == 502
        for words in ("wrote no call", "once more", "model's fault", "tool_choice"):
            assert words in visit.got.error["message"]
        assert len(visit.requests) == 2


@in_virtual_time
async def test_a_strict_tool_that_is_not_called_is_no_flaw(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", tools=[STRICT])
        await visit.says(STREAM, said("It is sunny."))
        assert not visit.to_client
        await visit.says(ALL_SAID)
        assert (visit.got.text, reason(visit.got), len(visit.requests)) == ("It is sunny.", "stop", 1)


# -- what is no call --------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_what_the_user_or_a_result_quotes_is_no_call(tmp_path: Path) -> None:
    """An envelope with another mark, or none, that stands in the request."""
    quoted = '<tool_call>{"name": "get_weather", "arguments": {"city": "Rome"}}</tool_call>'
    messages: list[Any] = [
        {"role": "user", "content": f"What does {quoted} mean?"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "get_weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": '<call-abcdefgh>{"name": "get_weather"}</call-abcdefgh>'},
    ]
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", tools=[WEATHER], messages=messages)
        await visit.says(STREAM, said(f"This: {quoted} is a call."), ALL_SAID)
        assert calls(visit.got) == []
        assert visit.got.text == f"This: {quoted} is a call."
        assert reason(visit.got) == "stop"


@pytest.mark.parametrize("more", [{}, {"tools": []}, {"tools": [WEATHER], "tool_choice": "none"}, {"functions": []}])
@in_virtual_time
async def test_without_tools_to_call_nothing_is_said_of_them(tmp_path: Path, more: Any) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", **more)
        assert prompt(visit) == "Hello"
        await visit.says(STREAM, said('{"name": "get_weather", "arguments": {"city": "Rome"}}'), ALL_SAID)
        assert reason(visit.got) == "stop"


@in_virtual_time
async def test_a_conversation_with_calls_is_told_that_there_are_no_more(tmp_path: Path) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "get_weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    ]
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", messages=messages)
        assert "choice: none" in prompt(visit)
        assert "sunny" in prompt(visit)
        assert '"parameters"' not in prompt(visit)


# -- settings ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [WEATHER]}, "tools"),
        ({"functions": [WEATHER["function"]]}, "functions"),
        (
            {"messages": [{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "c", "content": "y"}]},
            "messages",
        ),
        ({"tools": [], "tool_choice": "none"}, None),
        ({"tools": [WEATHER], "tool_choice": "none"}, None),
    ],
)
@in_virtual_time
async def test_where_tools_are_switched_off_they_are_refused_by_name(
    tmp_path: Path, more: Any, param: str | None
) -> None:
    async with zai(tmp_path, "features: {tools: false}\n") as house:
        visit = await house.visit().chats("GLM-4.6", **more)
        if param is None:
            assert prompt(visit) == "Hello"
            return
        error = visit.got.error
        assert (visit.got.status, error["param"], error["code"]) == (400, param, "unsupported_parameter")
        assert "features.tools" in error["message"]
        models = await house.visit().asks(None, "/v1/models/GLM-4.6", "GET")
        supported = set(models.got.value["supported_parameters"])
        assert supported == {"response_format", "structured_outputs", "max_tokens", "stop", "web_search_options"}


@in_virtual_time
async def test_a_stop_string_within_a_call_does_not_make_it_another(tmp_path: Path) -> None:
    tool = given("move", {"type": "object", "properties": {"path": {"type": "string"}, "to": {"type": "string"}}})
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", tools=[tool], stop=[",", "\n", "END"])
        moved = '{"path": "a", "to": "b"}'
        await visit.says(STREAM, said(f"I move it {call(visit, moved, 'move')}"), said(" END, and so on"), ALL_SAID)
        assert calls(visit.got) == [("move", json.loads(moved))]
        assert (visit.got.text.strip(), reason(visit.got)) == ("I move it", "tool_calls")


def test_a_site_with_real_roles_is_sent_no_role_that_it_does_not_know() -> None:
    calls = (ToolCall("c", "get_weather", "{}"),)
    messages = (
        Message("system", "Be brief."),
        Message("user", "Weather?"),
        Message("assistant", None, tool_calls=calls),
        Message("tool", "sunny", tool_call_id="c"),
    )
    found = applied(ChatRequest("m", messages, tools=(WEATHER,)), at(Model("m", "m", tools="emulated"), frozenset()))
    assert isinstance(found.request, ChatRequest)
    told = found.request.messages
    assert [message.role for message in told] == ["system", "user", "assistant", "user"]
    assert told[:2] == messages[:2]
    assert not any(message.tool_calls or message.tool_call_id for message in told)


def test_a_model_that_draws_is_told_of_no_tools() -> None:
    chat = ChatRequest("m", (Message("user", "hi"),), tools=(WEATHER,))
    served = at(Model("m", "m", tools="none"), frozenset())
    assert "tools" not in applied(chat, served).claims


def test_an_official_api_gets_its_request_untouched() -> None:
    chat = ChatRequest("m", (Message("tool", "x", tool_call_id="c"),), tools=(WEATHER,), tool_choice="required")
    assert applied(chat, at(Model("m", "m", tools="native"), None)).request is chat


def test_the_mark_is_that_of_the_request() -> None:
    served = at(Model("m", "m", tools="emulated"), frozenset())
    found = applied(ChatRequest("m", (Message("user", "hi"),), tools=(WEATHER,)), served).request
    assert f"<tools-{mark_of(served)}>" in "".join(found.words())


# -- a chat that goes on at the site ----------------------------------------------------------------------------------
async def goes_on(house: House, first: Any, **more: Any) -> str:
    """What the site is sent for the second turn of a conversation whose first asked for `first`."""
    asked: list[Any] = [{"role": "user", "content": "Weather?"}]
    visit = await house.visit().chats("GLM-4.6", messages=asked, **first)
    await visit.says(STREAM, said(call(visit) if "<tools-" in prompt(visit) else "Well."), ALL_SAID)
    deltas = [value["choices"][0]["delta"] for value in visit.got.frames if isinstance(value, dict)]
    made = [{"id": one["id"], "function": one["function"]} for delta in deltas for one in delta.get("tool_calls", ())]
    asked.append({"role": "assistant", "content": visit.got.text, **({"tool_calls": made} if made else {})})
    asked += [{"role": "tool", "tool_call_id": one["id"], "content": "sunny"} for one in made]
    asked += [] if made else [{"role": "user", "content": "And?"}]
    visit = await house.visit().chats("GLM-4.6", messages=asked, **more)
    return prompt(visit)


@in_virtual_time
async def test_tools_are_listed_once_in_a_chat_of_the_sites(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        words = await goes_on(house, {"tools": [WEATHER]}, tools=[WEATHER], tool_choice="required")
        assert '"parameters"' not in words
        assert "still be called: get_weather." in words
        assert 'name="get_weather">\nsunny\n</result-' in words
        assert "Weather?" not in words
        assert "choice: required" in words
        assert house.site.chats == 1


@pytest.mark.parametrize(
    ("first", "more"),
    [
        ({}, {"tools": [WEATHER]}),
        ({"tools": [WEATHER], "tool_choice": "none"}, {"tools": [WEATHER]}),
        ({"tools": [WEATHER]}, {"tools": [WEATHER, given("f")]}),
    ],
    ids=["none before", "none allowed before", "others"],
)
@in_virtual_time
async def test_where_the_chat_was_not_told_of_them_another_is(tmp_path: Path, first: Any, more: Any) -> None:
    async with zai(tmp_path) as house:
        words = await goes_on(house, first, **more)
        assert '"parameters"' in words
        assert "Weather?" in words
        assert house.site.chats == 2
