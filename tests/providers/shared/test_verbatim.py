"""The base of decoders that pass answers on: what it leaves to a form, with the smallest one there is.

tests/providers/openai/responses/test_passed.py goes through all else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Verbatim
from providers.shared.verbatim import VerbatimDecoder
from tests.support.counting import work_of

BEGIN, PIECE, END = (
    b'event: begin\ndata: {"type":"begin"}\n\n',
    b"event: piece\ndata: {\n\n",
    b'data: {"type":"end"}\n\n',
)


class Toy(VerbatimDecoder):
    quiet: ClassVar[frozenset[bytes]] = frozenset({b"begin", b"piece"})
    opening: ClassVar[frozenset[str]] = frozenset({"begin"})

    def _read(self, kind: str, value: Mapping[str, Any]) -> Sequence[Event]:
        if kind == "fault":
            return (Failure(ProviderError(ErrorKind.QUOTA, "no")),)
        return (Finish("stop"),) if kind == "end" else ()

    def _read_whole(self, value: Mapping[str, Any], written: bytes) -> Sequence[Event]:
        return (Finish("stop"),)

    def _as_stream(self, value: Mapping[str, Any], written: bytes) -> bytes:
        return b"as a stream"

    def _as_whole(self, value: Mapping[str, Any]) -> bytes | None:
        return None

    def _refused(self, body: bytes) -> ProviderError:
        return ProviderError(ErrorKind.PROVIDER_DOWN, body.decode())


def decoded(*pieces: bytes, stream: bool = True) -> list[Event]:
    decoder = Toy(stream=stream)
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def test_quiet_events_are_not_even_read_once_the_answer_has_begun() -> None:
    first = b'data: {"type":"word"}\n\n'
    assert decoded(BEGIN, first, PIECE, END) == [
        Verbatim(BEGIN + first),
        Verbatim(PIECE),
        Verbatim(END),
        Finish("stop"),
    ]


def test_what_follows_the_end_is_left_out() -> None:
    for cut in range(len(END + BEGIN)):
        body = END + BEGIN
        assert decoded(body[:cut], body[cut:]) == [Verbatim(END), Finish("stop")]


def test_an_error_before_the_first_piece_is_no_answer() -> None:
    (failure,) = decoded(BEGIN, b'data: {"type":"fault"}\n\n')
    assert isinstance(failure, Failure)
    assert not failure.told


def test_the_form_says_what_becomes_of_the_other_kind_of_body() -> None:
    assert decoded(b"{}") == [Verbatim(b"as a stream"), Finish("stop")]
    assert decoded(b"{}", stream=False) == [Verbatim(b"{}"), Finish("stop")]
    (failure,) = decoded(END, stream=False)
    assert isinstance(failure, Failure)
    (failure,) = decoded(b"no")
    assert isinstance(failure, Failure)
    assert failure.error.message == "no"


def test_an_event_of_many_lines_is_passed_on_and_costs_no_more_than_one_of_some() -> None:
    def work(lines: int) -> int:
        return work_of(lambda: decoded(BEGIN, b"data: {}\n" * lines + b"\n"))[1]

    assert work(200_000) < work(20_000) * 3
