"""The form of a request for pictures: its bounds, each told by the field's name."""

from typing import Any

import pytest

from addons.dialects.body import validated
from addons.dialects.images.schema import N_LIMIT, PROMPT_CHARS, SOURCES_LIMIT, EditBody, GenerationBody, OpenBody
from addons.errors import GatewayError

PLAIN: dict[str, Any] = {"model": "m", "prompt": "A cat"}


@pytest.mark.parametrize(
    "fields",
    [
        {"n": N_LIMIT},
        {"prompt": "x" * PROMPT_CHARS},
        {"image": ["u"] * SOURCES_LIMIT},
        {"partial_images": 3.0},
        {"x": 1},
    ],
)
def test_within_the_bounds(fields: dict[str, Any]) -> None:
    assert validated(EditBody, PLAIN | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": N_LIMIT + 1},
        {"prompt": "x" * (PROMPT_CHARS + 1)},
        {"image": ["u"] * (SOURCES_LIMIT + 1)},
        {"partial_images": 4},
        {"output_compression": 101},
        {"quality": 5},
        {"size": "x" * 65},
    ],
)
def test_beyond_the_bounds(fields: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as refused:
        validated(EditBody, PLAIN | fields)
    assert refused.value.param == next(iter(fields))


def test_an_official_api_judges_most_itself() -> None:
    odd = PLAIN | {"prompt": "", "n": "many", "size": 5}
    assert validated(OpenBody, odd).model == "m"
    with pytest.raises(GatewayError):
        validated(GenerationBody, odd)
