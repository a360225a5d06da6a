"""A client's HTTP/1 connection without I/O: what it says of requests, what it sends of answers, and how it ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons.stream.client_events import Data, Head
from addons.stream.client_http1 import (
    BLANK_BYTES,
    PIPELINED_BYTES,
    UNREAD_BYTES,
)
from addons.stream.connection_end import Closing
from addons.stream.deps import ClientLimits
from addons.stream.request_head import HEAD_BYTES
from tests.support.client_talk import CHUNKED, Talk, streamed, whole
from tests.support.http1 import END, chunk, status_of

GET = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
FIVE = POST + b"content-length: 5\r\n\r\n"
IN_CHUNKS = POST + b"transfer-encoding: chunked\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
ASKED = "head POST /v1/chat/completions"


def silent() -> None:
    """Leaves the answer to the test."""


def talk_of(raw: bytes) -> Talk:
    talk = Talk(silent)
    talk.sends(raw)
    return talk


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


# -- more than is kept ------------------------------------------------------------------------------------------------
def test_who_sends_too_much_in_advance_gets_this_answer_and_no_other() -> None:
    talk = talk_of(GET)
    for _ in range(PIPELINED_BYTES // 4096):
        talk.sends(b"x" * 4096)
    assert len(talk.http._buf) == PIPELINED_BYTES
    talk.sends(GET, GET)
    assert not talk.http._buf
    talk.answer(whole(), [b"hello"])
    talk.ask()
    assert (talk.output, talk.closing()) == (ANSWER, Closing.HALF)
    assert len(talk.said) == 2


def test_who_has_the_whole_answer_is_read_no_more_instead() -> None:
    talk = Talk(silent)
    talk.sends(GET)
    talk.http.send_head(whole())
    talk.http.send_data(b"hello")
    said: list[bool] = []
    for _ in range(PIPELINED_BYTES // 4096):
        talk.sends(b"x" * 4096)
        said.append(talk.http.is_far_ahead)
    assert not any(said)
    talk.sends(b"x")
    said.append(talk.http.is_far_ahead)
    assert len(talk.http._buf) == PIPELINED_BYTES + 1
    talk.http.send_end()
    assert (said[-1], talk.http.is_far_ahead) == (True, False)
    assert talk.closing() is Closing.OPEN


# -- an answer that is not read ---------------------------------------------------------------------------------------
def unread(size: int, **fields: str) -> Talk:
    """A client that has been given an answer of so many bytes, and has read none of it."""
    talk = Talk(silent, ClientLimits(stall_s=10))
    talk.sends(GET)
    talk.answer(http.Response.make(200, b"", {"content-length": str(size), **fields}), [b"x" * size])
    talk.unsent = size
    return talk


@pytest.mark.parametrize("fields", [{}, {"connection": "close"}], ids=str)
def test_who_does_not_read_the_end_of_an_answer_is_given_up(fields: dict[str, str]) -> None:
    talk = unread(UNREAD_BYTES + 1, **fields)
    said = [talk.closing()]
    for seconds, reads in ((9.9, 0), (0.1, 1000), (9.9, 0), (0.1, 0)):
        talk.unsent -= reads
        talk.tick(seconds)
        said.append(talk.closing())
    assert said == [Closing.CLOSED if fields else Closing.OPEN] * 4 + [Closing.ABORTED]
    assert not talk.watch


def test_who_has_read_all_is_let_alone() -> None:
    for talk in (unread(UNREAD_BYTES), unread(UNREAD_BYTES + 1)):
        talk.unsent = 0
        talk.tick(10)
        talk.tick(1000)
        assert talk.closing() is Closing.OPEN
        assert not talk.watch


def test_the_next_request_of_who_has_not_read_all_is_waited_for_as_any_other() -> None:
    talk = unread(UNREAD_BYTES + 1)
    talk.sends(GET[:10])
    talk.tick(29)
    waits = talk.closing()
    talk.sends(GET[10:])
    talk.tick(1000)
    assert (waits, talk.closing(), len(talk.said)) == (Closing.OPEN, Closing.OPEN, 4)
    assert not talk.watch


def test_nothing_is_looked_after_of_who_has_gone() -> None:
    talk = unread(UNREAD_BYTES + 1)
    assert talk.watch
    talk.http.closed(is_gone=True)
    talk.ask()
    assert not talk.watch


# -- a client that leaves ---------------------------------------------------------------------------------------------
_WHY = "HTTP/1 protocol error: peer closed connection without sending complete message body"


@pytest.mark.parametrize(
    ("raw", "last"),
    [
        (b"", None),
        (b"GET /v1/mo", None),
        (GET, "left Client disconnected."),
        (GET + GET, "left Client disconnected."),
        (FIVE, f"left {_WHY} (received 0 bytes, expected 5)"),
        (FIVE + b"he", f"left {_WHY} (received 2 bytes, expected 5)"),
        (IN_CHUNKS + chunk(b"he"), f"left {_WHY} (chunked)"),
        (IN_CHUNKS + b"none\r\n", f"left {_WHY} (chunked)"),
    ],
    ids=str,
)
def test_a_client_that_leaves(raw: bytes, last: str | None) -> None:
    talk = talk_of(raw)
    before = len(talk.said)
    talk.leaves()
    assert talk.course[before and -1 :] == [last] * (last is not None)
    assert (talk.closing(), talk.output) == (Closing.CLOSED, b"")
    assert not talk.watch
    talk.answer(whole(), [b"hello"])
    assert talk.output == b"", "there is nobody to be answered"
    talk.ask()
    assert len(talk.said) == before + (last is not None)


def test_a_client_that_leaves_is_not_watched_for_the_rest_of_its_head() -> None:
    talk = talk_of(b"GET /")
    talk.http.ending = True
    talk.tick(0)
    talk.leaves()
    assert talk.tracker.said == ["spoke"]


def test_that_it_left_is_told_behind_all_that_it_has_sent() -> None:
    talk = Talk(silent)
    talk.http.receive(FIVE + b"hello")
    talk.http.closed()
    talk.ask()
    assert talk.course == [ASKED, "data b'hello'", "end", "left Client disconnected."]


# -- time -------------------------------------------------------------------------------------------------------------
def test_a_head_that_does_not_come_in_time_is_refused() -> None:
    talk = talk_of(b"GET /v1/mo")
    assert talk.tracker.said == ["spoke"]
    talk.tick(29)
    talk.sends(b"de")
    assert talk.output == b""
    talk.tick(1)
    assert status_of(talk.output) == 408
    assert [(head.method, head.path) for head in talk.told] == [("GET", "/v1/mode")]
    assert talk.closing() is Closing.HALF


def test_a_head_that_comes_in_time_is_watched_no_more() -> None:
    talk = talk_of(GET[:9])
    talk.tick(29)
    assert talk.watch == {talk.http}
    talk.sends(GET[9:])
    assert not talk.watch
    talk.answer(whole(), [b"hello"])
    talk.ask()
    assert not talk.watch


def test_a_head_that_began_behind_another_request_has_its_time_from_when_it_is_read() -> None:
    talk = talk_of(GET + GET[:9])
    assert not talk.watch
    talk.tick(100)
    talk.answer(whole(), [b"hello"])
    talk.ask()
    talk.tick(29)
    assert talk.closing() is Closing.OPEN
    talk.tick(1)
    assert talk.output[len(ANSWER) :].startswith(b"HTTP/1.1 408")


def test_blank_lines_and_nothing_behind_them_are_closed_without_a_word() -> None:
    talk = talk_of(b"\r\n")
    talk.tick(30)
    assert (talk.closing(), talk.output, talk.told) == (Closing.CLOSED, b"", [])
    assert not talk.watch


# -- answers that break off -------------------------------------------------------------------------------------------
def test_an_answer_that_breaks_off_before_its_head_is_an_error() -> None:
    talk = talk_of(GET + GET)
    talk.http.break_off(502, "the answer breaks off")
    talk.write()
    assert status_of(talk.output) == 502
    assert talk.output.endswith(b"bad_http_request: the answer breaks off")
    assert [(head.method, head.path) for head in talk.told] == [("", "")], "not the request behind it"
    assert talk.closing() is Closing.HALF


@pytest.mark.parametrize(("begun", "status"), [(True, 502), (True, None), (False, None)])
def test_one_that_has_begun_or_is_killed_ends_with_its_connection(begun: bool, status: int | None) -> None:
    talk = talk_of(GET)
    if begun:
        talk.http.send_head(streamed(**CHUNKED))
        talk.http.take_output()
    talk.http.break_off(status, "killed")
    assert talk.closing() is Closing.CLOSED
    assert talk.http.take_output() == b""


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
