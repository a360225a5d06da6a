"""Heads of providers' answers: what is one, what is none, and what of several lines is one field."""

import pytest

from addons.framing.lines import LineBuffer, TooLarge
from addons.upstream.answer_heads import HEADS, INTERIM_LIMIT, AnswerHeads

OK = b"HTTP/1.1 200 OK\r\n"


def buffer(raw: bytes) -> LineBuffer:
    found = LineBuffer()
    found += raw
    return found


@pytest.mark.parametrize(
    ("line", "status"),
    [(b"HTTP/1.1 200 OK", 200), (b"HTTP/1.1 200", 200), (b"HTTP/1.1 200 ", 200), (b"HTTP/1.0 999 \xff ok", 999),
     (b"HTTP/1.1 101 Switching", 101)],
)  # fmt: skip
def test_a_status_line(line: bytes, status: int) -> None:
    head = AnswerHeads().final(buffer(line + b"\r\nx: y\r\n\r\nrest"))
    assert head is not None
    assert (head.status_code, head.headers["x"]) == (status, "y")


@pytest.mark.parametrize(
    "line",
    [b"HTTP/1.1 +200 OK", b"HTTP/1.1 2_00 OK", b"HTTP/1.1 0 OK", b"HTTP/1.1 0200 OK", b"HTTP/1.1 0100 C", b"HTTP/1.1",
     b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 1000 C", b"HTTP/1.1 -1 OK", b"HTTP/1.1\t200 OK", b"HTTP/2 200",
     b"HTTP/1.1  200 OK", b"HTTP/1.1  100 Continue", b" HTTP/1.1 200 OK", b"http/1.1 200 OK", b"HTTP/1.1 200\tOK",
     b"HTTP/1.1 200 O\rK", b"HTTP/1.1 100 C\x00"],
)  # fmt: skip
def test_what_is_no_status_line(line: bytes) -> None:
    """mitmproxy takes most of them for one; an interim one that is not known as such would be taken for the answer."""
    with pytest.raises(ValueError, match=r"^(no status line|a control character in a head)$"):
        AnswerHeads().final(buffer(line + b"\r\ncontent-length: 0\r\n\r\n"))


@pytest.mark.parametrize("value", [b"a\x00b", b"a\rb", b"a\x0b", b"\x0cchunked"])
def test_no_control_characters_stand_in_a_field(value: bytes) -> None:
    with pytest.raises(ValueError, match="a control character"):
        AnswerHeads().final(buffer(OK + b"transfer-encoding: " + value + b"\r\n\r\n"))


@pytest.mark.parametrize("value", [b"gzip, chunked", b"gzip", b"deflate", b"x", b"chunked, chunked", b""])
def test_a_coding_that_nobody_undoes_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="transfer"):
        AnswerHeads().final(buffer(OK + b"transfer-encoding: " + value + b"\r\n\r\n"))


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"identity"])
def test_codings_that_are_read(value: bytes) -> None:
    assert AnswerHeads().final(buffer(OK + b"transfer-encoding: " + value + b"\r\n\r\n")) is not None


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (b"a: b\r\n c\r\n", ((b"a", b"b c"),)),
        (b"a: b\r\nconnection: x,\r\n close\r\n\t  and\r\nc: d\r\n",
         ((b"a", b"b"), (b"connection", b"x, close and"), (b"c", b"d"))),
        (b"a: b\r\nc:\r\n \r\n", ((b"a", b"b"), (b"c", b""))),
    ],
)  # fmt: skip
def test_a_field_that_goes_on_is_one_line(lines: bytes, fields: tuple[tuple[bytes, bytes], ...]) -> None:
    head = AnswerHeads().final(buffer(OK + lines + b"\r\n"))
    assert head is not None
    assert head.headers.fields == fields


def test_no_field_goes_on_before_the_first() -> None:
    with pytest.raises(ValueError, match="Invalid"):
        AnswerHeads().final(buffer(OK + b" x: y\r\n\r\n"))


def test_interim_answers_are_passed_over_and_bounded_with_the_final_one() -> None:
    interim = b"HTTP/1.1 102 Wait\r\n\r\n"
    heads = AnswerHeads()
    assert heads.final(buffer(interim * INTERIM_LIMIT)) is None
    assert heads.final(buffer(OK + b"\r\n")) is not None
    with pytest.raises(TooLarge, match="interim"):
        AnswerHeads().final(buffer(interim * (INTERIM_LIMIT + 1)))
    with pytest.raises(TooLarge, match="lines"):
        AnswerHeads().final(buffer(interim + OK + b"a: b\r\n" * (HEADS.lines - 1) + b"\r\n"))
    with pytest.raises(TooLarge, match="KB"):
        AnswerHeads().final(buffer(interim + OK + b"a: " + b"b" * (HEADS.bytes - len(OK) - 10) + b"\r\n\r\n"))
