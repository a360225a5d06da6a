"""Thinking and search by whatever field: what reaches the site's switches, and what contradicts itself."""

from dataclasses import replace
from typing import Any

import pytest

from addons.dialects.chat_completions.request import parse_chat
from addons.errors import GatewayError
from addons.features.switches import NO_SEARCH, Switches
from providers.contract.chat import Message
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest, CompletionRequest
from providers.formats.jsontext import dumps
from tests.support.features import at

GLM = Model("GLM-4.6", "glm")
ASK: dict[str, Any] = {"model": "GLM-4.6", "messages": [{"role": "user", "content": "x"}]}


def chat(**fields: Any) -> ChatRequest:
    request = parse_chat(dumps(ASK | fields)).request
    assert isinstance(request, ChatRequest)
    return request


def switched(model: Model = GLM, **fields: Any) -> tuple[str | None, bool | None]:
    """The effort and the search that the provider is asked for."""
    found = Switches().apply(chat(**fields), at(model, frozenset()))
    if found is None:
        return None, None
    assert isinstance(found.request, ChatRequest)
    return found.request.reasoning_effort, found.request.search


def refused(model: Model = GLM, **fields: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        switched(model, **fields)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"reasoning_effort": "high"}, "high"),
        ({"reasoning_effort": "none"}, "none"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "medium"),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": True}, "medium"),
        ({"enable_thinking": False}, "none"),
        ({"chat_template_kwargs": {"enable_thinking": True}}, "medium"),
        ({"chat_template_kwargs": {"thinking": False, "other": 1}}, "none"),
        ({"reasoning": {"effort": "high"}}, "high"),
        ({"reasoning": {"effort": "none"}}, "none"),
        ({"reasoning": {"enabled": True}}, "medium"),
        ({"reasoning_effort": "low", "enable_thinking": True}, "low"),
        ({"enable_thinking": True, "reasoning": {"effort": "max"}}, "max"),
    ],
)
def test_thinking(fields: dict[str, Any], effort: str | None) -> None:
    assert switched(**fields)[0] == effort


@pytest.mark.parametrize(
    ("fields", "search"),
    [
        ({}, None),
        ({"web_search_options": {}}, True),
        ({"web_search_options": None}, None),
        ({"enable_search": True}, True),
        ({"enable_search": False}, False),
        ({"web_search": True}, True),
    ],
)
def test_search(fields: dict[str, Any], search: bool | None) -> None:
    assert switched(**fields)[1] is search


@pytest.mark.parametrize(
    "fields",
    [
        {"thinking": {"type": "adaptive"}},
        {"thinking": 5},
        {"thinking": []},
        {"thinking": {"type": ["enabled"]}},
        {"enable_thinking": "yes"},
        {"chat_template_kwargs": "x"},
        {"reasoning": {"effort": ["high"]}},
        {"reasoning": None},
        {"enable_search": 1},
        {"web_search": {"x": 1}},
    ],
)
def test_what_says_nothing_of_a_known_form_is_ignored(fields: dict[str, Any]) -> None:
    assert switched(**fields) == (None, None)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"reasoning_effort": "none", "thinking": {"type": "enabled"}}, "thinking"),
        ({"reasoning_effort": "high", "enable_thinking": False}, "enable_thinking"),
        ({"thinking": False, "chat_template_kwargs": {"enable_thinking": True}}, "chat_template_kwargs"),
        ({"web_search_options": {}, "enable_search": False}, "enable_search"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any], param: str) -> None:
    error = refused(**fields)
    assert error.param == param
    assert "opposite" in error.message


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        ("GLM-4.6-Thinking", {"reasoning_effort": "none"}, "reasoning_effort"),
        ("GLM-4.6-Thinking-Search", {"reasoning_effort": "minimal"}, "reasoning_effort"),
        ("qwen-max-thinking", {"enable_thinking": False}, "enable_thinking"),
        ("LongCat-Flash-Search", {"enable_search": False}, "enable_search"),
        ("GLM-4.6-search", {"web_search": False}, "web_search"),
    ],
)
def test_fields_that_contradict_the_models_name_are_refused(model: str, fields: dict[str, Any], param: str) -> None:
    error = refused(Model(model, "x", thinking=True, variant=True), **fields)
    assert error.param == param
    assert model in error.message


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("GLM-4.6-Thinking", {"reasoning_effort": "high"}),
        ("GLM-4.6-Thinking", {"enable_search": False}),
        ("GLM-4.6-Search", {"reasoning_effort": "none", "web_search_options": {}}),
        ("MBZUAI-IFM/K2-Think", {"reasoning_effort": "none"}),
        ("GLM-4.6", {"reasoning_effort": "none"}),
    ],
)
def test_fields_that_agree_with_it_are_not(model: str, fields: dict[str, Any]) -> None:
    switched(Model(model, "x"), **fields)


def test_search_that_the_model_has_not_is_refused_by_its_field() -> None:
    assert refused(Model("m", "m", search=False), enable_search=True).param == "enable_search"
    assert switched(Model("m", "m", search=False), enable_search=False) == (None, False)


def test_others_are_left_alone() -> None:
    asked = chat(reasoning_effort="high", thinking=False)
    assert Switches().apply(asked, at(GLM, None)) is None
    assert Switches().apply(CompletionRequest("GLM-4.6", asked), at(GLM, frozenset())) is None


def test_a_model_without_a_search_that_was_offered_one_is_told_so() -> None:
    asked = replace(chat(), search=True)
    found = Switches().apply(asked, at(Model("m", "m", search=False), frozenset()))
    assert found is not None
    assert isinstance(found.request, ChatRequest)
    assert found.request.search is None
    assert found.request.messages == (Message("system", NO_SEARCH), *asked.messages)
