"""Chunked bodies: the same data, end and fault however the bytes are cut, and every part of them bounded."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.framing.chunks import CHUNK_LINE_BYTES, FRAMING_BYTES, PIECES, ChunkedBodyReader, read_on
from addons.framing.lines import LineBuffer


def read(packets: Sequence[bytes]) -> tuple[bytes, bool, str, bytes]:
    """Data, whether the body ended, the fault, and what is left in the buffer."""
    reader, buf, data, ended = ChunkedBodyReader(), LineBuffer(), b"", False
    for packet in packets:
        buf += packet
        if ended:
            continue
        found = read_on(reader, buf)
        data += b"".join(found.pieces)
        ended = found.ended
        if found.fault:
            return data, False, found.fault, b""
    return data, ended, "", bytes(buf)


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


BODIES = {
    "one": chunk(b"hello") + b"0\r\n\r\n",
    "two with extensions": chunk(b"hello", b";a=b") + chunk(b" world", b' ; c="d"') + b"0;last\r\n\r\n",
    "line ends in the data": chunk(b"\r\n0\r\n\r\n") + chunk(b"x") + b"0\r\n\r\n",
    "trailers": chunk(b"hello") + b"0\r\nexpires: never\r\n\r\n",
    "no end": chunk(b"hello") + b"5\r\nwor",
    "longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
    "shorter than its size": b"9\r\nhello\r\n0\r\n\r\n",
    "no size": chunk(b"hello") + b"\r\nx\r\n",
    "a size below nothing": chunk(b"hello") + b"-1\r\nx\r\n",
    "a size too large": chunk(b"hello") + b"f" * 16 + b"\r\nx\r\n",
    "another answer behind it": chunk(b"hello") + b"0\r\n\r\nHTTP/1.1 200 OK\r\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_the_same_at_every_cut(name: str) -> None:
    body = BODIES[name]
    whole = read([body])
    assert read([body[i : i + 1] for i in range(len(body))]) == whole
    for cut in range(len(body)):
        assert read([body[:cut], body[cut:]]) == whole


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("one", (b"hello", True, "", b"")),
        ("line ends in the data", (b"\r\n0\r\n\r\nx", True, "", b"")),
        ("no end", (b"hellowor", False, "", b"")),
        ("longer than its size", (b"hel", False, "a chunk is longer than its size says", b"")),
        ("no size", (b"hello", False, "the line of a chunk is malformed", b"")),
        ("another answer behind it", (b"hello", True, "", b"HTTP/1.1 200 OK\r\n")),
    ],
)
def test_what_is_read_of_a_body(name: str, told: tuple[bytes, bool, str, bytes]) -> None:
    assert read([BODIES[name]]) == told


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=60), st.data())
def test_any_data_in_any_chunks_and_packets(pieces: list[bytes], data: st.DataObject) -> None:
    body = b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    packets = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert read(packets) == (b"".join(pieces), True, "", b"")


def test_a_packet_of_tiny_chunks_is_a_few_pieces() -> None:
    buf = LineBuffer()
    buf += chunk(b"x") * 1000
    found = read_on(ChunkedBodyReader(), buf)
    assert len(found.pieces) == PIECES + 1
    assert b"".join(found.pieces) == b"x" * 1000
    assert not buf


def test_the_pieces_of_one_packet_are_as_they_were_sent() -> None:
    buf = LineBuffer()
    buf += chunk(b"data: 1\n\n") + chunk(b"data: 2\n\n") + b"5\r\nda"
    assert read_on(ChunkedBodyReader(), buf).pieces == [b"data: 1\n\n", b"data: 2\n\n", b"da"]


def test_more_framing_than_content_is_a_fault_in_one_packet_and_in_many() -> None:
    extended = chunk(b"x", b";" + b"e" * 4000)
    many = [extended] * (FRAMING_BYTES // 4000 + 5)
    assert read(many)[2] == read([b"".join(many)])[2] == "the body is more framing than content"


def test_a_line_has_a_bound() -> None:
    assert "longer than" in read([b"1;" + b"e" * CHUNK_LINE_BYTES + b"\r\nx\r\n"])[2]
    assert "longer than" in read([chunk(b"hello") + b"1;" + b"e" * CHUNK_LINE_BYTES])[2]


def test_the_end_of_the_connection_is_no_end_of_the_body() -> None:
    with pytest.raises(Exception, match="without sending complete message body"):
        ChunkedBodyReader().read_eof()
