"""How a client's HTTP/1 connection ends: too much, too late, unread, left, broken off; without I/O."""

import pytest
from mitmproxy import http

from addons.stream.client_http1 import (
    PIPELINED_BYTES,
    UNREAD_BYTES,
)
from addons.stream.connection_end import Closing
from addons.stream.deps import ClientLimits
from tests.support.client_talk import (
    ANSWER,
    CHUNKED,
    FIVE,
    GET,
    IN_CHUNKS,
    Talk,
    silent,
    streamed,
    talk_of,
    whole,
)
from tests.support.http1 import chunk, status_of

ASKED = "head POST /v1/chat/completions"


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
