"""How a client's HTTP/1 connection ends: hung up, read past within bounds, closed."""

import pytest

from addons.stream.client_http1 import (
    ClientHttp1,
)
from addons.stream.connection_end import LINGER_BYTES, LINGER_S, Closing
from tests.support.client_talk import FIVE, GET, Talk, silent, talk_of, whole


def test_an_early_answer_says_that_it_closes_and_the_client_may_read_it() -> None:
    talk = talk_of(FIVE + b"he")
    answer = whole()
    talk.http.send_head(answer)
    assert answer.headers["connection"] == "close"
    talk.http.send_data(b"hello")
    assert talk.closing() is Closing.OPEN
    talk.http.send_end()
    assert talk.closing() is Closing.HALF
    assert talk.tracker.said[-1] == "idle"
    talk.sends(b"llo" + GET)
    assert len(talk.said) == 2, "nobody is told of what comes now"
    talk.tick(LINGER_S)
    assert talk.closing() is Closing.CLOSED
    assert not talk.watch


def test_of_what_comes_behind_an_early_answer_only_so_much_is_read() -> None:
    talk = talk_of(FIVE)
    talk.answer(whole())
    talk.sends(b"x" * LINGER_BYTES)
    assert talk.closing() is Closing.HALF
    talk.sends(b"x")
    assert talk.closing() is Closing.CLOSED
    assert not talk.watch


def test_a_client_that_leaves_once_it_was_hung_up_is_closed_at_once() -> None:
    talk = talk_of(b"none\r\n\r\n")
    talk.http.closed()
    assert talk.closing() is Closing.CLOSED
    assert not talk.watch


@pytest.mark.parametrize(("raw", "closing"), [(b"GET /", Closing.OPEN), (b"none\r\n\r\n", Closing.CLOSED)])
def test_where_the_gateway_stops_only_who_lingers_is_closed(raw: bytes, closing: Closing) -> None:
    talk = talk_of(raw)
    talk.http.ending = True
    talk.tick(0)
    assert talk.closing() is closing
    assert not talk.watch


def test_whoever_owns_the_connection_is_registered_in_its_place() -> None:
    talk = Talk(silent)
    owner = ClientHttp1(talk.deps, talk.client)
    talk.http = ClientHttp1(talk.deps, talk.client, owner)
    talk.sends(b"GET /")
    assert talk.watch == {owner}
    talk.sends(b" HTTP/1.1\r\n\r\n")
    assert not talk.watch


def test_nothing_is_sent_to_who_was_hung_up() -> None:
    talk = talk_of(FIVE)
    talk.answer(whole(), [b"hello"])
    sent = talk.output
    talk.answer(whole(), [b"hello"])
    talk.http.break_off(502, "late")
    talk.write()
    assert talk.output == sent
