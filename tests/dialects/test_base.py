"""What every dialect of the registry promises the gateway: its answers whole or in pieces, its errors, its names."""

import json
from collections.abc import Generator
from typing import Any, cast

import pytest

from addons.dialects.base import EVENT_STREAM, JSON, KEEPALIVE, AnswerMeta, Dialect, Encoder, ParsedRequest
from addons.dialects.registry import DIALECTS
from addons.errors import GatewayError
from providers.contract.events import Event, Finish, Reasoning, Text, Usage
from providers.contract.requests import ModelRequest

META = AnswerMeta("id-1", 1_790_000_000, "m")
ASKED: dict[str, dict[str, Any]] = {
    "chat_completions": {"messages": [{"role": "user", "content": "Hi"}]},
    "completions": {"prompt": "Hi"},
    "images": {"prompt": "Hi"},
    "messages": {"messages": [{"role": "user", "content": "Hi"}]},
    "responses": {"input": "Hi"},
    "passed_on": {"input": "Hi"},
}
OF_WORDS = [dialect for dialect in DIALECTS if dialect.name not in ("images", "passed_on")]
ENDED = ("upstream_eof: It broke.", "api_error: It broke.", "server_error: It broke.")
SAID: list[Event] = [Reasoning("Hm"), Text("Hel"), Text("lo"), Usage(1, 2, 3), Finish("stop")]


def parsed(dialect: Dialect, **fields: object) -> ParsedRequest:
    return dialect.parse(json.dumps({"model": "m", **ASKED[dialect.name], **fields}).encode())


def encoder(dialect: Dialect, *, stream: bool) -> Encoder:
    return dialect.encoder(parsed(dialect, stream=stream), META)


def run[T](steps: Generator[None, None, T]) -> T:
    """What steps give at their end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast(T, end.value)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
class TestEveryDialect:
    def test_a_request_is_read_alike_in_steps_and_in_one_go(self, dialect: Dialect) -> None:
        body = json.dumps({"model": "m", **ASKED[dialect.name]}).encode()
        steps = dialect.read(body, 1000)
        read = run(steps)
        assert read == parsed(dialect)
        assert isinstance(read.request, ModelRequest)
        assert (read.request.model, read.refusal) == ("m", None)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"model": 5}', b'{"model": "m"}', b"[" * 5000])
    def test_what_is_no_request_is_refused_as_the_clients_fault(self, dialect: Dialect, body: bytes) -> None:
        with pytest.raises(GatewayError) as refused:
            dialect.parse(body)
        assert refused.value.status == 400

    def test_a_stream_keeps_alive(self, dialect: Dialect) -> None:
        stream = encoder(dialect, stream=True)
        assert (stream.streaming, stream.content_type, stream.keepalive) == (True, EVENT_STREAM, KEEPALIVE)

    def test_a_stream_says_the_same_however_its_events_come(self, dialect: Dialect) -> None:
        one, many = encoder(dialect, stream=True), encoder(dialect, stream=True)
        assert one.encode(SAID) == b"".join(many.encode([event]) for event in SAID)

    def test_a_whole_answer_comes_with_its_end_alone(self, dialect: Dialect) -> None:
        whole = encoder(dialect, stream=False)
        assert (whole.streaming, whole.content_type, whole.keepalive) == (False, JSON, b"")
        assert whole.encode(SAID[:-1]) == b""
        if dialect.name == "passed_on":  # an answer is the API's own, or there is none
            return
        told = json.loads(whole.encode(SAID[-1:]))
        if dialect.name != "messages":
            assert (told.get("created", told.get("created_at")), told["usage"]["total_tokens"]) == (1_790_000_000, 3)

    def test_an_answer_that_fails_is_no_answer_that_ended(self, dialect: Dialect) -> None:
        broken = GatewayError(502, "It broke.", code="upstream_eof")
        stream = encoder(dialect, stream=True)
        stream.encode([Text("Hel")])
        last = stream.error(broken)
        assert b"It broke." in last
        assert encoder(dialect, stream=False).error(broken) == b""
        assert dialect.transcript.error_of(last.decode()) in ENDED

    def test_an_error_has_its_status_and_the_envelope_it_describes(self, dialect: Dialect) -> None:
        answer = dialect.error(GatewayError(429, "Slow down.", code="slow", retry_after_s=7))
        assert (answer.status_code, answer.headers["content-type"], answer.headers["retry-after"]) == (429, JSON, "7")
        assert answer.content is not None
        assert json.loads(answer.content)["error"]["message"] == "Slow down."

    def test_ids_of_answers_are_told_apart_by_their_requests(self, dialect: Dialect) -> None:
        assert dialect.answer_id("req_1") != dialect.answer_id("req_2")
        assert len(dialect.answer_id("req_1")) > 2

    def test_its_first_route_asks_a_model(self, dialect: Dialect) -> None:
        assert dialect.routes[0].local is None


@pytest.mark.parametrize("dialect", OF_WORDS, ids=lambda dialect: dialect.name)
class TestADialectOfWords:
    def test_a_stream_speaks_as_it_goes(self, dialect: Dialect) -> None:
        stream = encoder(dialect, stream=True)
        assert b"Hel" in stream.encode([Text("Hel")])
        last = stream.encode([Finish("stop")]).decode().split("\n\n")[-2]
        assert last.removeprefix("event: ").startswith(("data: [DONE]", "message_stop\n", "response.completed\n"))

    def test_a_whole_answer_says_whose_it_is(self, dialect: Dialect) -> None:
        told = json.loads(encoder(dialect, stream=False).encode(SAID))
        assert (told["id"], told["model"]) == ("id-1", "m")
