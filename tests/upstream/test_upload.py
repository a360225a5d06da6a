"""A request whose body goes on: framed as its head says, held up by the provider, over once the answer is."""

from itertools import batched
from typing import Final

import pytest

from addons.upstream.events import ENDED, TAKEN, Answered, NoConnection
from addons.upstream.upload import FULL_BYTES, Upload
from tests.support.upstream import TARGET, Asked, Wire, Wires

OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def begun(*, chunked: bool = False, opened: bool = True) -> tuple[Wires, Asked, Wire, Upload]:
    """A request of ten bytes, of which three are its beginning."""
    wires, upload = Wires(), Upload(chunked=chunked)
    framing = {"transfer-encoding": "chunked"} if chunked else {"content-length": "10"}
    asked = Asked(wires.pool, TARGET, b"abc", framing, upload)
    assert asked.call.request is not None
    asked.call.request.headers.pop("content-length", None)
    asked.call.request.headers.update(framing)
    if opened:
        wires.made[0].opens()
    return wires, asked, wires.made[0], upload


def body_of(wire: Wire) -> bytes:
    return wire.sent.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("opened", [True, False], ids=["open", "opened later"])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_body_of_known_length_goes_out_as_it_comes(size: int, opened: bool) -> None:
    _, _, wire, upload = begun(opened=opened)
    for piece in batched(b"defghij", size):
        upload.write(bytes(piece))
    upload.end()
    if not opened:
        assert not wire.sent
        wire.opens()
    assert body_of(wire) == b"abcdefghij"


@pytest.mark.parametrize("opened", [True, False], ids=["open", "opened later"])
def test_a_body_of_unknown_length_goes_out_in_chunks(opened: bool) -> None:
    _, _, wire, upload = begun(chunked=True, opened=opened)
    upload.write(b"defg")
    upload.write(b"")
    upload.end()
    upload.end()
    upload.write(b"late")
    if not opened:
        wire.opens()
    assert body_of(wire) == b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"


def test_who_hands_over_is_told_when_the_provider_has_taken_what_waited() -> None:
    _, asked, wire, upload = begun()
    wire.waiting = FULL_BYTES + 1
    assert upload.is_full
    wire.receiver.taken()
    assert TAKEN not in asked.told
    wire.waiting = 0
    wire.receiver.taken()
    assert asked.told[-1] is TAKEN
    assert not upload.is_full


def test_what_is_handed_over_before_there_is_a_connection_counts() -> None:
    *_, upload = begun(opened=False)
    upload.write(b"x" * FULL_BYTES)
    assert not upload.is_full
    upload.write(b"y")
    assert upload.is_full


def test_a_connection_serves_on_behind_a_whole_upload() -> None:
    wires, asked, wire, upload = begun()
    upload.write(b"defghij")
    upload.end()
    wire.says(OK)
    assert asked.told[-1] is ENDED
    assert not wire.closed
    wires.asks()
    assert len(wires.made) == 1


def test_an_answer_before_the_end_of_an_upload_ends_the_connection() -> None:
    _, asked, wire, upload = begun()
    upload.write(b"def")
    wire.says(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
    answered = asked.told[1]
    assert isinstance(answered, Answered)
    assert answered.response.status_code == 413
    assert asked.told[-1] is ENDED
    assert wire.closed
    sent = wire.sent
    upload.write(b"ghij")
    assert wire.sent == sent


def test_who_has_all_of_an_early_answer_waits_for_no_more_of_its_connection() -> None:
    _, asked, wire, upload = begun()
    upload.write(b"def")
    wire.says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok")
    asked.call.finish()
    assert wire.closed


def test_who_leaves_in_the_middle_of_an_upload_ends_the_connection_at_once() -> None:
    _, asked, wire, upload = begun()
    upload.write(b"def")
    asked.call.leave()
    assert wire.closed
    wire.receiver.taken()
    assert TAKEN not in asked.told


def test_an_upload_goes_out_on_a_connection_of_its_own() -> None:
    """On one that had been idle, and is dead, it could not go out once more."""
    wires = Wires()
    wires.asks()
    wires.made[0].opens()
    wires.made[0].says(OK)
    upload = Upload(chunked=False)
    wires.asks(body=b"abc", upload=upload)
    upload.write(b"defghij")
    wires.made[1].opens()
    assert body_of(wires.made[1]) == b"abcdefghij"


def test_what_no_connection_has_taken_another_one_gets() -> None:
    wires, upload = Wires(), Upload(chunked=False)
    first = wires.asks(body=b"abc", upload=upload)
    upload.write(b"defg")
    wires.made[0].receiver.failed("refused")
    assert first.told == [NoConnection("refused")]
    assert not upload.is_spent
    wires.asks(body=b"abc", upload=upload)
    upload.write(b"hij")
    wires.made[1].opens()
    assert body_of(wires.made[1]) == b"abcdefghij"
    assert upload.is_spent


def test_of_what_nobody_can_have_any_more_nothing_is_kept() -> None:
    *_, wire, upload = begun()
    upload.write(b"defg")
    wire.ends()
    upload.write(b"x" * 2 * FULL_BYTES)
    assert (upload.is_spent, upload.waiting_bytes, upload.is_full) == (True, 0, False)


@pytest.mark.parametrize("chunked", [True, False])
def test_an_upload_has_not_ended_before_somebody_has_all_of_it(chunked: bool) -> None:
    wires, _, _, upload = begun(chunked=chunked, opened=False)
    upload.write(b"defghij")
    upload.end()
    ended = [upload.has_ended]
    wires.made[0].opens()
    assert [*ended, upload.has_ended] == [False, True]
    upload.write(b"more")
    upload.end()
    assert body_of(wires.made[0]).count(b"more") == 0
    assert body_of(wires.made[0]).count(b"0\r\n\r\n") == int(chunked)


def test_a_piece_of_nothing_does_not_end_a_body_in_chunks() -> None:
    *_, wire, upload = begun(chunked=True)
    upload.write(b"")
    upload.write(b"d")
    assert body_of(wire) == b"3\r\nabc\r\n1\r\nd\r\n"
