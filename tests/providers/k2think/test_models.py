"""K2Think's models: the known names, and what the site's live list makes of them."""

from typing import Any

import pytest

from providers.formats.jsontext import MODELS_LIMIT
from providers.k2think import data
from providers.k2think.models import LiveModel, catalogue, read_live, resolve


def live(*ids: str, **named: str) -> list[LiveModel]:
    return [*(LiveModel(one, one) for one in ids), *(LiveModel(one, name) for one, name in named.items())]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"data": [{"id": "a", "name": "A"}]}, [LiveModel("a", "A")]),
        ([{"id": "a"}], [LiveModel("a", "a")]),
        ([{"id": "a", "status": "ACTIVE"}, {"id": "b", "status": "retired"}], [LiveModel("a", "a")]),
        ([{"id": "a", "status": 5}, {"id": "b", "name": "x\ny"}], [LiveModel("a", "a"), LiveModel("b", "b")]),
        ([{"id": ""}, {"id": 5}, {}, 7, None, "a"], []),
        ([], []),
        ({"data": {}}, None),
        ({}, None),
        ("a", None),
        (None, None),
    ],
)
def test_the_sites_list(value: Any, found: list[LiveModel] | None) -> None:
    assert read_live(value) == found


def test_of_a_list_without_end_so_many_are_taken() -> None:
    assert len(read_live([{"id": str(number)} for number in range(MODELS_LIMIT + 5)]) or []) == MODELS_LIMIT


@pytest.mark.parametrize(
    ("ids", "found", "site_id"),
    [
        (["k2-v2", "k2"], live("k2"), "k2"),
        (["k2-v2", "k2"], live("k2", "k2-v2"), "k2-v2"),
        (["k2-v2"], live("K2-V2"), "K2-V2"),
        (["k2-v2"], live(x7="k2-V2"), "x7"),
        (["k2-v2"], live("other"), "k2-v2"),
        (["k2-v2"], [], "k2-v2"),
    ],
)
def test_a_public_name_is_the_first_known_id_that_is_there(
    ids: list[str], found: list[LiveModel], site_id: str
) -> None:
    assert resolve("name", ids, found) == site_id


def test_the_family_goes_on_to_its_newest_version() -> None:
    there = live(f"{data.FAMILY}-v9", f"{data.FAMILY}-v10", data.FAMILY, f"{data.FAMILY}-v11-beta")
    assert resolve(data.FAMILY, ["gone"], there) == f"{data.FAMILY}-v10"
    assert resolve("another", ["gone"], there) == "gone"
    assert resolve(data.FAMILY, ["gone"], live(data.FAMILY)) == data.FAMILY


def test_models_that_only_the_live_list_has_join_once() -> None:
    known = {"Known": ["known-id"]}
    models = catalogue(known, live("known-id", "new", "NEW", "known"))
    assert {public: model.site_id for public, model in models.items()} == {"Known": "known-id", "new": "new"}
    assert all(model.thinking and not model.search for model in models.values())
    assert catalogue(known, [])["Known"].site_id == "known-id"
