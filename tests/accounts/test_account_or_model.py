"""What a failure is held against: one model of an account, or the account with all its models. Default rules."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.wall import Wall

CASES = {
    "a limit of speed": ("s02", 200, ""),
    "faults that open the breaker": ("s04", 200, ""),
    "no such model": ("s99", 200, ""),
    "too long": ("s12", 200, ""),
    "content": ("s13", 200, ""),
    "a bad request": ("bad", 200, ""),
    "a spent balance": ("spent", 429, "insufficient_quota"),
    "a wrong key": ("key", 502, "provider_auth"),
    "a check for humans": ("human", 502, "provider_challenge"),
}


@dataclass
class Setup:
    wall: Wall
    gateway: Served

    def ask(self, model: str) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        return self.gateway.post(body)


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    """An account for each case: `for-s02`, … at the same site."""
    folder = tmp_path_factory.mktemp("held-against")
    with Sites((), own={"wall": Wall()}) as sites:
        url = sites.description()["base_urls"]["wall"]
        entry = {"type": "openai_compatible", "base_url": f"{url}/v1", "accounts": [{"name": "key"}]}
        providers = {f"for-{model}": {**entry, "models": [model, "ok"]} for model, _, _ in CASES.values()}
        providers["for-human"]["accounts"] = [{"name": "key", "priority": -1}]
        gateway = Served(folder, sites, providers=providers, retries={"base_s": 0.01})
        for name in providers:
            gateway.vault.put(name, "key", sites.site("wall").session())
        with gateway:
            yield Setup(sites.site("wall"), gateway)


@pytest.mark.parametrize(("model", "status", "code"), CASES.values(), ids=CASES)
def test_the_other_models_of_the_account(setup: Setup, model: str, status: int, code: str) -> None:
    """`status`, `code`: what another model of the same account answers after the failures."""
    for _ in range(3):
        assert setup.ask(f"for-{model}/{model}").status_code >= 400
    setup.wall.attempts.clear()
    other = setup.ask(f"for-{model}/ok")
    assert other.status_code == status, other.text
    if status != 200:
        assert other.json()["error"]["code"] == code
        assert not setup.wall.attempts, "the account is not asked"
    again = setup.ask(f"for-{model}/{model}")
    assert again.status_code >= 400
    rests = model in ("s02", "s04", "spent", "key", "human")
    assert (setup.wall.attempts[model] == 0) is rests


def test_the_other_accounts_go_on_without_a_challenged_one(setup: Setup) -> None:
    assert setup.ask("for-human/human").status_code == 502
    answer = setup.ask("ok")
    assert answer.status_code == 200
    assert answer.headers["x-glassgate-account"] != "for-human/key", "it is the first by its priority"
