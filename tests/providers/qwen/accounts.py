"""Sessions, moments and answers for the tests of the Qwen adapter. All secrets are made up."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Answer, Moment, Steps
from providers.qwen.options import QwenOptions
from providers.qwen.provider import Qwen
from tests.support.calls import Seen, seen
from tests.support.turns import turn_of

CHAT_ID = "0c0ffee0-1111-4222-8333-444444444444"
CREATED = {"success": True, "request_id": "r", "data": {"id": CHAT_ID}}


def jwt(**claims: Any) -> str:
    """A token of the site's form; its signature is no signature."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{part}.c2lnbmF0dXJl"


ACCESS = jwt(id="user-1", exp=1_791_063_000)
OLD_STYLE = Credentials(cookies={"token": ACCESS})
NEW_STYLE = Credentials(token=ACCESS, cookies={"refresh_token": "refresh-1", "acw_tc": "edge"})


def moment(epoch_ms: int = 1_772_702_645_123, timezone: str = "Asia/Shanghai") -> Moment:
    numbers: Iterator[int] = iter(range(1, 1000))
    return Moment(epoch_ms, lambda: f"00000000-0000-4000-8000-{next(numbers):012d}", timezone)


def qwen(**options: Any) -> Qwen:
    return Qwen("qwen", QwenOptions(**options))


def session(material: Credentials = NEW_STYLE) -> Session:
    return qwen().read_session("main", material)


def chat(model: str = "qwen-max", text: str = "Hello", **fields: Any) -> ChatRequest:
    return ChatRequest(model, fields.pop("messages", (Message("user", text),)), **fields)


def answer(
    body: Any, status: int = 200, content_type: str = "application/json", cookies: tuple[str, ...] = ()
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {"content-type": content_type}, raw, cookies)


def run[T](steps: Steps[T] | None, *answers: Answer) -> tuple[T, list[Seen]]:
    """Runs steps with these answers; all of them must be asked for."""
    assert steps is not None
    calls: list[Seen] = []
    replies = iter(answers)
    try:
        call = next(steps)
        while True:
            calls.append(seen(call))
            call = steps.send(next(replies))
    except StopIteration as end:
        assert next(replies, None) is None
        return end.value, calls


def asked(request: ChatRequest, provider: Qwen | None = None, material: Credentials = NEW_STYLE) -> Seen:
    """The completion of a chat, after its new chat was made."""
    provider = provider or qwen()
    account = session(material)
    turn = turn_of(provider, request, account)
    run(turn.prepare(moment()), answer(CREATED))
    return seen(turn.call(moment()))


def body_of(call: Seen) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call.body)
    return body


def features(request: ChatRequest, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = body_of(asked(request, qwen(**options)))["messages"][0]["feature_config"]
    return found
