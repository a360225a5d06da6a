"""Texts that are hard for readers, and readers fed with them; for the tests of how their work grows."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from providers.anthropic.passing import PassedOn
from providers.contract.operation import Decoder
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from providers.openai.options import OpenAIOptions
from providers.openai.responses.passed import PassedResponse

FORM: Form = OpenAIOptions(base_url="https://api.example").form()


type Reader = Callable[[int], Callable[[], object]]
"""A size in characters → the work with a text of that size, ready to be done."""


def fed(make: Callable[[], Callable[[Any], object]], pieces: Callable[[int], Iterable[Any]]) -> Reader:
    """Feeds the pieces of a text of the given size to a reader made anew."""

    def reader(size: int) -> Callable[[], object]:
        ready = list(pieces(size))

        def work() -> None:
            feed = make()
            for piece in ready:
                feed(piece)

        return work

    return reader


def chars(unit: str, lead: str = "") -> Callable[[int], Iterable[str]]:
    """A text in pieces of one unit each."""
    return lambda size: [lead, *[unit] * (size // len(unit))]


def whole(unit: str, lead: str = "") -> Callable[[int], Iterable[str]]:
    return lambda size: [lead + unit * (size // len(unit))]


def sse(*frames: object) -> bytes:
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)


def answer(decoder: Callable[[], Decoder], frame: Callable[[str], object]) -> Callable[[str], list[Reader]]:
    """Readers of a stream whose text is made of a unit: in many small frames, and in one."""

    def readers(unit: str) -> list[Reader]:
        def small(size: int) -> Callable[[], object]:
            data = sse(frame(unit)) * (size // 8)
            pieces = [data[at : at + 65536] for at in range(0, len(data), 65536)]

            def work() -> None:
                reading = decoder()
                for piece in pieces:
                    reading.feed(piece)
                reading.close()

            return work

        def large(size: int) -> Callable[[], object]:
            data = sse(frame(unit * (size // len(unit))))
            return lambda: decoder().feed(data)

        return [small, large]

    return readers


def collected(frame: Callable[[str], object]) -> Callable[[str], list[Reader]]:
    return answer(lambda: OpenAIDecoder(replace(FORM, think_tags="explicit"), stream=False), frame)


def delta(**fields: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": fields}]}


def passed_response() -> Decoder:
    return PassedResponse({}, lambda error: error, stream=True)


def passed_on() -> Decoder:
    return PassedOn(lambda error: error)


def whole_bytes(unit: str) -> Callable[[int], Iterable[bytes]]:
    return lambda size: [(unit * (size // len(unit))).encode()]
