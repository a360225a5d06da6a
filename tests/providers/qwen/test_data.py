"""What ages about Qwen's site fits together: models, aliases, switches and headers."""

from itertools import pairwise

import pytest

from providers.contract.call import Call
from providers.qwen import data
from providers.qwen.options import QwenOptions
from providers.qwen.provider import Qwen

IDS = [model.id for model in data.MODELS]


def test_each_model_stands_once_and_is_served_with_its_suffixes() -> None:
    assert len(set(IDS)) == len(IDS)
    models = Qwen("qwen", QwenOptions()).models()
    for model in data.MODELS:
        assert model.id in models
        assert (f"{model.id}-thinking" in models) is model.thinking
        assert (f"{model.id}-search" in models) is model.search
        assert (f"{model.id}{data.IMAGE_SUFFIX}" in models) is model.images


def test_names_of_other_times_mean_models_that_are_there_best_first() -> None:
    for name, ids in data.ALIASES.items():
        assert name not in IDS
        assert ids[0] in IDS
        assert len(set(ids)) == len(ids)
    assert set(data.IMAGE_STAND_INS) <= {model.id for model in data.MODELS if model.images}


@pytest.mark.parametrize("mode", data.THINKING_MODES)
def test_a_mode_says_whether_it_thinks_and_who_decides(mode: str) -> None:
    thinks, decides, said = data.THINKING_MODES[mode]
    assert thinks is (mode != "off")
    assert decides is (mode == "auto")
    assert said


def test_headers_and_paths_make_a_call() -> None:
    for path in data.COMPLETION_PATHS:
        Call("POST", data.BASE_URL + path, (*data.HEADERS.items(), ("user-agent", data.USER_AGENT)))
    assert all(name == name.lower() for name in data.HEADERS)
    assert "authorization" not in data.HEADERS


def test_shapes_of_pictures_are_ratios() -> None:
    assert data.SIZES[0] == "1:1"
    for size in data.SIZES:
        width, height = map(int, size.split(":"))
        assert width > 0 < height


def test_versions_of_one_line_stand_newest_first() -> None:
    numbered = [float(one.removeprefix("qwen").split("-")[0]) for one in data.ALIASES["qwen-plus"]]
    assert all(newer >= older for newer, older in pairwise(numbered))
