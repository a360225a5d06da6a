"""HTTP/1.1 on a connection to a provider: what is too much of it, and wherever its bytes are cut, the same is told."""

from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.stream.port import Fault
from addons.upstream import http1
from addons.upstream.answer_heads import INTERIM_LIMIT
from addons.upstream.events import ENDED, RECONNECTING, Body, Broken
from tests.support.door import DONE, KEY
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, chunk, status_of
from tests.support.provider_talk import Told, says
from tests.support.upstream import Wires


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 201 + b"\r\n", id="many fields"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, id="an endless line"),
        pytest.param((b"HTTP/1.1 103 Early\r\n" + b"a: b\r\n" * 30 + b"\r\n") * 7 + OK, id="interim fields"),
        pytest.param((b"HTTP/1.1 103 E\r\nx: " + b"y" * 30_000 + b"\r\n\r\n") * 3 + OK, id="interim bytes"),
        pytest.param(b"HTTP/9.9 200 OK\r\n\r\n", id="another version"),
        pytest.param(b"\r\n\r\n" + OK, id="blank lines"),
        pytest.param(b"HELLO %s\r\n\r\n" % KEY.encode(), id="no HTTP"),
        pytest.param(OK + b"5;" + b"a" * 5000, id="a chunk extension"),
        pytest.param(OK + b"0\r\nx: " + b"a" * 20_000, id="a trailer"),
        pytest.param(OK + b"%s\r\n" % KEY.encode(), id="no chunk"),
    ],
)
@pytest.mark.parametrize("size", [7, 100_000])
def test_what_is_too_much_of_a_provider_is_broken_http(raw: bytes, size: int) -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt])
    drive.post()
    for at in range(0, len(raw), size):
        if drive.servers[0] not in drive.closed:
            drive.server_sends(raw[at : at + size])
    assert attempt.faults[0][0] is Fault.PROTOCOL
    assert KEY not in attempt.faults[0][1]
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 502


def test_two_hundred_fields_of_a_provider_are_read() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + b"a: b\r\n" * 198 + b"\r\n" + DONE + END)
    assert status_of(drive.to_client) == 200


@pytest.mark.parametrize("trailer", [b"x-t: 1", b"no field at all", b"HTTP/1.1 200 OK"])
def test_trailers_of_a_provider_are_read_past(trailer: bytes) -> None:
    """Its answer is whole by then, whatever stands there. Behind what is no trailer no other request follows."""
    drive = Drive([FakeAttempt(), FakeAttempt()])
    for _ in range(2):
        drive.post()
        drive.server_sends(OK + chunk(b"word") + b"0\r\n" + trailer + b"\r\n\r\n")
    assert drive.to_client.count(b"HTTP/1.1 200") == drive.to_client.count(chunk(b"word") + END) == 2
    assert len(drive.servers) == (1 if trailer == b"x-t: 1" else 2)


def test_what_a_provider_sends_behind_its_answer_is_bounded() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + DONE)
    sent = 0
    while drive.servers[0] not in drive.closed:
        drive.server_sends(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        sent += 0x8000
    assert sent <= http1.DRAIN_BYTES + 0x8000


def test_what_nobody_asked_a_provider_for_is_not_told() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + DONE + END)
    drive.server_sends(b"EXTRA " + KEY.encode())
    assert drive.servers[0] in drive.closed
    assert KEY not in str(drive.logged)


# -- cuts ------------------------------------------------------------------------------------------------------------
LINE: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = LINE + b"transfer-encoding: chunked\r\n\r\n"


GOOD: Final = [
    (LINE + b"content-length: 5\r\n\r\nhello", False, Told(200, b"hello", "ended", True)),
    (LINE + b"content-length: 0\r\n\r\n", False, Told(200, b"", "ended", True)),
    (b"HTTP/1.1 204 No\r\n\r\n", False, Told(204, b"", "ended", True)),
    (b"HTTP/1.1 304 No\r\ncontent-length: 9\r\n\r\n", False, Told(304, b"", "ended", True)),
    (CHUNKED + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", False, Told(200, b"hello!", "ended", True)),
    (CHUNKED + b"5\r\nhello\r\n0\r\nx-t: 1\r\ny-t: 2\r\n\r\n", False, Told(200, b"hello", "ended", True)),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\na: b\r\n\r\n" + CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", False,
     Told(200, b"hi", "ended", True)),
    (b"HTTP/1.1 200\nx: y\ncontent-length: 2\n\nhi", False, Told(200, b"hi", "ended", True)),
    (LINE + b"connection: close\r\ncontent-length: 2\r\n\r\nhi", False, Told(200, b"hi", "ended", False)),
    (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", False, Told(200, b"hi", "ended", False)),
    (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi", False,
     Told(200, b"hi", "ended", True)),
    (LINE + b"keep-alive: timeout=0\r\ncontent-length: 2\r\n\r\nhi", False, Told(200, b"hi", "ended", False)),
    (LINE + b"\r\nall of it", True, Told(200, b"all of it", "ended", False)),
    (b"HTTP/1.1 429 Slow\r\ncontent-length: 3\r\n\r\nno!", False, Told(429, b"no!", "ended", True)),
    (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n", False, Told(101, b"", "ended", False)),
]  # fmt: skip
SHORT: Final = [
    (LINE + b"content-length: 9\r\n\r\nhello", True, Told(200, b"hello", "closed", False)),
    (CHUNKED + b"9\r\nhello", True, Told(200, b"hello", "closed", False)),
    (CHUNKED + b"5\r\nhello\r\n0\r\n", True, Told(200, b"hello", "closed", False)),
    (LINE + b"content-len", True, Told(0, b"", "closed", False)),
    (b"HTTP/1.1 100 Continue\r\n\r\n", True, Told(0, b"", "closed", False)),
    (CHUNKED + b"5\r\nhelloX\r\n", False, Told(200, b"hello", "broken", False)),
    (CHUNKED + b"-5\r\nhello\r\n", False, Told(200, b"", "broken", False)),
    (LINE + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", False, Told(0, b"", "broken", False)),
    (LINE + b"content-length: 5, 6\r\n\r\nhello!", False, Told(0, b"", "broken", False)),
    (LINE + b"content-length: +5\r\n\r\nhello", False, Told(0, b"", "broken", False)),
    (LINE + b"transfer-encoding: xchunked\r\n\r\nhello", False, Told(0, b"", "broken", False)),
    (b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", False, Told(0, b"", "broken", False)),
    (LINE + b" folded: x\r\n\r\n", False, Told(0, b"", "broken", False)),
    (LINE + b"no colon\r\n\r\n", False, Told(0, b"", "broken", False)),
    (b"\r\nHTTP/1.1 200 OK\r\n\r\n", False, Told(0, b"", "broken", False)),
    (b"HTTP/2 200 OK\r\n\r\n", False, Told(0, b"", "broken", False)),
    (b"SSH-2.0-x\r\n\r\n", False, Told(0, b"", "broken", False)),
]


@pytest.mark.parametrize(("said", "closes", "expected"), GOOD + SHORT)
def test_each_cut_in_two_tells_the_same(said: bytes, closes: bool, expected: Told) -> None:
    assert says([said], closes=closes) == expected
    assert says([said[at : at + 1] for at in range(len(said))], closes=closes) == expected
    for at in range(1, len(said)):
        assert says([said[:at], said[at:]], closes=closes) == expected, at


@given(st.sampled_from(GOOD + SHORT), st.lists(st.integers(0, 200), max_size=8))
def test_any_cuts_tell_the_same(case: tuple[bytes, bool, Told], at: list[int]) -> None:
    said, closes, expected = case
    cuts = sorted({0, *(min(one, len(said)) for one in at), len(said)})
    pieces = [said[begin:end] for begin, end in pairwise(cuts)]
    assert says(pieces, closes=closes) == expected


@pytest.mark.parametrize(("said", "closes", "expected"), [case for case in GOOD if case[2].again])
@pytest.mark.parametrize("more", [LINE + b"content-length: 6\r\n\r\nunasked", b"\r\n", b"x"])
def test_more_than_was_asked_for_ends_the_connection(said: bytes, closes: bool, expected: Told, more: bytes) -> None:
    whole = said + more
    for at in range(len(said), len(whole)):
        told = says([whole[:at], whole[at:]], closes=closes)
        assert (told.status, told.body, told.end, told.again) == (expected.status, expected.body, "ended", False)


@given(st.lists(st.binary(max_size=40), max_size=20), st.booleans(), st.booleans())
def test_whatever_comes_ends_once_and_raises_nothing(pieces: list[bytes], begins_well: bool, closes: bool) -> None:
    begin = [CHUNKED] if begins_well else []
    says([piece for piece in begin + pieces if piece], closes=closes)


@given(st.data())
def test_two_requests_on_one_connection_get_their_own(data: st.DataObject) -> None:
    """One after the other, cut anywhere, with the client leaving, or satisfied, at any cut."""
    wires = Wires()
    for number in range(4):
        asked = wires.asks(body=b"%d" % number)
        wire = wires.made[-1]
        if not asked.call.is_connected:
            wire.opens()
        wire = next(one for one in wires.made if one.receiver is asked.call.connection)
        said = CHUNKED + b"1\r\n%d\r\n0\r\n\r\n" % number
        at = data.draw(st.integers(0, len(said)))
        then = data.draw(st.sampled_from(["", "leave", "finish", "pause"]))
        if said[:at]:
            wire.says(said[:at])
        if then:
            getattr(asked.call, then)()
        if said[at:] and not wire.closed:
            wire.says(said[at:])
        told = [piece for event in asked.told if isinstance(event, Body) for piece in event.pieces]
        assert told in ([], [b"%d" % number])
        assert wire.closed is (then == "leave" and at < len(said))
        assert wire.closed or not wire.paused, "an idle connection is read: else its end would not be seen"


@pytest.mark.parametrize("heard", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_repeated_request_is_the_same_request(heard: bytes) -> None:
    wires = Wires()
    first = wires.asks()
    wires.made[0].opens()
    wires.made[0].says(LINE + b"content-length: 0\r\n\r\n")
    assert first.told[-1] is ENDED
    asked = wires.asks(body=b"words", authorization="Bearer x")
    sent = wires.made[0].sent.partition(b"host: x\r\n\r\n")[2] or wires.made[0].sent
    if heard:
        wires.made[0].says(heard)
    wires.made[0].ends()
    if heard:
        assert isinstance(asked.told[-1], Broken)
        return
    assert asked.told == [RECONNECTING]
    wires.made[1].opens()
    assert wires.made[1].sent
    assert sent.endswith(wires.made[1].sent)


def test_interim_answers_are_counted_over_all_reads() -> None:
    one = b"HTTP/1.1 102 Wait\r\n\r\n"
    assert says([one] * INTERIM_LIMIT + [LINE + b"content-length: 0\r\n\r\n"], closes=False).end == "ended"
    assert says([one] * (INTERIM_LIMIT + 1), closes=False).end == "broken"


def test_a_request_is_let_go_with_the_head_of_its_answer() -> None:
    """It has secrets in it, and goes out no more."""
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].says(CHUNKED[:-1])
    assert asked.call.request is not None
    wires.made[0].says(CHUNKED[-1:])
    assert asked.call.request is None


def test_a_connection_with_more_to_send_serves_no_other_request() -> None:
    """It answered before it had read all that it was asked."""
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].waiting = 1
    wires.made[0].says(LINE + b"content-length: 0\r\n\r\n")
    assert asked.told[-1] is ENDED
    assert wires.made[0].closed


def test_a_request_that_asks_to_close_is_the_last_of_its_connection() -> None:
    wires = Wires()
    asked = wires.asks(connection="close")
    wires.made[0].opens()
    wires.made[0].says(LINE + b"content-length: 0\r\n\r\n")
    assert asked.told[-1] is ENDED
    assert wires.made[0].closed


def test_what_was_held_is_drained_all_the_same() -> None:
    """It is a client that held it; who has all it wanted holds nothing, and its end would never be read."""
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].says(CHUNKED + b"5\r\nhello\r\n")
    asked.call.pause()
    asked.call.finish()
    assert not wires.made[0].paused


def test_a_connection_that_nobody_waits_for_any_more_is_closed_when_it_stands() -> None:
    wires = Wires()
    asked = wires.asks()
    asked.call.leave()
    wires.made[0].closed = False  # (the dialer was too late to end it)
    wires.made[0].opens()
    assert wires.made[0].closed
    assert not wires.made[0].sent


def test_what_is_drained_is_counted_over_all_reads() -> None:
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].says(CHUNKED + b"5\r\nhello\r\n")
    asked.call.finish()
    assert not wires.made[0].paused
    for _ in range(http1.DRAIN_BYTES // 1000):
        wires.made[0].says(b"3df\r\n" + b"x" * 991 + b"\r\n")
    assert len(wires.pool) == 1
    for _ in range(3):
        if not wires.made[0].closed:
            wires.made[0].says(b"3df\r\n" + b"x" * 991 + b"\r\n")
    assert len(wires.pool) == 0
