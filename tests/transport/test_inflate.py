import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from addons.transport.inflate import InflateError, inflater

TEXT = ("data: " + "Grüße 你好 " * 400 + "\n\n").encode()


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


ENCODED = {
    "identity": TEXT,
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
}


@pytest.mark.parametrize(
    ("name", "body"), [*ENCODED.items(), ("deflate", raw_deflate(TEXT))], ids=[*ENCODED, "raw deflate"]
)
def test_inflates_the_same_at_every_cut(name: str, body: bytes) -> None:
    for cut in range(len(body) + 1):
        stream = inflater(name)
        assert stream.feed(body[:cut]) + stream.feed(body[cut:]) == TEXT
        stream.close()


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_gives_what_came_before_the_body_ends(name: str) -> None:
    if name == "br":
        packer = brotli.Compressor()
        first = packer.process(b"data: one\n\n") + packer.flush()
    elif name == "zstd":
        stream = zstandard.ZstdCompressor().compressobj()
        first = stream.compress(b"data: one\n\n") + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    else:
        packed = zlib.compressobj(wbits=31 if name == "gzip" else 15)
        first = packed.compress(b"data: one\n\n") + packed.flush(zlib.Z_SYNC_FLUSH)
    assert inflater(name).feed(first) == b"data: one\n\n"


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_a_cut_off_body_is_an_error_at_the_end(name: str) -> None:
    stream = inflater(name)
    stream.feed(ENCODED[name][:-3])
    with pytest.raises(InflateError, match="cut off"):
        stream.close()


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_nonsense_is_an_error(name: str) -> None:
    stream = inflater(name)
    with pytest.raises(InflateError):  # noqa: PT012  (the error may come with either call)
        stream.feed(b"<html>this is not compressed at all</html>" * 50)
        stream.close()


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_a_bomb_is_stopped_early(name: str) -> None:
    zeros = bytes(80 * 1024 * 1024)
    packers: dict[str, Callable[[], bytes]] = {
        "gzip": lambda: gzip.compress(zeros, 1),
        "deflate": lambda: zlib.compress(zeros, 1),
        "br": lambda: brotli.compress(zeros, quality=1),
        "zstd": lambda: zstandard.compress(zeros),
    }
    packed = packers[name]()
    with pytest.raises(InflateError, match="inflates to more than"):
        inflater(name).feed(packed)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
@pytest.mark.parametrize("size", [256 * 1024 - 1, 256 * 1024, 512 * 1024, 512 * 1024 + 1])
def test_a_text_that_just_fills_a_piece_is_whole(name: str, size: int) -> None:
    pack: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": raw_deflate,
        "br": brotli.compress,
        "zstd": zstandard.compress,
    }
    stream = inflater(name)
    assert stream.feed(pack[name](bytes(size))) == bytes(size)
    stream.close()


def test_several_gzip_members_are_one_body() -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two")
    for cut in range(len(body) + 1):
        stream = inflater("gzip")
        assert stream.feed(body[:cut]) + stream.feed(body[cut:]) == b"one two"


@pytest.mark.parametrize("name", ["compress", "gzip, br", "x" * 500])
def test_an_unknown_encoding_is_refused(name: str) -> None:
    with pytest.raises(InflateError, match="unknown Content-Encoding"):
        inflater(name)
