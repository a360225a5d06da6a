"""Which model a program is started with."""

from typing import Any
from unittest.mock import patch

import pytest

from addons.cli.base import Problem
from addons.cli.gateway_http import Got
from addons.cli.running.models import ServedModel, chosen, named_model, usual_model

URL = "http://127.0.0.1:1"


def told(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, **more}


PICTURES = {"architecture": {"output_modalities": ["image"]}}
TOOLS = {"supported_parameters": ["tools", "stop"]}
NO_TOOLS: Any = {"supported_parameters": ["stop"]}


@pytest.mark.parametrize(
    ("listed", "prefers", "model"),
    [
        ([], (), None),
        ([told("a"), told("b")], (), "a"),
        ([told("draws", **PICTURES), told("b")], (), "b"),
        ([told("a", **NO_TOOLS), told("b", **TOOLS)], (), "b"),
        ([told("a", **NO_TOOLS), told("b")], (), "b"),
        ([told("unknown"), told("b", **TOOLS)], (), "b"),
        ([told("a", **NO_TOOLS)], (), "a"),
        ([told("glm", **TOOLS), told("Claude-Sonnet-5", **TOOLS)], ("claude-sonnet",), "Claude-Sonnet-5"),
        ([told("claude-haiku"), told("claude-opus-5")], ("claude-opus", "claude"), "claude-opus-5"),
        ([told("glm")], ("claude",), "glm"),
        ([told("")], (), None),
    ],
)
def test_the_one_that_suits_is_chosen(
    listed: list[dict[str, Any]], prefers: tuple[str, ...], model: str | None
) -> None:
    found = chosen([ServedModel.of(one) for one in listed], prefers)
    assert (found.id if found else None) == model


@pytest.mark.parametrize(("context", "known"), [(128_000, 128_000), (0, None), (-1, None), ("x", None), (None, None)])
def test_a_context_is_a_number_that_is_known(context: object, known: int | None) -> None:
    assert ServedModel.of(told("m", context_length=context)).context == known


def answered(status: int, value: dict[str, Any]) -> Any:
    return patch("addons.cli.running.models.get", lambda *a: Got(status, value))


def test_a_model_of_a_name_is_asked_of_the_gateway() -> None:
    with answered(200, told("GLM-4.6", context_length=5)):
        assert named_model(URL, "k", "glm-4.6") == ServedModel("GLM-4.6", 5)
    refused = {"error": {"message": "there is no model 'glm-4'; did you mean 'GLM-4.6'?"}}
    with answered(404, refused), pytest.raises(Problem, match=r"did you mean 'GLM-4\.6'"):
        named_model(URL, "k", "glm-4")
    with answered(404, {}), pytest.raises(Problem, match="does not serve 'x'"):
        named_model(URL, "k", "x")


@pytest.mark.parametrize(
    ("status", "value", "words"),
    [
        (200, {"data": []}, "no account of the gateway can serve a model now"),
        (200, {"data": 5}, "does not tell its models"),
        (401, {"error": {"message": "the API key is missing"}}, "the API key is missing"),
        (200, {"data": [5, "x"]}, "no account"),
    ],
)
def test_without_a_model_it_is_said(status: int, value: dict[str, Any], words: str) -> None:
    with answered(status, value), pytest.raises(Problem, match=words):
        usual_model(URL, None, ())


def test_a_gateway_that_is_gone_meanwhile_is_said() -> None:
    with pytest.raises(Problem, match="does not answer"):
        usual_model(URL, None, ())
