"""One model at several places: what moves on before the client has seen a byte, and what the client is told at last."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.sandbox.openai.site import OpenAISite
from providers.sandbox.script import greeting
from tests.support.served import Served
from tests.support.sites import Sites


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sites, Served]]:
    """Two official sites and a third provider without a session, all serving `sandbox-large`, in this order."""
    folder = tmp_path_factory.mktemp("failover")
    with Sites((), own={"openai": OpenAISite(), "second": OpenAISite()}) as sites:
        described = sites.description()
        entry: dict[str, Any] = {
            "type": "openai_compatible",
            "models": ["sandbox-large"],
            "accounts": [{"name": "demo"}],
        }
        providers = {
            "official": entry | {"base_url": described["base_urls"]["openai"] + "/v1"},
            "second": entry | {"base_url": described["base_urls"]["second"] + "/v1"},
            "third": entry | {"base_url": "http://127.0.0.1:1/v1"},
        }
        with Served(folder, sites, providers=providers) as gateway:
            yield sites, gateway


def ask(gateway: Served, prompt: str = "Hi", *, stream: bool = True) -> httpx.Response:
    message = {"role": "user", "content": prompt}
    fields = {"model": "sandbox-large", "stream": stream, "messages": [message]}
    return gateway.post(fields)


@pytest.mark.parametrize("stream", [True, False])
def test_a_refused_account_is_passed_over_for_the_next_provider(two: tuple[Sites, Served], stream: bool) -> None:
    sites, gateway = two
    first, second = sites.site("openai"), sites.site("second")
    key, first.key = first.key, "sk-changed-at-the-site"
    before = len(second.requests)
    try:
        answer = ask(gateway, stream=stream)
    finally:
        first.key = key
    assert answer.status_code == 200
    assert greeting("Hi")[:20] in answer.text
    assert len(second.requests) == before + 1


def test_the_first_failure_at_a_provider_is_told_when_nobody_answers(two: tuple[Sites, Served]) -> None:
    sites, gateway = two
    keys = [sites.site(name).key for name in ("openai", "second")]
    for name in ("openai", "second"):
        sites.site(name).key = "sk-changed-at-the-site"
    try:
        answer = ask(gateway, "A conversation of its own")
    finally:
        for name, key in zip(("openai", "second"), keys, strict=True):
            sites.site(name).key = key
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
    assert "[official/demo]" in answer.json()["error"]["message"]
