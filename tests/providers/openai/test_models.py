"""Models of an official API: known ones with their variants, configured ones, and its own list."""

from typing import Any

import pytest

from providers.contract.provider import Model
from providers.formats.jsontext import MODELS_LIMIT
from providers.official.model_table import joined, renamed
from providers.openai.form import Form
from providers.openai.models import built_in, read_list
from providers.openai.preset import KnownModel, Preset

SUFFIXES = {"-think": (True, None), "-search": (None, True), "-both": (True, True)}
PRESET = Preset(
    "https://api.example.com/v1",
    "acme",
    Form(),
    models=(
        KnownModel("All", "all-id", thinking=True, search=True, vision=True, context_length=7),
        KnownModel("Plain"),
        KnownModel("Thinker", thinking=True, always_thinking=True),
    ),
    suffixes=SUFFIXES,
    not_chat=("embed", "tts"),
)


def test_known_models_have_the_variants_that_each_can() -> None:
    table = built_in(PRESET)
    assert list(table) == ["All", "All-think", "All-search", "All-both", "Plain", "Thinker", "Thinker-think"]
    assert {name: (model.thinking, model.search) for name, model in table.items() if name.startswith("All")} == {
        "All": (None, None) if table["All"].search is None else (None, table["All"].search),
        "All-think": (True, table["All"].search),
        "All-search": (None, True),
        "All-both": (True, True),
    }
    assert {model.site_id for name, model in table.items() if name.startswith("All")} == {"all-id"}
    assert (table["All"].vision, table["All"].context_length, table["All"].owned_by) == (True, 7, "acme")
    assert (table["Plain"].site_id, table["Thinker"].thinking) == ("Plain", True)
    assert all(model.tools == "native" for model in table.values())


def test_without_suffixes_there_are_no_variants() -> None:
    assert list(built_in(Preset("https://x", "x", Form(), models=PRESET.models))) == ["All", "Plain", "Thinker"]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}]}, ["a", "b"]),
        ({"models": [{"name": "a"}]}, ["a"]),
        ([{"id": "a", "name": "b"}], ["a"]),
        ([{"id": "Text-EMBED-3"}, {"id": "my-tts"}, {"id": "chat"}], ["chat"]),
        ([{"id": ""}, {"id": 5}, {}, 7, None, {"id": "x\ny"}], []),
        ({"data": []}, []),
        ({"data": {}}, None),
        ({"data": None, "models": [{"name": "a"}]}, None),
        ("a", None),
        (None, None),
    ],
)
def test_the_apis_list(value: Any, names: list[str] | None) -> None:
    found = read_list(value, PRESET)
    assert (None if found is None else [model.id for model in found]) == names


def test_what_a_list_says_of_a_model_is_kept() -> None:
    entry = {"id": "a", "owned_by": "somebody", "created": 5, "context_length": 9}
    [model] = read_list([entry], PRESET) or []
    assert (model.owned_by, model.created, model.context_length, model.site_id) == ("somebody", 5, 9, "a")
    [bare] = read_list([{"id": "a", "owned_by": "x\ny", "created": True}], PRESET) or []
    assert (bare.owned_by, bare.created, bare.tools) == ("acme", 0, "unknown")


def test_of_a_list_without_end_so_many_are_taken() -> None:
    assert len(read_list([{"id": str(number)} for number in range(MODELS_LIMIT + 5)], PRESET) or []) == MODELS_LIMIT


def test_only_models_that_are_not_known_join() -> None:
    known = {"Public": Model("Public", "site-id")}
    live = [Model(name, name) for name in ("SITE-ID", "public", "New", "new")]
    assert list(joined(known, live)) == ["Public", "New", "new"]
    assert joined(known, live)["Public"] is known["Public"]
    assert list(known) == ["Public"]


def test_configured_models_keep_what_is_known_of_them() -> None:
    known = built_in(PRESET).values()
    table = renamed({"mine": "ALL-ID", "other": "unheard-of", "Thinks": "all-think"}, known, "acme")
    assert {name: model.site_id for name, model in table.items()} == {
        "mine": "all-id",
        "other": "unheard-of",
        "Thinks": "all-id",
    }
    assert (table["mine"].id, table["mine"].vision, table["mine"].thinking) == ("mine", True, None)
    assert table["Thinks"].thinking
    assert (table["other"].vision, table["other"].tools, table["other"].owned_by) == (None, "unknown", "acme")
