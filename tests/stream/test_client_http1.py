"""A client's HTTP/1 connection without I/O: what it says of requests, what it sends of answers."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons.stream.client_events import Data, Head
from addons.stream.client_http1 import (
    BLANK_BYTES,
)
from addons.stream.connection_end import Closing
from addons.stream.deps import ClientLimits
from addons.stream.request_head import HEAD_BYTES
from tests.support.client_talk import (
    ANSWER,
    CHUNKED,
    FIVE,
    GET,
    IN_CHUNKS,
    POST,
    Talk,
    silent,
    streamed,
    talk_of,
    whole,
)
from tests.support.http1 import END, chunk, status_of

ASKED = "head POST /v1/chat/completions"


# -- requests in ------------------------------------------------------------------------------------------------------
PIPELINED = [GET, FIVE + b"hello", b"\r\n" + IN_CHUNKS + chunk(b"one ") + chunk(b"two") + END, GET, b"\r\n"]
COURSE = [
    "head GET /v1/models ends",
    "end",
    ASKED,
    "data b'hello'",
    "end",
    ASKED,
    "data b'one two'",
    "end",
    "head GET /v1/models ends",
    "end",
]


def test_pipelined_requests_are_answered_one_after_the_other_however_they_are_cut() -> None:
    raw = b"".join(PIPELINED)
    for at in range(len(raw) + 1):
        talk = Talk()
        talk.sends(raw[:at], raw[at:])
        assert (talk.course, talk.output) == (COURSE, 4 * ANSWER), at
        assert talk.closing() is Closing.OPEN


def test_they_are_the_same_byte_by_byte() -> None:
    talk = Talk()
    talk.sends(*(bytes([byte]) for byte in b"".join(PIPELINED)))
    assert (talk.course, talk.output) == (COURSE, 4 * ANSWER)


def test_a_request_waits_until_the_one_before_has_its_answer() -> None:
    talk = talk_of(b"".join(PIPELINED))
    for answered in range(1, 5):
        assert sum(isinstance(event, Head) for event in talk.said) == answered
        assert not talk.http.is_between_requests
        talk.answer(whole(), [b"hello"])
        talk.ask()
    assert talk.http.is_between_requests
    assert talk.course == COURSE


def test_a_body_comes_piece_by_piece() -> None:
    talk = talk_of(FIVE)
    talk.sends(b"he", b"llo")
    assert [event.data for event in talk.said if isinstance(event, Data)] == [b"he", b"llo"]


def test_a_body_that_came_with_its_head_is_one_piece_and_no_byte_of_the_next_request() -> None:
    talk = talk_of(FIVE + b"hello" + FIVE + b"wor")
    assert [event.data for event in talk.said if isinstance(event, Data)] == [b"hello"]
    talk.answer(whole(), [b"hello"])
    talk.ask()
    talk.sends(b"ld")
    assert [event.data for event in talk.said if isinstance(event, Data)] == [b"hello", b"wor", b"ld"]


def test_a_body_with_its_head_is_no_way_around_the_bounds() -> None:
    talk = Talk(silent, ClientLimits(body_bytes=10, upload_bytes=20))
    talk.sends(POST + b"content-length: 99999\r\n\r\n" + b"x" * 99_999)
    assert talk.course[-1].startswith("refused 413")


def test_the_credentials_of_a_head_are_taken_off_and_kept_for_the_gate() -> None:
    talk = talk_of(GET.replace(b"host", b"authorization: Bearer opaque0123456789\r\nhost"))
    (head, _) = talk.said
    assert isinstance(head, Head)
    assert [*head.request.headers] == ["host"]
    assert talk.deps.credentials.take(head.request) == {"authorization": "Bearer opaque0123456789"}


def test_busy_and_idle_are_told_of_each_request() -> None:
    talk = talk_of(GET)
    assert talk.tracker.said == ["spoke", "busy"]
    talk.answer(whole(), [b"hello"])
    assert talk.tracker.said == ["spoke", "busy", "idle"]


# -- refused heads ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("raw", "status", "told"),
    [
        (b"\x16\x03\x01\r\n\r\n", 400, ("", "")),
        (b"GET /v1/models HTTP/2.0\r\n\r\n", 400, ("GET", "/v1/models")),
        (b"GET /v1/models?key=1 HTTP/1.1\r\nnone\r\n\r\n", 400, ("GET", "/v1/models")),
        (b"CONNECT x:443 HTTP/1.1\r\n\r\n", 400, ("", "")),
        (POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400, ("POST", "/v1/chat/completions")),
        (POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\n", 400, ("POST", "/v1/chat/completions")),
        (POST + b"content-length: five\r\n\r\n", 400, ("POST", "/v1/chat/completions")),
        (POST + b"transfer-encoding: gzip\r\n\r\n", 400, ("POST", "/v1/chat/completions")),
        (POST + b"x: y\r\n" * 200 + b"\r\n", 431, ("POST", "/v1/chat/completions")),
        (POST + b"x: y\r\n" * 200, 431, ("POST", "/v1/chat/completions")),
        (POST + b"x: " + b"y" * HEAD_BYTES, 431, ("POST", "/v1/chat/completions")),
        (b"\r\n" * (BLANK_BYTES // 2 + 1), 431, ("", "")),
    ],
    ids=[
        *("no http", "version", "no field", "tunnel", "length and chunks", "two lengths", "no number", "coding"),
        *("fields", "fields without an end", "bytes", "blank lines"),
    ],
)
def test_a_head_that_is_refused_is_told_and_nothing_comes_of_it(raw: bytes, status: int, told: tuple[str, str]) -> None:
    talk = talk_of(raw)
    assert status_of(talk.output) == status
    assert b"connection: close" in talk.output
    assert talk.said == []
    assert talk.closing() is Closing.HALF
    assert [(refused.method, refused.path, refused.error.status) for refused in talk.told] == [(*told, status)]
    assert not talk.http.is_between_requests
    talk.sends(GET)
    assert talk.said == []


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n" * (BLANK_BYTES // 2) + GET,
        GET.replace(b"host: x\r\n", b"x: y\r\n" * 100),
        GET.replace(b"\r\n", b"\n"),
        GET.replace(b"x\r\n", b"x\r\nx: " + b"y" * (HEAD_BYTES - len(GET) - 5) + b"\r\n"),
    ],
    ids=["blank lines", "fields", "bare line ends", "bytes"],
)
def test_what_is_just_within_the_bounds_of_a_head_is_read(raw: bytes) -> None:
    for pieces in ([raw], [raw[:-1], raw[-1:]]):
        talk = Talk()
        talk.sends(*pieces)
        assert talk.course == COURSE[:2]


@pytest.mark.parametrize(("peer", "refused"), [("192.0.2.7", True), ("127.0.0.1", False)])
def test_where_tls_is_wanted_plain_http_is_for_this_machine_alone(peer: str, refused: bool) -> None:
    talk = Talk(peer=peer, wants_tls=True)
    talk.sends(GET)
    assert (b"https_required" in talk.output) is refused
    assert [head.error.code for head in talk.told] == ["https_required"] * refused


# -- bodies that cannot be read on ------------------------------------------------------------------------------------
def test_a_malformed_body_is_refused_and_the_rest_dropped_until_the_answer_ends() -> None:
    talk = talk_of(IN_CHUNKS + chunk(b"one") + b"none\r\n" + GET)
    assert talk.course == [
        ASKED,
        "data b'one'",
        "refused 400 the request's body is malformed: the line of a chunk is malformed",
    ]
    talk.sends(GET, b"x" * 5000)
    assert len(talk.said) == 3
    talk.answer(whole(), [b"hello"])
    assert talk.output == ANSWER.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    assert talk.closing() is Closing.HALF


def test_a_body_that_is_longer_than_any_may_be_is_refused() -> None:
    talk = Talk(silent, ClientLimits(body_bytes=10, upload_bytes=20))
    talk.sends(POST + b"content-length: 999999\r\n\r\n", b"x" * 50_000)
    assert talk.course[-1].startswith("data")
    talk.sends(b"x" * 50_000)
    assert talk.course[-1].startswith("refused 413 the request body is larger than the limit")


# -- answers out ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("request_head", "answer", "pieces", "sent", "closing"),
    [
        (GET, whole(), [b"hello"], ANSWER, Closing.OPEN),
        (GET, whole(), [b"he", b"llo"], ANSWER, Closing.OPEN),
        (GET, streamed(**CHUNKED), [b"one", b"two"], chunk(b"one") + chunk(b"two") + END, Closing.OPEN),
        (GET, streamed(**CHUNKED), [b"one", b"", b"two"], chunk(b"one") + chunk(b"two") + END, Closing.OPEN),
        (GET, streamed(), [b"one"], b"\r\n\r\none", Closing.CLOSED),
        (GET, whole(connection="close"), [b"hello"], b"hello", Closing.CLOSED),
        (GET, http.Response.make(204), [], b"HTTP/1.1 204 No Content", Closing.OPEN),
        (GET, http.Response.make(101), [], b"HTTP/1.1 101 Switching Protocols", Closing.CLOSED),
        (GET.replace(b"GET", b"HEAD"), streamed(**CHUNKED), [], b"chunked\r\n\r\n", Closing.OPEN),
        (GET.replace(b"GET", b"HEAD"), streamed(), [], b"HTTP/1.1 200 OK\r\n\r\n", Closing.OPEN),
        (GET.replace(b"1.1", b"1.0"), whole(), [b"hello"], b"hello", Closing.CLOSED),
        (
            GET.replace(b"1.1", b"1.0").replace(b"host", b"connection: keep-alive\r\nhost"),
            whole(),
            [b"hello"],
            ANSWER,
            Closing.OPEN,
        ),
        (GET.replace(b"host", b"connection: close\r\nhost"), whole(), [b"hello"], ANSWER, Closing.CLOSED),
        (GET.replace(b"host", b"connection: x, close\r\nhost"), whole(), [b"hello"], ANSWER, Closing.CLOSED),
        (GET.replace(b"host", b"Connection: Close\r\nhost"), whole(), [b"hello"], ANSWER, Closing.CLOSED),
        (
            GET.replace(b"1.1", b"1.0").replace(b"host", b"Connection: Keep-Alive\r\nhost"),
            whole(),
            [b"hello"],
            ANSWER,
            Closing.OPEN,
        ),
        (GET, whole(connection="Close"), [b"hello"], b"hello", Closing.CLOSED),
        (GET, streamed(transfer_encoding="none"), [b"one"], b"one", Closing.OPEN),
    ],
    ids=str,
)
def test_how_an_answer_is_framed_and_what_becomes_of_its_connection(
    request_head: bytes, answer: http.Response, pieces: list[bytes], sent: bytes, closing: Closing
) -> None:
    if "content-length" in answer.headers and not answer.content:
        del answer.headers["content-length"]
    talk = talk_of(request_head)
    talk.answer(answer, pieces)
    assert sent in talk.output
    assert talk.output.endswith(sent) or not pieces
    assert talk.closing() is closing
    talk.sends(GET)
    assert sum(isinstance(event, Head) for event in talk.said) == (2 if talk.closing() is Closing.OPEN else 1)


def test_an_answer_of_http2_is_told_in_the_words_of_http1() -> None:
    answer = whole()
    answer.http_version, answer.reason = "HTTP/2.0", ""
    talk = talk_of(GET)
    talk.answer(answer, [b"hello"])
    assert talk.output == ANSWER
    assert answer.is_http2, "it stays what it was"


def test_an_interim_answer_is_none() -> None:
    talk = talk_of(FIVE)
    go_on = http.Response.make(100)
    go_on.headers.clear()
    talk.http.send_head(go_on)
    assert talk.http.take_output() == b"HTTP/1.1 100 Continue\r\n\r\n"
    talk.sends(b"hello")
    talk.answer(whole(), [b"hello"])
    assert talk.output == ANSWER
    assert talk.closing() is Closing.OPEN


def test_what_is_sent_in_one_turn_is_written_in_one_piece_and_once() -> None:
    talk = talk_of(GET)
    talk.http.send_head(whole())
    talk.http.send_data(b"hello")
    assert talk.http.take_output() == ANSWER
    assert talk.http.take_output() == b""


# -- answers before the request is whole ------------------------------------------------------------------------------


def test_an_early_answer_whose_request_is_whole_before_it_ends_closes_all_the_same() -> None:
    talk = talk_of(FIVE)
    talk.http.send_head(whole())
    talk.sends(b"hello")
    assert talk.course[-1] == "end"
    talk.http.send_end()
    assert talk.closing() is Closing.CLOSED


def test_what_has_come_counts_though_nobody_has_asked_for_it() -> None:
    for body in (FIVE + b"hello", IN_CHUNKS + chunk(b"hello") + END):
        talk = Talk()
        talk.http.receive(body + GET)
        assert isinstance(talk.http.next_event(), Head)
        talk.answer(whole(), [b"hello"])
        assert talk.output == ANSWER
        talk.ask()
        assert talk.course == COURSE[:2], "the rest of the first request is wanted by nobody"
        assert talk.output == 2 * ANSWER


# -- anything at all --------------------------------------------------------------------------------------------------
def packets(raw: bytes, cuts: list[int]) -> list[bytes]:
    return [raw[start:end] for start, end in pairwise([0, *sorted(cuts), len(raw)])]


WORDS = st.sampled_from(
    [
        *(
            b"GET / HTTP/1.1\r\n",
            b"POST /a HTTP/1.1\r\n",
            b"HEAD / HTTP/1.0\r\n",
            b"host: x\r\n",
            b"\r\n",
            b"\n",
            b"\r",
        ),
        *(b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"connection: close\r\n", b"hello", b"0\r\n"),
        *(b"5\r\nhello\r\n", b"5;x\r\n", b"\r\n\r\n", b"x: y\r\n", b"\x00", GET, FIVE, IN_CHUNKS, END),
    ]
)


@given(st.lists(WORDS | st.binary(max_size=9), max_size=12), st.data())
def test_whatever_comes_is_read_the_same_however_it_is_cut(words: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(words)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=9))
    one, other = Talk(), Talk()
    one.sends(raw)
    other.sends(*packets(raw, cuts))
    assert other.course == one.course
    assert other.output == one.output
    assert other.closing() is one.closing()
    assert [(told.path, str(told.error)) for told in other.told] == [(told.path, str(told.error)) for told in one.told]
    one.leaves()
    other.leaves()
    assert other.course == one.course
    assert one.closing() is other.closing() is Closing.CLOSED
    assert not one.watch | other.watch


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=60), st.data())
def test_any_body_in_any_chunks_and_packets_is_itself(pieces: list[bytes], data: st.DataObject) -> None:
    raw = IN_CHUNKS + b"".join(map(chunk, pieces)) + END + GET
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=9))
    talk = Talk()
    talk.sends(*packets(raw, cuts))
    assert b"".join(event.data for event in talk.said if isinstance(event, Data)) == b"".join(pieces)
    assert talk.output == 2 * ANSWER
    assert talk.http.is_between_requests


@given(st.lists(st.binary(max_size=99)))
def test_any_answer_in_chunks_is_read_back(pieces: list[bytes]) -> None:
    talk = talk_of(GET)
    talk.answer(streamed(**CHUNKED), pieces)
    assert talk.output.partition(b"\r\n\r\n")[2] == b"".join(chunk(piece) for piece in pieces if piece) + END
