"""The models of the Qwen stand-in: what each can do, and the list in the site's form."""

import pytest

from providers.qwen.models import read_live
from providers.sandbox.qwen.models import MODELS, SandboxModel, listed, usable


def test_only_active_models_are_usable_and_odd_names_are_none() -> None:
    assert usable("qwen3.7-plus") == SandboxModel()
    odd: list[object] = ["qwen3-retired", "gpt-4", "", None, 7, ["qwen3.7-plus"], {}]
    assert [usable(name) for name in odd] == [None] * len(odd)


@pytest.mark.parametrize(
    ("name", "types"), [("qwen3.7-plus", ("t2t", "search", "t2i", "image_edit")), ("qwen3.7-max", ("t2t", "search"))]
)
def test_pictures_are_drawn_by_those_that_can(name: str, types: tuple[str, ...]) -> None:
    assert MODELS[name].chat_types == types


def test_the_list_says_of_each_model_what_it_can() -> None:
    items = {item["id"]: item["info"] for item in listed()}
    assert set(items) == set(MODELS)
    for name, model in MODELS.items():
        info, meta = items[name], items[name]["meta"]
        assert info["is_active"] == model.active
        assert meta["chat_type"] == list(model.chat_types)
        assert (meta["capabilities"]["thinking"], meta["capabilities"]["vision"]) == (model.thinking, model.vision)
        assert meta["think_skip"] == {"enable": model.think_skip}
        assert ("image" in meta["modality"]) == model.image


def test_the_reader_of_the_real_list_understands_it() -> None:
    read = read_live({"data": listed()})
    assert read is not None
    assert {model.id for model in read} == {name for name, model in MODELS.items() if model.active}
    assert {model.id for model in read if model.must_think} == {"qwen3.8-max"}
