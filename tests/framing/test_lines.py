"""Reading heads and chunks: bounded, the same however the bytes are cut, and no byte looked at twice."""

import re
from collections.abc import Iterator

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.framing import chunks, lines
from addons.framing.chunks import ChunkedBodyReader, Read, read_on
from addons.framing.lines import Bound, LineBuffer, TooLarge

WIDE = Bound(64 * 1024, 101)


def two_way(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((data[:at], data[at:]) for at in range(len(data) + 1))


# -- lines ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"GET / HTTP/1.1\r\nhost: x\r\n\r\nrest", [b"GET / HTTP/1.1", b"host: x"]),
        (b"GET / HTTP/1.1\nhost: x\n\nrest", [b"GET / HTTP/1.1", b"host: x"]),
        (b"a: 1\r\n folded\r\n\n\nrest", [b"a: 1", b" folded"]),
        (b"\r\nrest", []),
        (b"\nrest", []),
    ],
)
def test_lines_are_the_same_however_they_are_cut(data: bytes, expected: list[bytes]) -> None:
    for first, second in two_way(data):
        buf, found = LineBuffer(), None
        for piece in (first, second):
            buf += piece
            if found is None:
                found = buf.take_lines(WIDE)
        assert found == expected
        assert bytes(buf).endswith(b"rest")


@pytest.mark.parametrize(
    ("unit", "bound"),
    [
        (b"x", Bound(1000, 10)),
        (b"a:\r\n", Bound(10_000, 10)),
        (b"a:\n", Bound(10_000, 10)),
        (b"\r", Bound(1000, 10)),
        (b" \r\n", Bound(1000, 10_000)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_lines_without_end_are_refused_early(unit: bytes, bound: Bound, size: int) -> None:
    flood, buf = b"x" + unit * 20_000, LineBuffer()

    def read_all() -> None:
        for at in range(0, len(flood), size):
            buf.__iadd__(flood[at : at + size])
            assert buf.take_lines(bound) is None

    with pytest.raises(TooLarge):
        read_all()
    assert len(buf) <= bound.bytes + size


def test_as_many_lines_as_the_bound_are_read() -> None:
    for count in (9, 10, 11):
        buf = LineBuffer()
        buf += b"a: b\r\n" * count + b"\r\n"
        if count > 10:
            with pytest.raises(TooLarge, match="more than 10 lines"):
                buf.take_lines(Bound(1000, 10))
        else:
            assert len(buf.take_lines(Bound(1000, 10)) or ()) == count


class Counting:
    """A compiled expression that counts the bytes it is given to search."""

    def __init__(self, plain: re.Pattern[bytes]) -> None:
        self._plain = plain
        self.steps = 0

    def search(self, data: bytearray, start: int) -> re.Match[bytes] | None:
        self.steps += len(data) - start
        return self._plain.search(data, start)


@pytest.mark.parametrize("size", [1, 16, 1000])
def test_no_byte_of_a_head_is_searched_more_than_a_few_times(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(lines._END)
    monkeypatch.setattr(lines, "_END", counting)
    head, buf = b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 60_000, LineBuffer()
    for at in range(0, len(head), size):
        buf += head[at : at + size]
        assert buf.take_lines(WIDE) is None
    assert counting.steps <= 3 * len(head)


def test_blank_lines_before_a_head_are_dropped_and_counted() -> None:
    buf = LineBuffer()
    buf += b"\r\n\n\r\nGET"
    assert buf.skip_blank_lines() == 5
    assert bytes(buf) == b"GET"


# -- chunks -----------------------------------------------------------------------------------------------------------
BODY = b"3\r\nabc\r\n" + b'A ; name="v"\r\n0123456789\r\n' + b"0\r\nx-t: 1\r\nauthorization: Bearer x\r\n\r\n"


def read_cut(pieces: list[bytes]) -> tuple[bytes, Read]:
    reader, buf, data, last = ChunkedBodyReader(), LineBuffer(), b"", Read([])
    for piece in pieces:
        buf += piece
        last = read_on(reader, buf)
        data += b"".join(last.pieces)
        if last.ended or last.fault:
            break
    return data, last


def test_a_chunked_body_with_extensions_and_trailers_is_read_however_it_is_cut() -> None:
    for first, second in two_way(BODY):
        data, last = read_cut([first, second] if first != BODY else [first])
        assert (data, last.ended, last.fault) == (b"abc0123456789", True, "")
    assert read_cut([BODY[at : at + 1] for at in range(len(BODY))])[0] == b"abc0123456789"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(b"5;" + b"a" * 5000, id="an extension without end"),
        pytest.param(b"0\r\nx: " + b"a" * 17_000, id="a trailer without end"),
        pytest.param(b"0\r\n" + b"x:\r\n" * 200, id="trailers without end"),
        pytest.param(b"1;a=bc\r\nx\r\n" * 30_000, id="more framing than content"),
        pytest.param(b"5\nabcde\r\n", id="a bare line feed"),
        pytest.param(b"-5\r\n", id="a negative size"),
        pytest.param(b"5 5\r\n", id="two sizes"),
        pytest.param(b"f" * 20 + b"\r\n", id="a huge size"),
        pytest.param(b"3\r\nabcdef\r\n", id="a chunk longer than its size"),
        pytest.param(b"\r\n", id="no size"),
    ],
)
def test_a_bad_body_is_refused_in_words_of_ours(bad: bytes) -> None:
    for pieces in ([bad], [bad[at : at + 3] for at in range(0, len(bad), 3)]):
        _, last = read_cut(pieces)
        assert last.fault
        assert not last.ended
        assert "a" * 10 not in last.fault


def test_a_body_in_chunks_of_one_byte_is_read() -> None:
    """Sites send them, and the sizes of such chunks are most of what arrives."""
    data, last = read_cut([b"1\r\nx\r\n" * 1000] * 100 + [b"0\r\n\r\n"])
    assert (data, last.ended) == (b"x" * 100_000, True)


def test_what_stands_before_a_fault_is_read() -> None:
    assert read_cut([b"3\r\nabc\r\nzz\r\n"]) == (b"abc", Read([b"abc"], fault="the line of a chunk is malformed"))


def test_many_tiny_chunks_of_a_packet_become_few_pieces() -> None:
    reader, buf = ChunkedBodyReader(), LineBuffer()
    buf += b"1\r\nx\r\n" * 5000
    found = read_on(reader, buf)
    assert len(found.pieces) == chunks.PIECES + 1
    assert b"".join(found.pieces) == b"x" * 5000


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=20), st.integers(1, 50))
def test_what_h11_reads_is_read_the_same(data: list[bytes], size: int) -> None:
    raw = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in data) + b"0\r\n\r\n"
    found, last = read_cut([raw[at : at + size] for at in range(0, len(raw), size)])
    assert (found, last.ended) == (b"".join(data), True)
    plain = h11.Connection(h11.SERVER)
    plain.receive_data(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + raw)
    theirs = b""
    while not isinstance(event := plain.next_event(), h11.EndOfMessage):
        theirs += bytes(event.data) if isinstance(event, h11.Data) else b""
    assert theirs == found


# -- bytes ------------------------------------------------------------------------------------------------------------
def test_bytes_that_are_taken_go_and_the_lines_behind_them_are_found() -> None:
    buf = LineBuffer()
    buf += b"hello"
    assert buf.take_lines(WIDE) is None
    buf += b" worldGET /\r\n\r\n"
    assert buf.take(11) == b"hello world"
    assert buf.take_lines(WIDE) == [b"GET /"]
    assert buf.take(5) == b""
