"""Streams that are cut, at every byte: none looks whole. Two ends, two beginnings, words behind an end."""

from collections.abc import Callable
from typing import Any

import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.messages.dialect import Messages
from addons.dialects.responses.dialect import Responses
from addons.errors import GatewayError
from providers.anthropic.decoder import MessagesDecoder
from providers.anthropic.passing import PassedOn
from providers.contract.events import Event, Failure, Finish, Verbatim
from providers.contract.operation import Decoder
from providers.openai.responses.decoder import ResponseDecoder
from providers.openai.responses.passed import PassedResponse
from tests.providers.anthropic import streams as messages
from tests.providers.openai.responses import streams as responses
from tests.support.decoding import run

MESSAGES = messages.sse(
    messages.start(),
    messages.PING,
    messages.opened({"type": "thinking", "thinking": "", "signature": ""}),
    messages.delta("thinking_delta", thinking="Hm"),
    messages.delta("signature_delta", signature="s"),
    messages.closed(),
    *messages.said("Hel", "lo", index=1),
    messages.opened({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}, 2),
    messages.delta("input_json_delta", 2, partial_json='{"a":'),
    messages.delta("input_json_delta", 2, partial_json="1}"),
    messages.closed(2),
    *messages.end("tool_use"),
)
RESPONSES = responses.stream(responses.thinking("One"), responses.message("Hello"), responses.call("f", '{"a": 1}'))
DECODERS: dict[str, tuple[Callable[[], Decoder], bytes, bytes]] = {
    "messages passed on": (lambda: PassedOn(lambda error: error), MESSAGES, b'"stop_reason":"tool_use"'),
    "messages read": (MessagesDecoder, MESSAGES, b'"stop_reason":"tool_use"'),
    "responses passed on": (
        lambda: PassedResponse({}, lambda error: error, stream=True),
        RESPONSES,
        b"event: response.completed",
    ),
    "responses read": (lambda: ResponseDecoder({}, lambda error: error), RESPONSES, b"event: response.completed"),
}
EACH = pytest.mark.parametrize("name", DECODERS)


@EACH
def test_a_stream_that_is_cut_before_its_end_was_told_fails(name: str) -> None:
    make, stream, end = DECODERS[name]
    told_at = stream.index(b"\n\n", stream.index(end))
    for cut in range(len(stream)):
        last = run(make(), [stream[:cut]])[-1]
        assert cut >= told_at or isinstance(last, Failure), (cut, stream[cut - 60 : cut])
    assert isinstance(run(make(), [stream])[-1], Finish)


def written(name: str, events: list[Event]) -> bytes:
    """What a client of the form gets of a passed stream that failed."""
    dialect: Any = Messages() if name.startswith("messages") else Responses()
    body = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"input":"x","stream":true}'
    encoder = dialect.encoder(dialect.parse(body), AnswerMeta("msg_1", 1, "m"))
    out: bytes = encoder.encode([event for event in events if not isinstance(event, Failure)])
    out += encoder.error(GatewayError(502, "cut", code="upstream_eof"))
    return out


@pytest.mark.parametrize("name", ["messages passed on", "responses passed on"])
def test_what_a_client_has_of_it_ends_with_an_error_event_of_its_own(name: str) -> None:
    make, stream, end = DECODERS[name]
    frames = [frame + b"\n\n" for frame in stream.split(b"\n\n") if frame]
    count = next(at for at, frame in enumerate(frames) if end in frame)
    for cut in range(count + 1):
        for half in (b"", frames[cut][: len(frames[cut]) // 2]):
            events = run(make(), [b"".join(frames[:cut]) + half])
            assert isinstance(events[-1], Failure)
            *before, last = [frame for frame in written(name, events).split(b"\n\n") if frame]
            assert last.startswith((b"event: error\n", b"event: response.failed\n"))
            assert all(frame.startswith((b"event: ", b":")) and b"\ndata: {" in frame for frame in before)
            assert not any(b"message_stop" in frame or b"response.completed" in frame for frame in before)


@EACH
def test_what_follows_the_end_is_told_to_nobody(name: str) -> None:
    make, stream, _ = DECODERS[name]
    once = run(make(), [stream])
    for behind in (
        stream,
        b"data: garbage\n\n",
        messages.sse(messages.failure()),
        responses.sse([responses.failed("x", "y")]),
    ):
        for pieces in ([stream + behind], [stream, behind]):
            found = run(make(), pieces)
            assert sum(isinstance(event, Finish | Failure) for event in found) == 1
            assert said(found) == said(once)


def said(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Verbatim))


@EACH
def test_a_second_beginning_in_the_middle_makes_no_second_answer(name: str) -> None:
    make, stream, _ = DECODERS[name]
    frames = [frame + b"\n\n" for frame in stream.split(b"\n\n") if frame]
    doubled = b"".join([*frames[:4], frames[0], *frames[4:]])
    found = run(make(), [doubled])
    assert sum(isinstance(event, Finish | Failure) for event in found) == 1
