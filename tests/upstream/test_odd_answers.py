"""Answers of providers with anything odd about them, cut anywhere: what is told of them, judged beside h11.

None looks whole that was not, none is made up of two, and whatever was odd leaves no connection to another request.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.upstream.events import Answered, Body, Ended
from tests.support.growth import MOST_RATIO, growth
from tests.support.odd_answers import answers, judged_by_h11
from tests.support.provider_talk import says
from tests.support.upstream import Wires

STRICTER: Mapping[str, re.Pattern[bytes]] = {
    "another version of HTTP: nobody knows what else is other in it": re.compile(rb"HTTP/1\.[2-9] "),
    "a zero before a length: others read it as octal": re.compile(rb"(?i)\ncontent-length:[ \t]*0[0-9]"),
    "lengths that are said twice": re.compile(rb"(?is)\ncontent-length:.*(?:,|\ncontent-length:)"),
    "a length beside chunks": re.compile(rb"(?is)\n(?:content-length:.*\ntransfer-e|transfer-e.*\ncontent-length:)"),
    "chunks in HTTP/1.0, which does not have them": re.compile(rb"(?is)HTTP/1\.0 .*\ntransfer-encoding:"),
    "chunks where no body is": re.compile(rb"(?is)HTTP/1\.1 204.*\ntransfer-encoding:"),
    "control characters in a chunk's extension": re.compile(rb"(?i)[0-9a-f][ \t]*;[^\n]*(?:\x00|\r[^\n])"),
    "sizes of more digits than any chunk has": re.compile(rb"(?i)\n[0-9a-f]{16,}"),
}
"""Where h11 takes an answer for whole, and the gateway does not: why."""
MORE_LENIENT: Mapping[str, re.Pattern[bytes]] = {
    "switching protocols, though nobody asked for that: its status alone is of interest": re.compile(rb"HTTP/1\.. 101"),
    "blanks before an extension, which RFC 9112 (7.1.1) has read": re.compile(rb"(?i)[0-9a-f][ \t]+;"),
    "the fields of interim answers, which nobody looks at": re.compile(rb"(?s)HTTP/1\.[01] 1.*HTTP/1\.[01] "),
    "what stands where trailers do: the answer is whole by then": re.compile(rb"(?is)transfer-encoding:.*\n0+[;\r]"),
    "the coding that changes nothing": re.compile(rb"(?i)transfer-encoding:[ \t]*identity"),
}
"""Where the gateway takes an answer for whole, and h11 does not: why."""

cuts = st.lists(st.integers(0, 400), max_size=6)


def cut(raw: bytes, at: list[int]) -> list[bytes]:
    places = sorted({0, *(min(one, len(raw)) for one in at), len(raw)})
    return [raw[begin:end] for begin, end in pairwise(places)]


def excused(reasons: Mapping[str, re.Pattern[bytes]], raw: bytes) -> bool:
    return any(pattern.search(raw) for pattern in reasons.values())


@given(answers(), cuts, st.booleans())
def test_an_answer_is_whole_where_h11_says_so(raw: bytes, at: list[int], closes: bool) -> None:
    ours, theirs = says([raw] if raw else [], closes=closes), judged_by_h11(raw, closes=closes)
    assert says(cut(raw, at), closes=closes) == ours, "where it is cut is no matter"
    if ours.end != "ended":
        assert not theirs.ended or excused(STRICTER, raw)
        return
    if not theirs.ended:
        assert excused(MORE_LENIENT, raw)
        assert ours.body.startswith(theirs.body)
        return
    assert (ours.status, ours.body) == (theirs.status, theirs.body)
    if ours.again:
        assert theirs.again or b"HTTP/1.0" in raw, "(h11 knows no connection of HTTP/1.0 that goes on)"


@given(answers(), cuts, st.integers(0, 6), st.sampled_from(["", "", "finish", "leave", "pause"]))
def test_who_asks_next_has_an_answer_of_its_own(raw: bytes, at: list[int], when: int, then: str) -> None:
    """Whatever came before, and whatever who asked before did at any cut."""
    wires = Wires()
    first, own = wires.asks(), b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond"
    wires.made[0].opens()
    for number, piece in enumerate(cut(raw, at)):
        if number == when and then:
            getattr(first.call, then)()
        if not wires.made[0].closed:
            wires.made[0].says(piece)
    second = wires.asks()
    if not second.call.is_connected:
        wires.made[-1].opens()
    was_kept = second.call.connection is wires.made[0].receiver
    assert len(wires.made) == 1 + (not was_kept)
    wires.made[-1].says(own)
    head, body, end = second.told[-3:]
    assert isinstance(head, Answered)
    assert (head.response.status_code, body, end) == (200, Body([b"second"]), Ended())
    if was_kept:
        theirs = judged_by_h11(raw, closes=False)
        assert theirs.again or (b"HTTP/1.0" in raw and not theirs.left) or excused(MORE_LENIENT, raw)


# -- what each is -----------------------------------------------------------------------------------------------------
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"


@pytest.mark.parametrize("trailers", [b"no field\r\n", b"HTTP/1.1 200 OK\r\n", b" folded\r\n", b"x: a\x00\r\n"])
def test_behind_what_is_no_trailer_the_answer_is_whole_and_its_connection_closed(trailers: bytes) -> None:
    told = says([CHUNKS + trailers + b"\r\n"], closes=False)
    assert (told.body, told.end, told.again) == (b"hi", "ended", False)


# -- cost -------------------------------------------------------------------------------------------------------------
def read_of(head: bytes, piece: bytes, at_once: int) -> Callable[[int], Callable[[], object]]:
    """Reads so many bytes of pieces behind the head, so many at once."""

    def make(size: int) -> Callable[[], object]:
        raw = head + piece * (size // len(piece))
        pieces = [raw[at : at + at_once] for at in range(0, len(raw), at_once)]
        return lambda: says(pieces, closes=True)

    return make


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
ENDLESS = {
    "a field": (b"HTTP/1.1 200 OK\r\nx: ", b"y"),
    "fields": (b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 500 + b"\r\n"),
    "interim answers": (b"", b"HTTP/1.1 102 W\r\nx: " + b"y" * 1000 + b"\r\n\r\n"),
    "a folded field": (b"HTTP/1.1 200 OK\r\nx: y\r\n", b" " * 500 + b"\r\n"),
    "blanks": (b"HTTP/1.1 200 OK\r\nx: y\r\n", b" "),
    "tiny chunks": (CHUNKED, b"1\r\nx\r\n"),
    "chunks": (CHUNKED, b"64\r\n" + b"x" * 100 + b"\r\n"),
    "a large chunk": (CHUNKED + b"fffffff\r\n", b"x"),
    "an extension": (CHUNKED + b"1;", b"x"),
    "a trailer": (CHUNKED + b"0\r\nx: ", b"y"),
    "trailers": (CHUNKED + b"0\r\n", b"x: " + b"y" * 500 + b"\r\n"),
    "a body by its length": (b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n", b"x"),
    "a body until closed": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
}


@pytest.mark.untraced
@pytest.mark.parametrize("at_once", [1, 16_384])
@pytest.mark.parametrize("name", ENDLESS)
def test_what_does_not_end_costs_what_it_is_long(name: str, at_once: int) -> None:
    size = 15_000 if at_once == 1 else 150_000  # (several reads of them)
    assert growth(read_of(*ENDLESS[name], at_once), size) < MOST_RATIO
