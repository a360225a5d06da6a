"""The four sites' adapters with a session each, and their preparing steps run with one answer."""

import json
from base64 import urlsafe_b64encode

from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials
from providers.contract.steps import Answer, Moment
from providers.registry import provider_class
from tests.support.turns import turn_of

MOMENT = Moment(1_790_000_000_000, lambda: "0f8fad5b-d9cb-469f-a165-70867728950e")
MODELS = {"zai": "GLM-4.6", "qwen": "qwen-max", "longcat": "LongCat-Flash", "k2think": "MBZUAI-IFM/K2-Think-v2"}


def jwt(**claims: object) -> str:
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims, "s"))


MATERIAL = {
    "zai": Credentials(token=jwt(id="u1", email="a@b.example")),
    "qwen": Credentials(token=jwt(id="u1", exp=4_000_000_000)),
    "longcat": Credentials(cookies={"passport_token_key": "p1"}),
    "k2think": Credentials(token=jwt(id="u1", exp=4_000_000_000)),
}


def chat_of(site: str) -> ChatRequest:
    return ChatRequest(MODELS[site], (Message("user", "Hello"),))


def prepared_with(site: str, answer: Answer, chat: ChatRequest) -> object:
    """What the adapter's preparing steps make of one answer. Raises ProviderError."""
    cls = provider_class(site)
    provider = cls(site, cls.Options.model_validate({}))
    session = provider.read_session("main", MATERIAL[site])
    steps = turn_of(provider, chat, session).prepare(MOMENT)
    assert steps is not None
    next(steps)
    try:
        steps.send(answer)
    except StopIteration as end:
        return end.value
    raise AssertionError("the adapter asked for more than one answer")
