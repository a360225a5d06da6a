import json
import os
from pathlib import Path
from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.qwen.models import Catalogue, read_live
from providers.qwen.provider import Qwen
from tests.providers.qwen.accounts import answer, moment, qwen, run, session

ROOT = Path(__file__).parents[3]
RECORDED = (
    Path(os.environ.get("GLASSGATE_RECORDINGS", ROOT.parent / "shared" / "recordings")) / "qwen/models-2026-08-25.json"
)


def item(site_id: str, active: bool = True, **meta: Any) -> dict[str, Any]:
    return {"id": site_id, "name": meta.pop("name", site_id.title()), "info": {"is_active": active, "meta": meta}}


def listed(*items: dict[str, Any]) -> Qwen:
    provider = qwen()
    run(provider.list_models(session(), moment()), answer({"data": list(items)}))
    return provider


@pytest.mark.parametrize(
    "public",
    [
        "qwen-max",
        "qwen-max-thinking",
        "qwen-max-search",
        "qwen-max-thinking-search",
        "qwen-max-image",
        "qwen-plus",
        "qwen-turbo",
        "qwen-long",
        "qwen3.8-max",
        "qwen3.7-plus-thinking-search",
        "qwen3.7-max-image",
        "qwen3.6-plus",
        "qwen3.5-plus",
        "qwen3.5-flash",
        "qwen3-coder-plus",
        "qwen3-coder-plus-search",
    ],
)
def test_models_are_there_before_the_site_is_asked(public: str) -> None:
    assert qwen().models()[public].id == public


def test_suffixes_switch_thinking_and_search() -> None:
    models = qwen().models()
    shown = {name: (models[name].thinking, models[name].search) for name in models if name.startswith("qwen-plus")}
    assert shown == {
        "qwen-plus": (None, None),
        "qwen-plus-thinking": (True, None),
        "qwen-plus-search": (None, True),
        "qwen-plus-thinking-search": (True, True),
        "qwen-plus-image": (False, False),
    }


def test_a_model_that_cannot_think_has_no_thinking_variant() -> None:
    assert "qwen3-coder-plus-thinking" not in qwen().models()
    assert qwen().models()["qwen3-coder-plus"].thinking is False


def test_an_old_name_means_the_first_that_the_site_has() -> None:
    provider = listed(item("qwen3.7-max"), item("QWEN3.6-Plus"))
    models = provider.models()
    assert models["qwen-max"].site_id == "qwen3.7-max"
    assert models["qwen-plus"].site_id == "QWEN3.6-Plus"
    assert models["qwen-long"].site_id == "QWEN3.6-Plus"


def test_a_model_is_found_by_its_name_too() -> None:
    models = listed(item("x-preview", name="Qwen3.8-Max")).models()
    assert models["qwen-max"].site_id == "x-preview"
    assert models["qwen3.8-max"].site_id == "x-preview"


def test_models_that_only_the_live_list_has_join_with_their_suffixes() -> None:
    models = listed(item("qwen4-max", capabilities={"thinking": True, "search": False}, chat_type=["t2t"])).models()
    assert {name for name in models if name.startswith("qwen4")} == {"qwen4-max", "qwen4-max-thinking"}


def test_inactive_models_and_those_for_other_things_do_not_join() -> None:
    names = listed(item("off", active=False), item("films", chat_type=["t2v"]), item("on")).models()
    assert "on" in names
    assert not {"off", "films"} & set(names)


def test_a_picture_goes_to_a_model_that_draws() -> None:
    words = item("qwen3.8-max", chat_type=["t2t", "search"])
    models = listed(words, item("qwen3.7-plus", chat_type=["t2t", "t2i"])).models()
    assert models["qwen-max"].site_id == "qwen3.8-max"
    assert models["qwen-max-image"].site_id == "qwen3.7-plus"
    assert "qwen3.8-max-image" not in models


def test_a_model_that_must_think_always_does() -> None:
    models = listed(item("qwen3.8-max", think_skip={"enable": False})).models()
    assert models["qwen3.8-max"].thinking is True


@pytest.mark.parametrize("ids", ["my-model", ["gone", "my-model"]])
def test_configured_ids_go_before_the_built_in(ids: str | list[str]) -> None:
    provider = qwen(model_ids={"qwen-max": ids, "mine": ids})
    run(provider.list_models(session(), moment()), answer({"data": [item("my-model")]}))
    assert provider.models()["qwen-max"].site_id == "my-model"
    assert provider.models()["mine-thinking"].site_id == "my-model"


def test_the_newer_path_is_asked_when_the_first_gives_nothing() -> None:
    provider = qwen()
    replies = answer({"detail": "gone"}, 404), answer({"success": True, "data": {"data": [item("qwen9")]}})
    _, calls = run(provider.list_models(session(), moment()), *replies)
    assert [call.url.removeprefix("https://chat.qwen.ai") for call in calls] == ["/api/models", "/api/v2/models/"]
    assert "qwen9" in provider.models()


def test_a_list_that_cannot_be_had_leaves_the_models_as_they_were() -> None:
    provider = listed(item("qwen9"))
    unauthorized = answer({"success": False, "data": {"code": "Unauthorized"}})
    with pytest.raises(ProviderError) as caught:
        run(provider.list_models(session(), moment()), unauthorized, answer(b"<html>", content_type="text/html"))
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
    assert "qwen9" in provider.models()


@pytest.mark.parametrize("body", [None, [], {}, {"data": 1}, {"data": {"data": None}}])
def test_answers_that_are_no_list(body: Any) -> None:
    assert read_live(body) is None


@pytest.mark.parametrize("one", [None, 1, {}, {"id": 1}, {"id": "x", "info": 1}, {"id": "x", "info": {"meta": []}}])
def test_odd_items_are_survived(one: Any) -> None:
    live = read_live({"data": [one]})
    assert live is not None
    Catalogue({}, live)


def test_every_choice_is_the_model_it_is_listed_under() -> None:
    catalogue = Catalogue({"a": ("qwen3.7-max",)})
    for public, choice in catalogue.choices.items():
        assert isinstance(choice.model, Model)
        assert (choice.model.id, choice.model.site_id) == (public, choice.site.id)


@pytest.mark.skipif(not RECORDED.is_file(), reason="no recordings here")
def test_recorded_list() -> None:
    provider = qwen()
    run(provider.list_models(session(), moment()), answer(json.loads(RECORDED.read_text(encoding="utf-8"))))
    model = provider.models()["qwen3.7-plus"]
    assert (model.thinking, model.search, model.vision, model.context_length) == (None, None, True, 1_000_000)
    assert "qwen3.7-plus-image" in provider.models()
