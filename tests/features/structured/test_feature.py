"""For whom the gateway sees to JSON itself."""

from dataclasses import replace
from typing import Any

import pytest

from addons.features.feature import Applied
from addons.features.mark import mark_of
from addons.features.structured.feature import Structured
from providers.contract.chat import Message
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from tests.features.structured.test_wanted import CITY
from tests.support.features import at

MODEL = Model("m", "m", tools="emulated")
WEB = at(MODEL, frozenset())
FORM: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "c", "schema": CITY}}
CHAT = ChatRequest("m", (Message("user", "hi"),), response_format=FORM)
TOOL = {"type": "function", "function": {"name": "look"}}


def applied(chat: ChatRequest, **changed: Any) -> Applied | None:
    return Structured().apply(replace(chat, **changed), WEB)


def test_a_web_session_is_told_in_words() -> None:
    found = applied(CHAT)
    assert found
    assert found.claims == {"response_format"}
    assert isinstance(found.request, ChatRequest)
    assert found.request.messages[-1].text().startswith(f"<format-{mark_of(WEB)}>")
    assert [id(found.check)] == [id(one) for one in found.filters]


@pytest.mark.parametrize("native", [None, frozenset({"response_format"})])
def test_who_gives_json_itself_is_left_alone(native: frozenset[str] | None) -> None:
    assert Structured().apply(CHAT, at(MODEL, native)) is None


@pytest.mark.parametrize("form", [None, {"type": "text"}])
def test_without_such_a_form_there_is_nothing_to_do(form: Any) -> None:
    assert applied(CHAT, response_format=form) is None


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_where_a_call_is_required_it_is_the_answer(choice: Any) -> None:
    found = applied(CHAT, tools=(TOOL,), tool_choice=choice)
    assert found
    assert found.claims == {"response_format"}
    assert not found.filters
    assert found.check is None


@pytest.mark.parametrize(("choice", "told"), [(None, True), ("auto", True), ("none", False)])
def test_a_call_may_stand_in_its_place_where_there_are_tools(choice: Any, told: bool) -> None:
    found = applied(CHAT, tools=(TOOL,), tool_choice=choice)
    assert found
    assert isinstance(found.request, ChatRequest)
    assert ("call of a tool" in found.request.messages[-1].text()) is told


def test_the_last_answer_is_never_asked_for_again() -> None:
    found = Structured().apply(CHAT, replace(WEB, again=True))
    assert found
    assert found.check
    assert not found.filters[0].filter([])
