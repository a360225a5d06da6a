"""Limits that do not do what was meant are told when a key is made."""

from pathlib import Path

import pytest

from addons.app import control
from addons.app.control_desk import LOOK_S
from addons.app.managed_keys import WHAT
from addons.app.unfit_limits import unfit, unfit_without_asking
from addons.config.loader import load_config
from addons.config.operating import PriceSettings
from addons.keys.limits import KeyLimits, budget_of, models_of
from addons.routing.model_index import ModelIndex
from providers.contract.provider import Model
from tests.app.test_managed_keys import A, holds
from tests.support.harness import api
from tests.support.virtual_time import in_virtual_time

INDEX = ModelIndex([("zai", {"GLM-4.6": Model("GLM-4.6", "glm"), "GLM-5": Model("GLM-5", "g")})], {"fast": "GLM-4.6"})
PRICED = {"GLM-4.6": {"input": 1, "output": 2}}


def told(prices: dict[str, dict[str, int]] | None = None, **limits: str) -> list[str]:
    found = KeyLimits(
        models=models_of(limits["models"]) if "models" in limits else None,
        budget=budget_of(limits["budget"]) if "budget" in limits else None,
    )
    settings = {name: PriceSettings.model_validate(price) for name, price in (prices or {}).items()}
    return unfit(found, INDEX, settings)


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("GLM-*,zai/*,glm-4.6", []),
        ("GLM-*,qwen-*", ["--models 'qwen-*' fits no model that is served now (GET /v1/models lists them)"]),
        ("GLM-4.5", ["--models 'GLM-4.5' fits no model that is served now; did you mean 'GLM-4.6'?"]),
        ("fast", ["--models 'fast' is an alias, and fits no model by that; name the model itself: GLM-4.6"]),
        ("zia/*", ["--models 'zia/*' fits no model that is served now"]),
    ],
)
def test_patterns_that_fit_nothing(models: str, said: list[str]) -> None:
    found = told(models=models)
    assert len(found) == len(said)
    assert all(line.startswith(beginning) for line, beginning in zip(found, said, strict=True))


def test_a_budget_counts_nothing_without_prices() -> None:
    assert told() == []
    assert "no model that it may ask has a known price" in told(budget="5/month")[0]
    assert "1 of the 2 models that it may ask have no known price (GLM-5 …)" in told(PRICED, budget="5/month")[0]
    assert told(PRICED, budget="5/month", models="GLM-4.6") == []


def test_what_a_site_lists_itself_is_not_judged_unasked(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    entry = "{type: openai_compatible, base_url: 'http://127.0.0.1:9/v1', accounts: [{name: a, session: none}]"
    environ = {"AUTH_TOKEN": "k" * 40}
    file.write_text(f"providers: {{near: {entry}, models: [m1]}}}}\n")
    known = load_config(file, environ)
    assert len(unfit_without_asking(KeyLimits(models=("x",)), known)) == 1
    assert unfit_without_asking(KeyLimits(models=("m1",)), known) == []
    file.write_text(f"providers: {{near: {entry}}}}}\n")
    assert unfit_without_asking(KeyLimits(models=("x",)), load_config(file, environ)) == []


@in_virtual_time
async def test_the_running_gateway_says_it(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        place = control.folder_beside(house.vault.path)
        holds(house, ("ada", A), limits=KeyLimits(models=("m", "nothing-*")))
        for name, lines in (("ada", 1), ("nobody", 0)):
            with control.held(place) as question:
                control.ask(place, house.file, question, WHAT, name=name)
                await house.pass_s(LOOK_S + 0.1)
                answer = control.answer_to(place, question)
            assert answer is not None
            assert answer.done
            assert [line.startswith("--models 'nothing-*'") for line in answer.said.splitlines()] == [True] * lines
