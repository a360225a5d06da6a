"""What ages about Z.AI's site can be put over, and fits together."""

from providers.zai import data
from tests.providers.zai.accounts import chat, made


def test_every_public_model_stands_once_and_has_ids_to_try() -> None:
    publics = [model.public for model in data.MODELS]
    assert len(set(publics)) == len(publics)
    assert all(model.ids for model in data.MODELS)
    ids = [site_id.casefold() for model in data.MODELS for site_id in {one.casefold() for one in model.ids}]
    assert len(set(ids)) == len(ids), "an id is of one model"
    assert all(model.efforts for model in data.MODELS if model.always_thinks)


def test_efforts_and_paths() -> None:
    assert set(data.EFFORTS.values()) == {"high", "max"}
    assert data.DEFAULT_EFFORT in data.EFFORTS.values()
    assert len(set(data.COMPLETION_PATHS.values())) == len(data.COMPLETION_PATHS)


def test_the_query_has_a_place_for_all_that_is_worked_out() -> None:
    url = made(chat())[1].url
    names = [pair.partition("=")[0] for pair in url.partition("?")[2].split("&")]
    assert [name for name in names if name in data.QUERY] == list(data.QUERY)
    assert data.QUERY["token"] is None
    assert not {"authorization", "cookie"} & {name.lower() for name in data.HEADERS}


def test_systems_that_name_others_come_first() -> None:
    """An Android agent names Linux too, Edge and Opera name Chrome, all but Firefox name Safari."""
    systems, browsers = [part for part, _ in data.SYSTEMS], [part for part, _ in data.BROWSERS]
    assert systems.index("Android") < systems.index("Linux")
    assert systems.index("iPhone") < systems.index("Mac OS X")
    assert browsers.index("Edg/") < browsers.index("Chrome/") < browsers.index("Safari/")
