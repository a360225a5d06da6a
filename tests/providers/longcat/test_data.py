"""What ages about LongCat's site fits together: names, switches, paths and headers."""

import pytest

from providers.contract.call import Call, origin_of
from providers.longcat import data
from providers.longcat.data import Switches
from providers.longcat.options import LongCatOptions
from providers.longcat.provider import LongCat


def test_every_name_is_served_with_the_switches_it_stands_for() -> None:
    models = LongCat("cat", LongCatOptions()).models()
    for name in data.MODELS:
        assert name in models
    for name in data.SUFFIXED:
        assert data.MODELS[name] == Switches(), "a suffix switches what the name leaves open"
        for suffix in data.SUFFIXES:
            assert f"{name}{suffix}" in models
    assert not any(name.startswith("LongCat-Pro-") for name in models)


def test_the_completion_goes_to_a_path_that_is_known_as_one() -> None:
    assert data.CHAT_PATH in data.COMPLETION_PATHS
    for path in (data.CREATE_PATH, data.CHAT_PATH, data.WHO_PATH, data.DELETE_PATH, *data.COMPLETION_PATHS):
        Call("POST", data.BASE_URL + path, tuple(data.HEADERS.items()))  # raises for what no request can hold
    assert len({data.CREATE_PATH, data.CHAT_PATH, data.WHO_PATH, data.DELETE_PATH}) == 4


def test_headers_are_lower_case_and_say_the_sites_own_origin() -> None:
    assert all(name == name.lower() for name in data.HEADERS)
    assert origin_of(data.HEADERS["origin"]) == origin_of(data.BASE_URL)
    assert "mtgsig" not in {*data.HEADERS, *data.SESSION_HEADERS}, "a signature is good for one call"


@pytest.mark.parametrize(("suffix", "switched"), [("-Thinking", (True, None)), ("-Thinking-Search", (True, True))])
def test_suffixes(suffix: str, switched: tuple[bool | None, bool | None]) -> None:
    assert data.SUFFIXES[suffix] == switched
