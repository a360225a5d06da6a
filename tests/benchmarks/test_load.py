"""The load's own reading of answers: at every split the same."""

import pytest

from benchmarks.compare.load import Failed, Rate, Reading, Timing
from benchmarks.compare.measures import Wrong, between, checked
from benchmarks.compare.upstream import official_pieces, official_whole, zai_pieces

WHOLE = official_whole(3)
NAMED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\nevent: delta\ndata: {}\n\ndata: 1\r\n0\r\n\r\n"


def read(pieces: list[bytes]) -> tuple[Reading, list[bool]]:
    reading = Reading()
    return reading, [reading.feed(piece, float(number + 1)) for number, piece in enumerate(pieces)]


@pytest.mark.parametrize(
    ("answer", "events"),
    [(WHOLE, 0), (b"".join(official_pieces(5)), 8), (b"".join(zai_pieces(5)), 8), (NAMED, 2)],
    ids=["whole", "official stream", "Z.AI stream", "named events"],
)
def test_an_answer_is_over_with_its_last_byte_at_every_split(answer: bytes, events: int) -> None:
    for at in range(1, len(answer)):
        reading, over = read([answer[:at], answer[at:]])
        assert over == [False, True]
        assert (reading.timing.pieces, reading.timing.last) == (events, 2.0)
    reading, over = read([answer[at : at + 1] for at in range(len(answer))])
    assert over.index(True) == len(answer) - 1
    assert reading.timing.pieces == events


def test_the_first_word_of_a_stream_is_its_first_event_not_its_head() -> None:
    head, first, *rest = b"".join(official_pieces(1)).partition(b"data:")
    reading, _ = read([head, first, b"".join(rest)])
    assert (reading.timing.first, reading.timing.arrivals) == (2.0, [2.0, 3.0])


def test_the_first_word_of_a_whole_answer_is_the_first_byte_of_its_body() -> None:
    head, end, body = WHOLE.partition(b"\r\n\r\n")
    reading, _ = read([head + end, body[:1], body[1:]])
    assert reading.timing.first == 2.0


def test_an_answer_in_chunks_that_is_no_stream_has_a_first_word_too() -> None:
    reading, over = read([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", b"0\r\n\r\n"])
    assert over == [False, True]
    assert (reading.timing.first, reading.timing.pieces) == (2.0, 0)


def test_another_status_fails() -> None:
    with pytest.raises(Failed, match="502 Bad Gateway"):
        read([b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n", b"\r\n"])


def test_a_few_failures_are_borne_and_more_are_wrong() -> None:
    good = [Timing(pieces=50)] * 200
    assert checked(Rate(good, 2.0, ["late"] * 2), 50).a_second == 100
    with pytest.raises(Wrong, match="3 failed"):
        checked(Rate(good, 2.0, ["late"] * 3))
    with pytest.raises(Wrong, match="0 did not"):
        checked(Rate([], 2.0, []))
    with pytest.raises(Wrong, match="49 events"):
        checked(Rate([*good, Timing(pieces=49)], 2.0, []), 50)


def test_gaps_are_between_arrivals() -> None:
    assert between(Timing(arrivals=[1.0, 1.5, 3.0])) == [0.5, 1.5]
    assert between(Timing(arrivals=[1.0])) == []
