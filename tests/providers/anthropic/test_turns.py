"""Requests of the same form as they go on, and what an answer's head says."""

import json
import re

import pytest

from providers.anthropic.decoder import MessagesDecoder
from providers.anthropic.learnt import ADDED
from providers.anthropic.passing import PassedOn, WholePassedOn
from providers.contract.errors import ErrorKind
from providers.contract.events import ToolCallDelta
from providers.shared.model_field import with_model
from tests.providers.anthropic.streams import KEY, MOMENT, call, chat, end, failure, native, opened, site, sse, start
from tests.support.decoding import run
from tests.support.turns import steps_of, turn_of

BODY = (
    b'{ "max_tokens" : 5,\n "model":"public", '
    b'"messages": [{"role": "user", "content": "\\"model\\": \\"public\\""}], "x":1.0}'
)


def test_the_clients_body_goes_on_byte_for_byte_where_the_model_has_the_same_name() -> None:
    assert call(site(models=["public"]), native(BODY, model="public")).body == BODY


def test_else_the_models_name_alone_is_written_anew() -> None:
    sent = call(site(models={"public": 'thei"rs'}), native(BODY, model="public")).body
    assert sent == BODY.replace(b'"model":"public"', b'"model":"thei\\"rs"')


@pytest.mark.parametrize(
    "body",
    [
        '{"a": {"model": "x"}, "b": ["model", {"model": "y"}], "model": "m", "c": 1}',
        '{"model"  :\n"m"}',
        '{"text": "say \\"model\\": \\"no\\" \\\\", "model": "m"}',
        '{"a\\"model": "x", "model": "m"}',
        '{"metadata": {"model": "x"}, "mod\\u0065l": "m"}',
    ],
)
def test_the_name_is_found_at_its_place(body: str) -> None:
    fields = json.loads(body)
    sent = with_model(body.encode(), fields, "theirs")
    assert json.loads(sent) == fields | {"model": "theirs"}
    if "mod\\u" not in body:
        assert sent.decode() == re.sub(r'("model"\s*:\s*)"m"', r'\1"theirs"', body)


def test_what_reads_an_answer() -> None:
    asked = native(b'{"model": "m", "stream": true}')
    assert isinstance(turn_of(site(), asked, KEY).decoder(), PassedOn)
    assert isinstance(turn_of(site(), native(b'{"model": "m"}'), KEY).decoder(), WholePassedOn)
    assert isinstance(turn_of(site(), chat(), KEY).decoder(), MessagesDecoder)
    assert not turn_of(site(), asked, KEY).buffers
    assert turn_of(site(), chat(), KEY).buffers


@pytest.mark.parametrize("written", [True, False], ids=["asked", "replayed"])
def test_tools_are_called_by_the_clients_names(written: bool) -> None:
    asked = chat(tools=({"type": "function", "function": {"name": "a.b"}},), stream=True)
    turn = turn_of(site(), asked, KEY)
    if written:
        turn.call(MOMENT)
    block = opened({"type": "tool_use", "id": "t", "name": "a_b", "input": {}})
    events = run(turn.decoder(), [sse(start(), block, *end("tool_use"))])
    assert [event.name for event in events if isinstance(event, ToolCallDelta)] == ["a.b", None]


@pytest.mark.parametrize(
    ("status", "headers", "accepted"),
    [
        (200, {"content-type": "text/event-stream"}, True),
        (200, {"content-type": "application/json"}, True),
        (200, {}, True),
        (204, {}, False),
        (200, {"content-type": "image/png"}, False),
        (400, {"content-type": "application/json"}, False),
        (200, {"cf-mitigated": "challenge"}, False),
    ],
    ids=str,
)
def test_heads(status: int, headers: dict[str, str], accepted: bool) -> None:
    assert turn_of(site(), chat(), KEY).accepts(status, headers) is accepted


def test_an_address_of_nothing_is_said_to_be_that() -> None:
    error = turn_of(site(), chat(), KEY).classify(404, {}, b'{"detail": "Not Found"}')
    assert error.kind is ErrorKind.MISCONFIGURED
    assert "Check providers.api.base_url in config.yaml" in error.message


def refusal(words: str) -> bytes:
    return json.dumps(failure("invalid_request_error", words)).encode()


def test_what_the_gateway_wrote_into_a_chat_and_the_model_refuses_is_left_out_the_next_time() -> None:
    provider = site(caches=True, schemas=True, thinking="adaptive", efforts=["low"])
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"x": "y" * 5000}}}
    asked = chat(tools=(tool,), reasoning_effort="low", extra={"user": "u"})
    for name in ADDED:
        assert f'"{name}"'.encode() in call(provider, asked).body
        turn = turn_of(provider, asked, KEY)
        said = {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": f"{name}: Extra inputs are not permitted"},
        }
        error = turn.classify(400, {}, json.dumps(said).encode())
        assert error.refused == {name}
        list(steps_of(turn.recover(error, MOMENT)))
        assert f'"{name}"'.encode() not in call(provider, asked).body


@pytest.mark.parametrize(
    "words", ["messages: at least one message is required", "max_tokens: 9 > 8", "thinking.budget_tokens: too small"]
)
def test_other_refusals_are_the_clients(words: str) -> None:
    turn = turn_of(site(), chat(), KEY)
    error = turn.classify(400, {}, refusal(words))
    assert not error.refused
    assert turn.recover(error, MOMENT) is None
