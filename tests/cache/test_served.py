"""Kept answers as the real SDKs read them, in every form, out of sites and of APIs of the same form."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.support.messages import messages_sdk
from tests.support.sdk import gathered, say
from tests.support.served import Served
from tests.support.sites import Sites

SITE: Final = "GLM-4.6"
OFFICIAL: Final = "sandbox-large"
CLAUDE: Final = "claude-sandbox-small"
SAID: Final[Any] = [{"role": "user", "content": "Hi"}]

type Ask = Callable[[Served, str], object]
"""Asks a model by an SDK; gives all that the SDK has read."""


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites(("zai", "openai", "anthropic")) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("cache"), sites, cache={"always": True}) as running:
        yield running


def chat(gateway: Served, model: str) -> object:
    return say(gateway.sdk(), model, "Hi", temperature=0).model_dump()


def chat_stream(gateway: Served, model: str) -> object:
    return gathered(say(gateway.sdk(), model, "Hi", temperature=0, stream=True))


def completion(gateway: Served, model: str) -> object:
    return gateway.sdk().completions.create(model=model, prompt="Hi", temperature=0).model_dump()


def zero(model: str) -> dict[str, int]:
    """Newer models of that API take no temperature."""
    return {} if model == CLAUDE else {"temperature": 0}


def message(gateway: Served, model: str) -> object:
    with messages_sdk(gateway) as sdk:
        return sdk.messages.create(model=model, max_tokens=500, messages=SAID, extra_body=zero(model)).model_dump()


def message_stream(gateway: Served, model: str) -> object:
    with (
        messages_sdk(gateway) as sdk,
        sdk.messages.stream(model=model, max_tokens=500, messages=SAID, extra_body=zero(model)) as stream,
    ):
        return [event.type for event in stream], stream.get_final_message().model_dump()


def response(gateway: Served, model: str) -> object:
    return gateway.sdk().responses.create(model=model, input="Hi", temperature=0, store=False).model_dump()


def response_stream(gateway: Served, model: str) -> object:
    with gateway.sdk().responses.stream(model=model, input="Hi", temperature=0, store=False) as stream:
        return [event.type for event in stream], stream.get_final_response().model_dump()


def embeddings(gateway: Served, model: str) -> object:
    return gateway.sdk(strict=False).embeddings.create(model=model, input=["one", "three"]).model_dump()


@pytest.mark.parametrize(
    ("ask", "model"),
    [
        (chat, SITE),
        (chat, OFFICIAL),
        (chat_stream, SITE),
        (chat_stream, OFFICIAL),
        (completion, OFFICIAL),
        (message, SITE),
        (message, CLAUDE),
        (message_stream, OFFICIAL),
        (message_stream, CLAUDE),
        (response, SITE),
        (response, OFFICIAL),
        (response_stream, CLAUDE),
        (response_stream, OFFICIAL),
        (embeddings, OFFICIAL),
    ],
)
def test_an_sdk_reads_the_same_again_and_nobody_is_asked(gateway: Served, sites: Sites, ask: Ask, model: str) -> None:
    def asked() -> int:
        return sum(len(sites.site(name).requests) for name in ("zai", "openai", "anthropic"))

    counts = gateway.house.parts.context.cache.counts
    hits, first, before = counts.hits, ask(gateway, model), asked()
    assert ask(gateway, model) == first
    assert (asked(), counts.hits) == (before, hits + 1)
