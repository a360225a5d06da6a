"""Requests, keys and answers for the tests of official APIs. All secrets are made up."""

import json
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Answer, Moment
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.calls import Seen, seen
from tests.support.turns import turn_of

MOMENT = Moment(epoch_ms=1_790_000_000_000, new_id=lambda: "id")
KEY = Session("api", "key1", ("api_key",))


def provider(**options: Any) -> OpenAICompatible:
    return OpenAICompatible("api", OpenAIOptions(**options))


def chat(model: str = "m", **fields: Any) -> ChatRequest:
    return ChatRequest(model, (Message("user", "hi"),), **fields)


def call(site: OpenAICompatible, request: ChatRequest, session: Session = KEY) -> tuple[Seen, dict[str, Any]]:
    found = seen(turn_of(site, request, session).call(MOMENT))
    return found, json.loads(found.body)


def list_models(site: OpenAICompatible, status: int, body: Any) -> Seen:
    steps = site.list_models(KEY, MOMENT)
    assert steps is not None
    asked = seen(next(steps))
    with pytest.raises(StopIteration):
        steps.send(Answer(status, {"content-type": "application/json"}, json.dumps(body).encode()))
    return asked
