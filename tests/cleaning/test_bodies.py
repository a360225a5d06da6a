"""A viewer reads in a kept body what was searched, and nothing else."""

import bz2
import gzip
import lzma
import zlib

import pytest
import zstandard
from mitmproxy import http

from addons.cleaning.bodies import PACKED_WORDS, searchable, show_as_searched

SAID = "the key is ak_9fPq2LzR7tXw4mVbN8sKd3"


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_what_is_packed_is_not_kept(pack: object) -> None:
    assert callable(pack)
    assert searchable(pack(SAID.encode())) == PACKED_WORDS


@pytest.mark.parametrize("body", [b"", b"x", b"{}", SAID.encode(), SAID.encode("utf-16")])
def test_what_is_not_packed_stays(body: bytes) -> None:
    assert searchable(body) == body


@pytest.mark.parametrize(
    "kind", ["text/plain; charset={}", "text/html;charset='{}'", "application/json; charset={}; x=y"]
)
@pytest.mark.parametrize(
    "charset", ["cp037", "utf-7", "cp500", "punycode", "hex", "gzip", "rot13", "nonsense", "utf-16-x"]
)
def test_an_encoding_that_was_not_searched_is_not_read(kind: str, charset: str) -> None:
    response = http.Response.make(200, SAID.encode("cp037"), {"content-type": kind.format(charset)})
    show_as_searched(response)
    assert SAID not in (response.get_text(strict=False) or "")
    assert response.headers["content-type"].endswith("; charset=utf-8")


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("text/html", b'<meta charset="cp037">'),
        ("text/xml", b'<?xml encoding="cp037"?>'),
        ("text/css", b'@charset "cp037";'),
    ],
)
def test_nor_one_that_the_body_names_itself(kind: str, start: bytes) -> None:
    response = http.Response.make(200, start + SAID.encode("cp037"), {"content-type": kind})
    show_as_searched(response)
    assert SAID not in (response.get_text(strict=False) or "")


@pytest.mark.parametrize("kind", ["", "text/plain", "text/html; charset=gbk", "text/event-stream; charset=UTF-8"])
def test_usual_ones_stay_as_they_are(kind: str) -> None:
    response = http.Response.make(200, SAID.encode(), {"content-type": kind})
    show_as_searched(response)
    assert response.headers["content-type"] == kind
