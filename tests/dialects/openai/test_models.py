from dataclasses import replace
from typing import Literal

import pytest

from addons.dialects.openai.models import model_object
from providers.contract.provider import Model

MODEL = Model("m", "m-1", vision=None, tools="unknown")


def test_of_a_model_of_which_nothing_is_known_nothing_is_claimed() -> None:
    told = model_object(MODEL, 7)
    assert told == {"id": "m", "object": "model", "created": 7, "owned_by": MODEL.owned_by}


def test_it_is_told_under_the_name_that_it_was_asked_by() -> None:
    assert model_object(MODEL, 7, "alias")["id"] == "alias"


def test_what_else_it_is_shown() -> None:
    told = model_object(replace(MODEL, takes=("file", "video")), 7)
    assert told["architecture"] == {"input_modalities": ["text", "file", "video"], "output_modalities": ["text"]}
    assert "architecture" not in model_object(MODEL, 7)


@pytest.mark.parametrize(("vision", "inputs"), [(True, ["text", "image"]), (False, ["text"])])
def test_what_it_sees(vision: bool, inputs: list[str]) -> None:
    told = model_object(replace(MODEL, vision=vision, context_length=9), 7)
    assert told["architecture"] == {"input_modalities": inputs, "output_modalities": list(MODEL.outputs)}
    assert told["context_length"] == 9


@pytest.mark.parametrize(
    ("tools", "search", "has", "lacks"),
    [
        ("native", None, {"tools", "tool_choice"}, {"response_format", "web_search_options"}),
        ("emulated", None, {"tools", "parallel_tool_calls", "stop", "web_search_options"}, set()),
        ("emulated", False, {"tools", "response_format"}, {"web_search_options"}),
        ("off", True, {"response_format", "web_search_options"}, {"tools", "tool_choice"}),
    ],
)
def test_the_fields_that_are_served(
    tools: Literal["native", "emulated", "off"], search: bool | None, has: set[str], lacks: set[str]
) -> None:
    told = model_object(replace(MODEL, tools=tools, search=search), 7)["supported_parameters"]
    assert isinstance(told, list)
    assert has <= set(told)
    assert lacks.isdisjoint(told)
    assert len(told) == len(set(told))
