"""Sessions, requests and answers for the tests of the LongCat adapter. All secrets are made up."""

import json
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Answer, Moment, Steps
from providers.longcat.api import LongCatApi
from providers.longcat.chat import LongCatTurn
from providers.longcat.options import LongCatOptions
from providers.longcat.provider import LongCat
from tests.support.calls import Seen, seen
from tests.support.turns import turn_of

MOMENT = Moment(1_790_000_000_000, lambda: "00000000-0000-4000-8000-0000000000ff")
COOKIES = {"cookies": {"passport_token_key": "v", "_lxsdk_s": "w"}}
HELLO = (Message("user", "Hi"),)


def provider(**options: Any) -> LongCat:
    return LongCat("longcat", LongCatOptions(**options))


def session(**material: Any) -> Session:
    return provider().read_session("main", Credentials(**(material or COOKIES)))


def outcome(steps: Steps[Any] | None, answer: Answer) -> Any:
    """What steps of one call return when the site gives this answer."""
    assert steps is not None
    next(steps)
    with pytest.raises(StopIteration) as done:
        steps.send(answer)
    return done.value.value


def ok(value: Any, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, json.dumps(value).encode())


def turn_in(
    conversation: str, held: Session | None = None, messages: tuple[Message, ...] = HELLO, model: str = "LongCat"
) -> LongCatTurn:
    """A turn whose conversation was made."""
    made = LongCatTurn(LongCatApi(LongCatOptions()), ChatRequest(model, messages), held or session())
    made._conversation = conversation
    return made


def completion(model: str, site: LongCat | None = None, **chat: Any) -> Seen:
    turn = turn_of(site or provider(), ChatRequest(model, HELLO, **chat), session())
    outcome(turn.prepare(MOMENT), ok({"code": 0, "data": {"conversationId": "c-1"}}))
    return seen(turn.call(MOMENT))
