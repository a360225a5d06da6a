"""What a site's live list calls its models: only what a name can be becomes one."""

from collections.abc import Callable
from typing import Any

import pytest

from providers import k2think_models, openai_models, qwen_models, zai_models
from providers.openai_presets import PRESETS

PRESET = next(iter(PRESETS.values()))
GOOD = ["glm-5", "vendor/model:free", "Qwen3 Max", "模型", "x" * 256]
BAD = [
    "a\x1b]0;T\x07",
    "a\r\nb",
    "a\x00",
    "a\x7f",
    "a\x9b2J",
    "a\u202eb",
    "a\ufeff",
    "\ud800",
    "x" * 257,
    " ",
    "",
    5,
    None,
    ["a"],
]


def openai(items: list[Any]) -> list[str]:
    return [model.id for model in openai_models.read_list({"data": items}, PRESET) or []]


def of(read_live: Callable[[Any], Any]) -> Callable[[list[Any]], list[str]]:
    return lambda items: [model.id for model in read_live({"data": items})]


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(openai, id="openai"),
        pytest.param(of(zai_models.read_live), id="zai"),
        pytest.param(of(k2think_models.read_live), id="k2think"),
        pytest.param(of(qwen_models.read_live), id="qwen"),
    ],
)
def test_only_what_a_name_can_be_becomes_one(names: Callable[[list[Any]], list[str]]) -> None:
    assert names([{"id": name} for name in [*BAD, *GOOD]]) == GOOD


def test_a_bad_second_name_is_left_out() -> None:
    items = [{"id": "good", "name": bad} for bad in BAD]
    assert {model.name for model in zai_models.read_live({"data": items}) or []} == {"good"}
    assert {model.name for model in k2think_models.read_live({"data": items}) or []} == {"good"}
    assert {model.name for model in qwen_models.read_live({"data": items}) or []} == {""}
    assert {model.owned_by for model in openai_models.read_list([{"id": "m", "owned_by": "a\x1b"}], PRESET) or []} == {
        PRESET.owned_by
    }
