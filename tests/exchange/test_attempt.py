"""An attempt as the stream layer has it, without a connection."""

import dataclasses
from collections.abc import Callable

import pytest
from mitmproxy import http
from mitmproxy.http import Headers

from addons.errors import GatewayError
from addons.exchange.answer_reader import AnswerReader
from addons.exchange.attempt import Attempt
from addons.stream.port import Fault, State
from providers.contract.errors import ErrorKind, ProviderError
from tests.support.attempts import attempt_of
from tests.support.hostile import DONE, chunk


def test_each_piece_that_goes_out_is_noted_with_its_time_and_length() -> None:
    attempt = attempt_of()
    attempt.head(http.Response.make(200, b"", {"content-type": "text/event-stream"}))
    pieces = (chunk("a"), chunk("b") + chunk("c"), b": a comment, of which the client is sent nothing\n\n", DONE)
    out = [attempt.data(piece) for piece in pieces]
    deliveries = attempt.report.deliveries.pieces()
    assert [length for _, length in deliveries] == [len(piece) for piece in out if piece]
    assert sum(length for _, length in deliveries) == len(attempt.delivered)
    assert [at for at, _ in deliveries] == sorted(at for at, _ in deliveries)


HEAD = {"content-type": "text/event-stream"}


def begun() -> Attempt:
    attempt = attempt_of()
    attempt.head(http.Response.make(200, b"", HEAD))
    return attempt


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault.CONNECT, ErrorKind.PROVIDER_DOWN, "refused"),
        (Fault.CONNECT_TIMEOUT, ErrorKind.PROVIDER_DOWN, ""),
        (Fault.FIRST_TOKEN_TIMEOUT, ErrorKind.PROVIDER_DOWN, "did not begin to answer in time"),
        (Fault.CLOSED, ErrorKind.PROVIDER_DOWN, "closed the connection before its answer was complete"),
    ],
)
def test_a_fault_before_the_first_word(fault: Fault, kind: ErrorKind, words: str) -> None:
    attempt = attempt_of()
    attempt.fault(fault, "refused")
    attempt.fault(Fault.PROTOCOL, "the first counts")
    error = attempt.report.error
    assert error is not None
    assert (attempt.reader.state, attempt.report.fault, error.kind) == (State.FAILED, fault, kind)
    assert words in error.message


def test_who_was_silent_for_so_long_may_be_at_work_on_it() -> None:
    silent, closed = attempt_of(), attempt_of()
    silent.fault(Fault.FIRST_TOKEN_TIMEOUT, "no word")
    closed.fault(Fault.CONNECT, "refused")
    assert (silent.report.accepted, closed.report.accepted) == (True, False)


def test_an_answer_that_breaks_off_ends_with_an_error_for_the_client() -> None:
    attempt = begun()
    attempt.data(chunk("Hel"))
    attempt.fault(Fault.CLOSED, "reset")
    error = attempt.report.error
    assert error is not None
    assert error.kind is ErrorKind.INCOMPLETE
    last = attempt.final_error_bytes()
    assert b"closed the connection before its answer was complete" in last
    assert attempt.delivered.endswith(last)


def test_what_the_gateway_ends_itself_is_told_in_its_own_words() -> None:
    attempt = begun()
    attempt.data(chunk("Hel"))
    attempt.last_error = GatewayError(503, "the gateway is shutting down", code="shutting_down")
    attempt.fault(Fault.STOPPED, "ended")
    assert attempt.broken_off() is attempt.last_error
    assert b"the gateway is shutting down" in attempt.final_error_bytes()


def test_a_decoder_that_raises_ends_its_stream_and_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: AnswerReader, piece: bytes) -> bytes:
        raise RuntimeError("a bug")

    attempt = begun()
    monkeypatch.setattr(AnswerReader, "feed", fails)
    assert attempt.data(chunk("a")) == b""
    assert (attempt.reader.state, attempt.report.fault) == (State.FAILED, Fault.INTERNAL)
    assert "a fault of the gateway" in caplog.text


def test_a_head_that_cannot_be_cleaned_stands_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: AnswerReader, status: int, headers: object) -> None:
        raise RuntimeError("a bug")

    attempt = attempt_of()
    monkeypatch.setattr(AnswerReader, "head", fails)
    response = http.Response.make(200, b"", {"x-said": "a secret"})
    attempt.head(response)
    assert len(response.headers) == 0
    assert attempt.report.fault is Fault.INTERNAL


def test_what_was_cleaned_for_the_eyes_goes_out_as_it_was_built() -> None:
    attempt = attempt_of()
    attempt.built = http.Request.make("POST", "https://p.invalid/say/secret", b"", Headers(x_a="secret", x_b="b"))
    shown = http.Request.make("POST", "https://p.invalid/say/~", b"", Headers(x_a="~", x_b="b"))
    attempt.shows(shown)
    attempt.shows_body(b"a ~ in it", b"a secret in it")
    shown.data.content = b"a ~ in it"
    shown.headers["x-b"] = "edited by a person"
    sent = attempt.wire_request(shown)
    assert sent is not None
    assert (sent.path, sent.headers["x-a"], sent.headers["x-b"]) == ("/say/secret", "secret", "edited by a person")
    assert sent.content == b"a secret in it"
    assert attempt.body_as_built(b"edited") == b"edited"


# -- what is kept of it -----------------------------------------------------------------------------------------------
def kept_up_to(limit: int, clock: Callable[[], float] = lambda: 0.0) -> Attempt:
    attempt = attempt_of(clock=clock)
    attempt.spec = dataclasses.replace(attempt.spec, record_limit_bytes=limit)
    return attempt


@pytest.mark.parametrize(
    ("limit", "kept", "cut"),
    [
        (13, b"one two three", False),
        (12, b"one two thre", True),
        (8, b"one two ", True),
        (5, b"one t", True),
        (0, b"", True),
    ],
)
def test_bodies_are_kept_up_to_a_limit(limit: int, kept: bytes, cut: bool) -> None:
    attempt = kept_up_to(limit)
    for piece in (b"one ", b"two ", b"", b"three"):
        attempt._record(piece)
        assert attempt._hand_over(piece) == piece, "it goes to the client all the same"
    assert (attempt.body, attempt.delivered) == (kept, kept)
    assert (attempt.report.cut, attempt.report.received_bytes) == (cut, 13)


def test_pieces_are_timed_from_the_attempts_beginning() -> None:
    now = 5.0
    attempt = kept_up_to(100, lambda: now)
    now = 7.5
    attempt._record(b"one ")
    now = 9.0
    attempt._hand_over(b"one")
    assert attempt.report.arrivals.pieces() == [(2.5, 4)]
    assert attempt.report.deliveries.pieces() == [(4.0, 3)]
    assert attempt.took_s == 4.0


# -- heads ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", [None, b"{}"])
def test_the_head_of_an_answer_for_the_client(body: bytes | None) -> None:
    attempt = attempt_of()
    assert not attempt.begun
    head = attempt.response_head(body)
    assert (head.status_code, head.content, attempt.begun) == (200, body or b"", True)
    assert ("content-length" in head.headers) is (body is not None)
    assert ("no-transform" in head.headers.get("cache-control", "")) is (body is None)


@pytest.mark.parametrize(("coding", "shown"), [("gzip", None), ("x-unknown", "x-unknown")])
def test_what_is_kept_unpacked_does_not_say_that_it_is_packed(coding: str, shown: str | None) -> None:
    attempt = attempt_of()
    response = http.Response.make(200, b"", HEAD)
    response.headers["content-encoding"] = coding
    attempt.head(response)
    assert response.headers.get("content-encoding") == shown


def test_cookies_that_a_head_hands_out_are_secrets_from_then_on() -> None:
    attempt = attempt_of()
    before = attempt.cleaner
    response = http.Response.make(200, b"", HEAD | {"set-cookie": "token=canary-0123456789abcdef; Path=/"})
    attempt.head(response)
    assert "canary-0123456789abcdef" in "".join(attempt.report.set_cookies)
    assert attempt.cleaner is not before
    assert "canary-0123456789abcdef" not in attempt.cleaner.text("a canary-0123456789abcdef b")
    assert begun().cleaner is not attempt.cleaner
    plain = attempt_of()
    was = plain.cleaner
    plain.head(http.Response.make(200, b"", HEAD))
    assert (plain.report.set_cookies, plain.cleaner) == ((), was)


# -- failures ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("fault", "kind"), [(Fault.CLOSED, ErrorKind.QUOTA), (Fault.INTERNAL, None)])
def test_what_the_provider_said_itself_counts_for_more_but_where_we_failed(
    fault: Fault, kind: ErrorKind | None
) -> None:
    attempt = begun()
    attempt.data(b'data: {"error":{"message":"quota","code":"insufficient_quota"}}')
    attempt.fault(fault, "x")
    assert attempt.report.error is not None
    assert attempt.report.error.kind is (kind or ErrorKind.PROVIDER_DOWN)
    assert ("a bug of the gateway" in attempt.report.error.message) is (kind is None)


@pytest.mark.parametrize(
    ("content", "refused"),
    [(b'{"tools": [], "stop": 1}', {"tools", "stop"}), (b'{"tools": []}', {"tools"}), (b"", set()), (None, set())],
)
def test_only_what_a_request_had_was_refused_in_it(content: bytes | None, refused: set[str]) -> None:
    attempt = begun()
    if content is not None:
        attempt.built = http.Request.make("POST", "http://127.0.0.1/", content)
    error = ProviderError(ErrorKind.PROVIDER_DOWN, "no")
    error.refused = frozenset({"tools", "stop"})
    attempt.reader.failed(error)
    assert attempt.report.error is not None
    assert attempt.report.error.refused == refused
