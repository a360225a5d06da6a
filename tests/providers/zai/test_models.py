"""Z.AI's models: public names, and the site's ids as its live list gives them."""

from typing import Any

import pytest

from providers.zai.data import MODELS, SiteModel
from providers.zai.models import LiveModel, catalogue, known_models, read_live, resolve


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"data": [{"id": "a", "name": "A"}]}, [LiveModel("a", "A")]),
        ({"data": [{"id": "a"}, {"id": "b", "info": {"is_active": False}}]}, [LiveModel("a", "a")]),
        ({"data": [{"id": "b", "is_active": False}, {"id": "c", "info": {"meta": {"hidden": True}}}]}, []),
        ({"data": [{"id": "a", "info": 5}, {"id": ""}, {"id": "x\ny"}, 7, None]}, [LiveModel("a", "a")]),
        ({"data": []}, []),
        ({"data": {}}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_sites_list(body: Any, found: list[LiveModel] | None) -> None:
    assert read_live(body) == found


@pytest.mark.parametrize(
    ("live", "site_id"),
    [
        ([LiveModel("id-2", "x"), LiveModel("id-1", "y")], "id-1"),
        ([LiveModel("x", "Public")], "x"),
        ([LiveModel("ID-2", "x")], "ID-2"),
        ([LiveModel("other", "Other")], "id-1"),
        ([], "id-1"),
    ],
)
def test_a_public_name_is_the_first_known_id_that_is_there(live: list[LiveModel], site_id: str) -> None:
    assert resolve(SiteModel("Public", ("id-1", "id-2")), live) == site_id


def test_live_models_join_under_a_name_that_clients_can_send() -> None:
    known = [SiteModel("Known", ("known",))]
    models = catalogue(known, [LiveModel("new", "New"), LiveModel("two", "Two Words"), LiveModel("known", "Other")])
    plain = {name: model.site_id for name, model in models.items() if not name.endswith(("-Thinking", "-Search"))}
    assert plain == {"Known": "known", "New": "new", "two": "two"}


def test_configured_ids_go_before_the_built_in_ones() -> None:
    table = {model.public: model.ids for model in known_models({"GLM-4.6": "mine", "Own": ["a", "b"]})}
    assert table["GLM-4.6"] == ("mine",)
    assert table["Own"] == ("a", "b")
    assert table["GLM-4.5"] == next(model.ids for model in MODELS if model.public == "GLM-4.5")
