"""An exchange that is sent again: its figures are its own, the run before stays beside it, and the log tells of it."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import taddons, tflow

import addons.app.replayer as replayer
from addons.app.replayer import Replayer
from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.errors import GatewayError
from addons.exchange.request_log import RequestLog
from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.flow_places import FlowPlaces
from addons.inspect.summary import summary_line
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.steps import Answer
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
OLD = Annotation(
    "req_1",
    provider="p",
    account="a",
    model="m",
    attempt=2,
    most=3,
    outcome="ok",
    first_token_ms=7777,
    total_ms=8888,
    prompt_tokens=555,
    completion_tokens=666,
    stream=True,
    client_request=json.dumps(ASKED),
    delivered="data: old\n\n",
    arrivals=((7.0, 3),),
)


def pieces(*words: str) -> list[bytes]:
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage})
    return [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]


class House:
    """The running parts that a replay asks for. Each piece of an answer takes 100 ms."""

    def __init__(self, *answers: Sequence[bytes] | ProviderError | Answer) -> None:
        self.answers = list(answers)
        self.now_s = 50.0
        self.shown: list[http.HTTPFlow] = []
        self.replayer = Replayer(
            FlowPlaces(lambda: b"k" * 32), self.shown.append, RequestLog().ended, lambda: self.now_s
        )
        self.running: Any = SimpleNamespace(
            providers={"p": OpenAICompatible("p", OpenAIOptions(base_url="https://x.example/v1", models={"m": "m"}))},
            pool=SimpleNamespace(find=lambda *names: object(), renewal=SimpleNamespace(session=self.session)),
            steps=SimpleNamespace(send=self.send),
            cleaner=Cleaner.knowing([KnownSecret(KEY, "api_key", "p", "a")]),
        )

    async def session(self, account: object) -> object:
        self.now_s += 20  # a renewal is no part of the exchange
        return object()

    async def send(self, provider: object, call: object, session: object, arrived: Any) -> Answer:
        answer = self.answers.pop(0)
        if isinstance(answer, ProviderError):
            raise answer
        if isinstance(answer, Answer):
            return answer
        for piece in answer:
            self.now_s += 0.1
            arrived(len(piece))
        return Answer(200, {"content-type": "text/event-stream"}, b"".join(answer), ())

    def again(self, flow: http.HTTPFlow) -> None:
        """As mitmproxy's replay button does it."""
        flow.backup()
        flow.is_replay = "request"
        flow.response = None
        flow.error = None
        asyncio.run(self.replayer.replay(flow, self.running))


@pytest.fixture
def flow() -> Iterator[http.HTTPFlow]:
    old = http.Response.make(200, b"data: old\n\n", {"content-type": "text/event-stream"})
    request = http.Request.make("POST", "https://x.example/v1/chat/completions", json.dumps(ASKED).encode())
    flow = tflow.tflow(req=request, resp=old)
    OLD.put_on(flow)
    flow.comment = summary_line(OLD)
    with taddons_context():
        yield flow


class taddons_context:
    def __enter__(self) -> None:
        async def made() -> Any:
            return taddons.context()

        self._context = asyncio.run(made())
        self._context.__enter__()

    def __exit__(self, *exc: object) -> None:
        self._context.__exit__(*exc)


def test_the_figures_are_the_new_runs_own(flow: http.HTTPFlow, caplog: pytest.LogCaptureFixture) -> None:
    house = House(pieces("", "Hel", "lo"))
    with caplog.at_level(logging.INFO, "glassgate"):
        house.again(flow)
    annotation = annotation_of(flow)
    assert annotation is not None
    assert (annotation.outcome, annotation.first_token_ms, annotation.total_ms) == ("replayed", 200, 500)
    assert (annotation.prompt_tokens, annotation.completion_tokens, annotation.error) == (3, 4, "")
    assert [round(at, 6) for at, _ in annotation.arrivals] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert "Hel" in annotation.delivered
    for old in ("7777", "8888", "666"):
        assert old not in flow.comment + repr(flow.metadata["glassgate"])
    assert "replayed" in flow.comment
    (line,) = [record.getMessage() for record in caplog.records if record.name == "glassgate.request"]
    assert line == (
        "req_1 inspector - POST /v1/chat/completions m -> p/a 200 replayed attempts=1 first=200ms total=500ms"
        " tokens=3+4"
    )


def test_no_secret_of_the_answer_is_kept(flow: http.HTTPFlow) -> None:
    House(pieces("Hel", f"lo {KEY}")).again(flow)
    assert flow.response
    assert b"lo ~sealed~p~a~api_key~" in (flow.response.raw_content or b"")
    assert KEY not in repr(flow.get_state())


def test_the_runs_before_stand_beside_it_in_their_order(flow: http.HTTPFlow) -> None:
    house = House(pieces("one"), pieces("two"), pieces("three"))
    for _ in range(3):
        house.again(flow)
    bodies = [shown.response.raw_content for shown in house.shown if shown.response]
    assert [b"old" in (bodies[0] or b""), b"one" in (bodies[1] or b""), b"two" in (bodies[2] or b"")] == [True] * 3
    assert flow.response
    assert b"three" in (flow.response.raw_content or b"")
    first, second, third = house.shown
    assert first.timestamp_created < second.timestamp_created < third.timestamp_created < flow.timestamp_created
    assert len({shown.id for shown in (*house.shown, flow)}) == 4
    notes = [annotation_of(shown) for shown in house.shown]
    assert [(annotation.followed, annotation.outcome) for annotation in notes if annotation] == [
        (True, "ok"),
        (True, "replayed"),
        (True, "replayed"),
    ]
    assert notes[0] is not None
    assert (notes[0].first_token_ms, notes[0].delivered) == (7777, "data: old\n\n")
    assert all(shown.marked == ":arrow_right_hook:" and not shown.live for shown in house.shown)
    own = annotation_of(flow)
    assert own is not None
    assert not own.followed


def test_what_was_edited_before_it_was_sent_again_stands_in_the_new_run_alone(flow: http.HTTPFlow) -> None:
    house = House(pieces("one"))
    flow.backup()  # as mitmweb does when somebody edits
    flow.request.content = b'{"edited": 1}'
    house.again(flow)
    (before,) = house.shown
    assert json.loads(before.request.content or b"") == ASKED
    assert flow.request.content == b'{"edited": 1}'


def test_revert_brings_the_first_run_back_with_its_note(flow: http.HTTPFlow) -> None:
    house = House(pieces("one"), pieces("two"))
    house.again(flow)
    house.again(flow)
    flow.revert()
    assert flow.response
    assert flow.response.raw_content == b"data: old\n\n"
    assert (annotation_of(flow), flow.comment) == (OLD, summary_line(OLD))


def test_a_refusal_is_a_failure_that_says_it_was_a_replay(
    flow: http.HTTPFlow, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = json.dumps({"error": {"message": "Too fast.", "code": "rate_limit_exceeded"}}).encode()
    house = House(Answer(429, {"content-type": "application/json"}, refusal, ()))
    with caplog.at_level(logging.INFO, "glassgate"):
        house.again(flow)
    annotation = annotation_of(flow)
    assert annotation is not None
    assert (annotation.outcome, annotation.completion_tokens, annotation.first_token_ms) == ("failed", None, None)
    assert annotation.error.startswith("replayed: ")
    assert "Too fast" in annotation.error
    assert flow.marked == ":warning:"
    assert any("429 failed" in record.getMessage() for record in caplog.records)
    assert len(house.shown) == 1


def test_a_provider_out_of_reach_is_told_in_the_log(flow: http.HTTPFlow, caplog: pytest.LogCaptureFixture) -> None:
    house = House(ProviderError(ErrorKind.PROVIDER_DOWN, "p cannot be reached."))
    with caplog.at_level(logging.INFO, "glassgate"), pytest.raises(GatewayError, match="cannot be reached"):
        house.again(flow)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "glassgate.request"]
    assert " failed attempts=1 total=0ms error=" in line
    assert annotation_of(flow) == OLD


def test_a_request_that_was_not_kept_is_sent_again_without_being_read(flow: http.HTTPFlow) -> None:
    Annotation("req_1", provider="p", account="a", model="m", outcome="ok").put_on(flow)
    house = House(pieces("one"))
    house.again(flow)
    annotation = annotation_of(flow)
    assert annotation is not None
    assert (annotation.outcome, annotation.delivered, annotation.total_ms) == ("replayed", "", 300)


def test_a_preparing_call_stays_one(flow: http.HTTPFlow, caplog: pytest.LogCaptureFixture) -> None:
    step = Annotation("-", part="step", provider="p", account="a", call="GET /v1/models", outcome="ok", total_ms=8888)
    step.put_on(flow)
    flow.comment = summary_line(step)
    house = House(Answer(200, {"content-type": "application/json"}, b"{}", ()))
    with caplog.at_level(logging.INFO, "glassgate"):
        house.again(flow)
    annotation = annotation_of(flow)
    assert annotation is not None
    assert (annotation.part, annotation.call, annotation.total_ms, annotation.outcome) == (
        "step",
        "GET /v1/models",
        0,
        "replayed",
    )
    assert "p/a: GET /v1/models 0 ms" in flow.comment
    assert [(before.comment, before.marked) for before in house.shown] == [(summary_line(step), ":gear:")]
    (line,) = [record.getMessage() for record in caplog.records if record.name == "glassgate.request"]
    assert line == "- inspector - POST /v1/chat/completions 200 replayed attempts=1 total=0ms"


def test_an_answer_is_read_beside_the_loop(flow: http.HTTPFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    read = replayer._read

    def noted(*arguments: Any) -> Any:
        threads.append(threading.get_ident())
        return read(*arguments)

    monkeypatch.setattr(replayer, "_read", noted)
    House(pieces("one")).again(flow)
    assert threads
    assert threading.get_ident() not in threads


def test_a_secret_is_hidden_where_its_pieces_are_put_together(flow: http.HTTPFlow) -> None:
    """A client that wants a whole answer gets in one what came in pieces too short to be hidden."""
    annotation = replace(OLD, stream=False, client_request=json.dumps({**ASKED, "stream": False}))
    annotation.put_on(flow)
    House(pieces(*(KEY[at : at + 5] for at in range(0, len(KEY), 5)))).again(flow)
    again = annotation_of(flow)
    assert again is not None
    assert "~sealed~p~a~api_key~" in again.delivered
    assert KEY not in repr(flow.get_state())
