"""A body while it arrives: what is shown of it stands in it at the end too, and never a piece of a secret."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import PIECE, KnownSecret
from addons.inspect.arriving import HOLD_BYTES, ArrivingBody

SECRET = "ak_9fPq2LzR7tXw4mVbN8sKd3"
OWNER = ("zai", "main")
CLEANER = Cleaner.knowing([KnownSecret(SECRET, "token", *OWNER)])


def clean(data: bytes) -> bytes:
    return CLEANER.data(data, OWNER)


def frame(text: str, end: str = "\n\n") -> bytes:
    return f"data: {json.dumps({'delta': text})}{end}".encode()


def arriving(pieces: list[bytes]) -> list[bytes]:
    body = ArrivingBody(clean)
    return [body.take([piece]) for piece in pieces]


def leaks(shown: bytes) -> list[bytes]:
    """Pieces of the secret in what is shown; three letters may stand there by chance."""
    value = SECRET.encode()
    return [value[at : at + 4] for at in range(len(value) - 3) if value[at : at + 4] in shown]


BODIES = {
    "events": b"".join(map(frame, ("Hello", f"the key is {SECRET}!", "good bye"))),
    "carriage returns": b"".join(frame(word, "\r\n\r\n") for word in ("Hello", SECRET, "bye")),
    "percent": frame("".join(f"%{ord(letter):02x}" for letter in SECRET)) + frame("more"),
    "units": f'data: {{"x": "{"".join(f"\\u{ord(letter):04x}" for letter in SECRET)}"}}\n\n'.encode() + frame("more"),
    "base64": frame(base64.b64encode(f"so {SECRET} it is".encode()).decode()) + frame("more"),
    "a list": b"[DONE]\n\n" + f"data: {list(SECRET.encode())}\n\n".encode() + frame("more"),
    "rows over blank lines": b"\n\n".join(f"{letter:02x}".encode() for letter in SECRET.encode()),
    "one line": json.dumps({"text": f"{'long ' * 600}{SECRET}{' and longer' * 300}"}).encode(),
    "no secret": b"".join(frame(f"word {number}") for number in range(40)),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_at_every_cut_no_piece_of_a_secret_is_shown(name: str) -> None:
    whole = BODIES[name]
    step = 1 if len(whole) < 1000 else 97
    final = clean(whole)
    for shown in arriving([whole[at : at + step] for at in range(0, len(whole), step)]):
        assert leaks(shown) == []
        assert final.startswith(shown), "what was shown is not taken back"


def test_whole_events_are_shown_at_once_and_counted() -> None:
    body = ArrivingBody(clean)
    assert body.take([frame("one"), frame("two")[:9]]) == frame("one")
    assert body.take([frame("two")[9:]]) == frame("one") + frame("two")
    assert body.events == 2


def test_the_secret_stands_by_its_name() -> None:
    assert b"~sealed~zai~main~token~" in arriving([frame(SECRET)])[-1]


def test_of_a_body_without_events_the_end_is_held_back() -> None:
    (shown,) = arriving([b"x" * (HOLD_BYTES + 10)])
    assert shown == b"x" * 10


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08\x00", b"PK\x03\x04"])
def test_a_packed_body_is_not_shown(head: bytes) -> None:
    shown = arriving([head, b"\x00\x00\x00\x00", SECRET.encode(), frame("x")])
    assert shown[0] == b""
    assert all(HIDDEN.encode() in one for one in shown[1:])


@given(
    st.lists(st.sampled_from([*(SECRET[at : at + 7] for at in range(0, 25, 7)), SECRET, "word ", "}\n\n", "\n\n"])),
    st.integers(1, 40),
)
@settings(max_examples=200, deadline=None)
def test_what_is_shown_is_a_beginning_of_the_end(parts: list[str], step: int) -> None:
    whole = "".join(parts).encode()
    final = clean(whole)
    for shown in arriving([whole[at : at + step] for at in range(0, len(whole), step)]):
        assert final.startswith(shown)


def test_nothing_is_cleaned_twice_up_to_the_last_border() -> None:
    cleaned = 0

    def counted(data: bytes) -> bytes:
        nonlocal cleaned
        cleaned += len(data)
        return data

    body = ArrivingBody(counted)
    pieces = [frame(f"word {number}") for number in range(500)]
    for piece in pieces:
        body.take([piece])
    assert cleaned == len(b"".join(pieces))
    assert PIECE < HOLD_BYTES
