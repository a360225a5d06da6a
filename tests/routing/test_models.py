"""The index over the providers' tables: what their uploads take stands in it."""

import pytest

from addons.routing.models import Models
from providers.contract.provider import Taken
from providers.registry import provider_class


@pytest.mark.parametrize(
    ("site", "model", "taken"),
    [
        ("qwen", "qwen3.8-omni-flash", ("file", "audio", "video")),
        ("zai", "GLM-4.6", ("file",)),
        ("k2think", "MBZUAI-IFM/K2-Think", ()),
        ("longcat", "LongCat-Flash", ("file",)),
    ],
)
def test_files_that_can_be_uploaded_for_a_model(site: str, model: str, taken: tuple[Taken, ...]) -> None:
    kind = provider_class(site)
    provider = kind(site, kind.Options.model_validate({}))
    assert Models({site: provider}, {})().find(model)[0].model.takes == taken
