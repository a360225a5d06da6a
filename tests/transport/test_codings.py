"""Compressed requests: what is taken, what it costs, what is said of the rest."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from addons.errors import GatewayError
from addons.transport.codings import SLICE_BYTES, STEP_BYTES, InflationBudget, codings_of, decode_body

MB = 1024 * 1024
LIMIT = 2 * MB
TEXT = ("Grüße 你好 " * 4000).encode()


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstandard.compress,
}


def plain(body: bytes, codings: tuple[str, ...], limit: int = LIMIT) -> tuple[bytes, int]:
    """The plain body, and how often others had their turn."""
    undoing, turns = decode_body(body, codings, limit, "too large", lambda count: None), 0
    while True:
        try:
            next(undoing)
        except StopIteration as end:
            return end.value, turns
        turns += 1


def refusal(body: bytes, codings: tuple[str, ...], limit: int = LIMIT) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        plain(body, codings, limit)
    return caught.value


@pytest.mark.parametrize("outer", PACK)
@pytest.mark.parametrize("inner", [None, *PACK])
def test_one_coding_or_two(inner: str | None, outer: str) -> None:
    body = PACK[outer](PACK[inner](TEXT) if inner else TEXT)
    codings = codings_of(f"{inner}, {outer}" if inner else outer)
    assert plain(body, codings)[0] == TEXT


@pytest.mark.parametrize(
    ("header", "codings"),
    [
        ("", ()),
        ("identity", ()),
        ("GZIP", ("gzip",)),
        (" identity , br ,, ", ("br",)),
        ("gzip, br", ("br", "gzip")),
    ],
)
def test_codings_are_undone_the_last_one_first(header: str, codings: tuple[str, ...]) -> None:
    assert codings_of(header) == codings


@pytest.mark.parametrize(
    "header",
    ["compress", "gzip, aes128gcm", "gzip, gzip, gzip", "x-br", "gzip;q=1", "gzip br", "," * 70_000 + "lzma", "é"],
)
def test_what_is_not_taken_is_415_and_names_what_is(header: str) -> None:
    with pytest.raises(GatewayError) as caught:
        codings_of(header)
    assert (caught.value.status, caught.value.code) == (415, "unsupported_encoding")
    assert dict(caught.value.headers())["accept-encoding"] == "gzip, deflate, br, zstd"
    assert len(caught.value.message) < 300


def test_any_ratio_is_taken_within_the_limit() -> None:
    letters = b"a" * (LIMIT - 10)
    for name, pack in PACK.items():
        assert plain(pack(letters), codings_of(name))[0] == letters


@pytest.mark.parametrize("name", PACK)
def test_a_byte_more_than_the_limit_is_413(name: str) -> None:
    exact = plain(PACK[name](bytes(LIMIT)), codings_of(name))[0]
    assert len(exact) == LIMIT
    error = refusal(PACK[name](bytes(LIMIT + 1)), codings_of(name))
    assert (error.status, error.code, error.message) == (413, "request_too_large", "too large")


RLE = b"\x28\xb5\x2f\xfd\x00\x38" + (((128 * 1024) << 3 | 2).to_bytes(3, "little") + b"a") * 20_000
"""A zstd frame of blocks that are 128 KB of one letter each."""
ZEROS = bytes(64 * MB)
BOMBS = {
    "gzip": gzip.compress(ZEROS, 1),
    "deflate": zlib.compress(ZEROS, 1),
    "br": brotli.compress(ZEROS, quality=1),
    "zstd": zstandard.compress(ZEROS),
    "zstd of one-letter blocks": RLE,
    "gzip, br": brotli.compress(gzip.compress(ZEROS, 1), quality=1),
    "gzip, gzip": gzip.compress(gzip.compress(ZEROS, 9)),
    "zstd, zstd": zstandard.compress(RLE),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_where_it_passes_the_limit(name: str) -> None:
    undoing = decode_body(BOMBS[name], codings_of(name.partition(" of ")[0]), LIMIT, "too large", lambda count: None)
    turns = 0
    with pytest.raises(GatewayError) as caught:  # noqa: PT012
        while True:
            next(undoing)
            turns += 1
    assert caught.value.status == 413
    assert turns <= 2 * (2 * LIMIT // STEP_BYTES + 1), "it was undone beyond the limit"


MANY = {
    "gzip": gzip.compress(b"") * 200_000,
    "zstd": zstandard.compress(b"") * 200_000,
    "zstd skippable": b"\x50\x2a\x4d\x18\0\0\0\0" * 200_000,
}


@pytest.mark.parametrize("name", MANY)
def test_bodies_made_of_many_empty_ones_are_refused(name: str) -> None:
    error = refusal(MANY[name], (name.split()[0],), 64 * MB)
    assert (error.status, error.code) == (400, "invalid_encoding")
    assert "too many" in error.message


def test_a_body_may_be_put_together_of_others() -> None:
    parts = [f"part {number} ".encode() * 20 for number in range(500)]
    assert plain(b"".join(map(gzip.compress, parts)), ("gzip",))[0] == b"".join(parts)
    assert plain(b"".join(map(zstandard.compress, parts)), ("zstd",))[0] == b"".join(parts)


def test_work_that_makes_nothing_is_done_in_steps_too() -> None:
    empty_blocks = b"\x78\x01" + b"\x00\x00\x00\xff\xff" * 200_000
    undoing, turns = decode_body(empty_blocks, ("deflate",), LIMIT, "too large", lambda count: None), 0
    with pytest.raises(GatewayError, match="cut off"):  # noqa: PT012
        while True:
            next(undoing)
            turns += 1
    assert turns == len(empty_blocks) // SLICE_BYTES


def letter_of_256_kinds() -> str:
    """One letter in brotli (RFC 7932, 9.2), as bits from the lowest: 83 bytes that fill a context map of 16,384."""

    def bits(value: int, count: int) -> str:
        return f"{value:0{count}b}"[::-1]

    code = "10" + "00"  # simple, of one symbol (3.4)
    kinds = "1" + bits(7, 3) + bits(127, 7) + code + bits(0, 9) + code + bits(25, 5) + bits(0, 24)
    modes = bits(0, 2 * 256)
    two_trees = "1000"
    context_map = two_trees + "1" + bits(15, 4) + code + bits(14, 5) + bits(0, 14) + "1"
    trees = 2 * (code + bits(97, 8)) + code + bits(8, 10) + code + bits(0, 6)
    return "0" + "00" + bits(0, 16) + "0" + kinds + "00" + bits(0, 6) + modes + context_map + "0" + trees


def test_little_that_is_much_work_is_done_in_small_steps() -> None:
    """A hundred microseconds for each 83 bytes: 256 KB of these would hold everybody for 300 ms."""
    whole = "0" + letter_of_256_kinds() * 2000 + "11"
    body = int(whole[::-1], 2).to_bytes(len(whole) // 8 + 1, "little")
    text, turns = plain(body, ("br",))
    assert text == b"a" * 2000
    assert turns == len(body) // SLICE_BYTES


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("how", ["cut", "empty", "spoiled", "plain"])
def test_what_is_not_so_compressed_is_400(name: str, how: str) -> None:
    if (name, how) == ("Deflate", "spoiled"):
        return  # without its zlib header it has no checksum
    packed = PACK[name](TEXT)
    middle = len(packed) // 2
    body = {
        "cut": packed[:-3],
        "empty": b"",
        "spoiled": packed[:middle]
        + bytes(byte ^ 0x5A for byte in packed[middle : middle + 40])
        + packed[middle + 40 :],
        "plain": TEXT,
    }[how]
    error = refusal(body, codings_of(name))
    assert (error.status, error.code) == (400, "invalid_encoding")
    assert name.removeprefix("x-").lower() in error.message


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_any_bytes_are_a_body_or_a_refusal(data: bytes, name: str) -> None:
    with suppress(GatewayError):
        plain(data, (name,))


def refused(inflated: InflationBudget, key: str) -> bool:
    with pytest.raises(GatewayError) as caught:
        inflated.reserve(key, 1, LIMIT)
    return (caught.value.status, caught.value.code) == (429, "too_many_compressed")


def test_a_key_may_grow_to_half_of_what_all_may() -> None:
    inflated = InflationBudget()
    for key in ("ada", "ben"):
        for _ in range(8):
            inflated.reserve(key, LIMIT, LIMIT)
        assert refused(inflated, key)
    assert refused(inflated, "eve")
    inflated.release("ada", LIMIT)
    inflated.reserve("eve", LIMIT, LIMIT)
    assert refused(inflated, "ada")


@pytest.mark.parametrize("name", PACK)
def test_what_grows_is_told_while_it_grows(name: str) -> None:
    told: list[int] = []

    def grows(count: int) -> None:
        told.append(count)
        if sum(told) > MB:
            raise GatewayError(429, "enough", code="x")

    undoing = decode_body(PACK[name](bytes(LIMIT)), codings_of(name), LIMIT, "too large", grows)
    with pytest.raises(GatewayError, match="enough"):  # noqa: PT012
        while True:
            next(undoing)
    assert sum(told[:-1]) <= MB
