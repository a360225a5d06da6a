"""Sessions, requests and answers for the tests of the Z.AI adapter. All secrets are made up."""

import json
from collections.abc import Generator
from typing import Any

from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Answer, Moment
from providers.sandbox.tokens import jwt
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai
from tests.support.calls import Seen, seen
from tests.support.turns import turn_of

TOKEN = jwt({"id": "user-1", "email": "person@example.com"})
MOMENT = Moment(
    1_773_754_824_064, iter(f"00000000-0000-4000-8000-{n:012d}" for n in range(10_000)).__next__, "Europe/Berlin"
)


def provider(**options: Any) -> Zai:
    return Zai("zai", ZaiOptions(**options))


def session(token: str = TOKEN) -> Session:
    return provider().read_session("main", Credentials(token=token))


def chat(model: str = "GLM-4.6", *prompts: str, **fields: Any) -> ChatRequest:
    return ChatRequest(model, tuple(Message("user", prompt) for prompt in prompts or ("hi",)), **fields)


def answered(steps: Generator[Any, Any, Any] | None, *answers: Answer) -> tuple[list[Seen], Any]:
    """The steps' calls when they get these answers, and their result."""
    assert steps is not None
    calls: list[Seen] = []
    given = iter(answers)
    try:
        calls.append(seen(next(steps)))
        while True:
            calls.append(seen(steps.send(next(given))))
    except StopIteration as end:
        return calls, end.value


def reply(value: Any, status: int = 200) -> Answer:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Answer(status, {"content-type": "application/json"}, body)


def made(request: ChatRequest, zai: Zai | None = None) -> tuple[Seen, Seen]:
    """The chat creation and the completion for a request."""
    zai = zai or provider()
    turn = turn_of(zai, request, session())
    calls, _ = answered(turn.prepare(MOMENT), reply({"id": "chat-1"}))
    return calls[0], seen(turn.call(MOMENT))
