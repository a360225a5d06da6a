"""A ClientHello is read bounded, the same however it is cut, and no byte twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.layers.client_tls import HELLO_BYTES, HELLO_RECORDS, HelloReader, HelloRefused
from tests.support.growth import MOST_RATIO, growth


def message(size: int) -> bytes:
    return b"\x01" + size.to_bytes(3) + b"h" * size


def records(data: bytes, size: int) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)


@given(st.integers(0, 2000), st.integers(64, 3000), st.lists(st.integers(1, 700), max_size=20))
def test_a_hello_is_whole_when_its_last_byte_has_come(size: int, record: int, cuts: list[int]) -> None:
    data, reader, at = records(message(size), record), HelloReader(), 0
    for cut in cuts:
        if at + cut >= len(data):
            break
        assert reader.feed(data[at : at + cut]) is None
        at += cut
    assert reader.feed(data[at:-1]) is None
    assert reader.feed(data[-1:]) == data


def test_what_follows_the_hello_is_handed_on_with_it() -> None:
    data = records(message(100), 1000) + b"early"
    assert HelloReader().feed(data) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\x17\x03\x03\x00\x05hello",
        b"\x16\x02\x01\x00\x05hello",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\xff\xff",
        records(message(HELLO_BYTES), 4096),
        records(message(HELLO_RECORDS), 1),
    ],
)
def test_what_is_no_hello_or_a_large_one_is_refused(data: bytes) -> None:
    with pytest.raises(HelloRefused):
        HelloReader().feed(data)


def test_a_hello_of_single_bytes_takes_linear_time() -> None:
    def reader(size: int) -> object:
        data = records(b"\x01" + HELLO_BYTES.to_bytes(3)[:2] + b"\xff" + b"h" * (HELLO_BYTES // 2), HELLO_BYTES)[:size]

        def work() -> None:
            feed = HelloReader().feed
            for at in range(len(data)):
                feed(data[at : at + 1])

        return work

    assert growth(reader, HELLO_BYTES // 8) < MOST_RATIO  # type: ignore[arg-type]
