"""The known APIs: what their data comes to."""

import pytest

from providers.anthropic.models import built_in
from providers.anthropic.presets import PRESETS


@pytest.mark.parametrize(
    ("preset", "model", "site_id", "vision", "context_length"),
    [
        ("anthropic", "claude-opus-5-5", "claude-opus-5-5", True, 1_000_000),
        ("zai", "GLM-4.6", "glm-4.6", False, 204_800),
        ("deepseek", "deepseek-v4-pro", "deepseek-v4-pro", False, 1_000_000),
        ("moonshot", "kimi-k2.5", "kimi-k2.5", True, 262_144),
        ("longcat", "LongCat-2.0", "LongCat-2.0", False, 1_048_576),
        ("minimax", "MiniMax-M2.7", "MiniMax-M2.7", False, 204_800),
    ],
)
def test_models(preset: str, model: str, site_id: str, vision: bool, context_length: int) -> None:
    found = built_in(PRESETS[preset])[model]
    assert (found.site_id, found.vision, found.context_length) == (site_id, vision, context_length)
    assert (found.tools, found.owned_by) == ("native", PRESETS[preset].owned_by)


def test_only_an_api_that_has_a_search_is_asked_for_one() -> None:
    assert built_in(PRESETS["anthropic"])["claude-opus-5"].search is None
    assert built_in(PRESETS["zai"])["GLM-4.6"].search is False
