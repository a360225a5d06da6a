"""Every decoder of every provider against bytes of any kind.

They never raise, end in exactly one terminal, say the same however the bytes were cut, and hold no more than a bounded
part of what they were fed. A provider added to the registry is fuzzed with the others.
"""

import gc
import json
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.contract.events import Failure, Finish
from providers.formats.sse import SseLimit, SseReader
from providers.registry import type_names
from tests.providers.seeds import decoder_of, provider_of, seeds
from tests.support.decoding import joined, run

STEADY = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def kinds() -> Iterator[Any]:
    """Provider, model and whether it streams: the plain model, one that thinks, one that makes pictures."""
    for type_name in type_names():
        models = provider_of(type_name).models()
        plain = next(iter(models))
        others = [next((name for name, model in models.items() if model.thinking), None)]
        others.append(next((name for name in models if name.endswith("-image")), None))
        for name in dict.fromkeys([plain, *(other for other in others if other)]):
            for stream in (True, False):
                yield pytest.param(type_name, name, stream, id=f"{type_name} {name} {'stream' if stream else 'whole'}")


KINDS = list(kinds())
BASIC = [kind for number, kind in enumerate(KINDS) if kind.values[0] not in {k.values[0] for k in KINDS[:number]}]
"""The plain model of each provider."""


def cut_at(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(bounds)]


# -- what is fed ------------------------------------------------------------------------------------------------------
ODD = (
    b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b"\r", b"\n\n", b"data:", b"data: [DONE]\n\n", b": comment\n\n", b"{", b"}}",
    b"data: {}\n\n", b"data: []\n\n", b"data: null\n\n", b"data: NaN\n\n", b'data: "\\ud800"\n\n', b'{"error":{}}\n',
    b'data: {"choices":[{"delta":{"content":3}}]}\n\n', b'data: {"choices":{"a":1},"choices":[]}\n\n',
    b"data: " + b"[" * 10_000 + b"\n\n", b'data: {"usage":1e999}\n\n', b"data: " + b"9" * 5000 + b"\n\n",
)  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn, type_name: str) -> bytes:
    """A real answer with pieces lost, doubled, swapped, overwritten or put in between."""
    data = draw(st.sampled_from(seeds(type_name)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 400)))
        match draw(st.integers(0, 5)):
            case 0:
                data = data[:at] + data[end:]
            case 1:
                data = data[:end] + data[at:end] + data[end:]
            case 2:
                data = data[:at] + draw(st.sampled_from(ODD)) + data[at:]
            case 3:
                data = data[:at] + draw(st.binary(max_size=40)) + data[end:]
            case 4:
                frames = data.split(b"\n\n")
                frames.insert(at % len(frames), frames.pop(end % len(frames)))
                data = b"\n\n".join(frames)
            case _:
                data = data[:at]
    return data


# -- what must hold ---------------------------------------------------------------------------------------------------
@pytest.mark.untraced
@pytest.mark.parametrize(("type_name", "model", "stream"), KINDS)
@STEADY
@given(st.data())
def test_mangled_answers_end_once_and_say_the_same_at_any_cut(
    type_name: str, model: str, stream: bool, data: st.DataObject
) -> None:
    body = data.draw(mangled(type_name))
    places = data.draw(st.lists(st.integers(0, 1 << 16), max_size=12))
    whole = joined(run(decoder_of(type_name, model, stream=stream), [body]))
    assert joined(run(decoder_of(type_name, model, stream=stream), cut_at(body, places))) == whole


@pytest.mark.parametrize(("type_name", "model", "stream"), KINDS)
@STEADY
@given(st.lists(st.binary(max_size=60) | st.sampled_from(ODD), max_size=8))
def test_any_bytes_end_once(type_name: str, model: str, stream: bool, pieces: list[bytes]) -> None:
    assert joined(run(decoder_of(type_name, model, stream=stream), pieces)) == joined(
        run(decoder_of(type_name, model, stream=stream), [b"".join(pieces)])
    )


@pytest.mark.untraced
@pytest.mark.parametrize(("type_name", "model", "stream"), KINDS)
def test_the_shortest_answers_at_every_cut(type_name: str, model: str, stream: bool) -> None:
    for body in seeds(type_name)[:3]:
        whole = joined(run(decoder_of(type_name, model, stream=stream), [body]))
        for at in range(len(body) + 1):
            assert joined(run(decoder_of(type_name, model, stream=stream), [body[:at], body[at:]])) == whole


@STEADY
@given(st.lists(st.binary(max_size=60) | st.sampled_from(ODD), max_size=12), st.booleans())
def test_the_event_reader_reads_the_same_at_any_cut(pieces: list[bytes], bare: bool) -> None:
    def read(parts: list[bytes]) -> list[bytes]:
        reader = SseReader(limit_bytes=20_000, bare_json=bare)
        found: list[bytes] = []
        try:
            for part in parts:
                found += reader.feed(part)
        except SseLimit as limit:
            return [*found, *limit.payloads, b"limit"]
        return found + reader.flush()

    data = b"".join(pieces)
    assert read(pieces) == read([data]) == read([data[i : i + 1] for i in range(len(data))])


# -- memory -----------------------------------------------------------------------------------------------------------
FED = 36 * 1024 * 1024
HELD = 80 * 1024 * 1024
"""More than any limit in the adapters (32 MB for a whole body), with what reading takes."""


def again(piece: bytes, total: int = FED) -> Callable[[], Iterator[bytes]]:
    block = piece * max(1, 65536 // len(piece))
    return lambda: (block for _ in range(total // len(block)))


def deep() -> Iterator[bytes]:
    yield b"data: "
    yield from again(b"[")()


def unknown() -> Iterator[bytes]:
    """Events nobody knows, each of another kind."""
    for number in range(20_000):
        name = f"kind-{number}-{'x' * 200}"
        yield b"data: " + json.dumps({"type": name, "event": {"type": name}, name: 1, "choices": []}).encode() + b"\n\n"


ENDLESS = {
    "a line": again(b"x"),
    "a data line": lambda: iter([b"data: ", *again(b"x")()]),
    "data lines of one event": again(b"data: x\n"),
    "comments": again(b": keep-alive\n\n", FED // 4),
    "line ends": again(b"\n"),
    "carriage returns": again(b"\r"),
    "brackets": deep,
    "unknown kinds": unknown,
    "spaces": again(b" "),
}


@pytest.mark.untraced
@pytest.mark.parametrize("shape", ENDLESS)
@pytest.mark.parametrize(("type_name", "model", "stream"), BASIC)
def test_what_never_ends_is_not_held(type_name: str, model: str, stream: bool, shape: str) -> None:
    decoder = decoder_of(type_name, model, stream=stream)
    most = 0
    terminals = 0
    for number, piece in enumerate(ENDLESS[shape]()):
        terminals += sum(isinstance(event, Finish | Failure) for event in decoder.feed(piece))
        if number % 100 == 0:
            most = max(most, held_by(decoder))
    terminals += sum(isinstance(event, Finish | Failure) for event in decoder.close())
    assert most < HELD
    assert terminals == 1


def held_by(thing: object) -> int:
    """Bytes of all that an object holds on to; code and classes do not count."""
    seen: set[int] = set()
    waiting, total = [thing], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | MethodType | BuiltinFunctionType):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting += gc.get_referents(one)
    return total


@pytest.mark.untraced
@pytest.mark.parametrize("type_name", type_names())
def test_an_endless_answer_is_passed_on_and_not_held(type_name: str) -> None:
    """The longest seed without its end, over and over: words go out, memory does not grow with them."""
    body = max(
        (seed for seed in seeds(type_name) if seed.startswith((b"data:", b"event:")) and b"\n\n" in seed), key=len
    )
    frames = [frame + b"\n\n" for frame in body.split(b"\n\n")[:-1]]
    middle = b"".join(frames[: max(1, len(frames) // 2)])
    decoder = decoder_of(type_name, next(iter(provider_of(type_name).models())), stream=True)
    for _ in range(max(1, FED // 8 // len(middle))):
        decoder.feed(middle)
    assert held_by(decoder) < HELD // 4
    decoder.close()
