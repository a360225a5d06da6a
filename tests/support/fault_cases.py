"""What a hostile provider does to an answer, and what the client is told of it: text, and how it ended."""

import gzip
from typing import Any

import pytest

from tests.support.faulty import BEGUN
from tests.support.hostile import CHUNKED, DONE, END, STREAM, TEXT, chunk, framed, head, packed, sends, sliced

PACKED = packed(STREAM, "gzip")
CASES: list[Any] = [
    pytest.param(sends(BEGUN, then="reset"), ("Hello ", "upstream_eof"), id="7 reset in the middle"),
    pytest.param(sends(BEGUN, then="close"), ("Hello ", "upstream_eof"), id="7 closed in the middle"),
    pytest.param(sends(BEGUN + END), ("Hello ", "upstream_eof"), id="8 an end without its mark"),
    pytest.param(sends(head(CHUNKED) + framed(STREAM), then="silence"), (TEXT, "done"), id="9 open after the end"),
    pytest.param(sliced(STREAM, 1), (TEXT, "done"), id="10 one byte a packet"),
    pytest.param(sliced(STREAM.replace(b"\n", b"\r\n"), 3), (TEXT, "done"), id="10 cut in CRLF"),
    pytest.param(
        sends(head(CHUNKED) + framed(chunk("x" * 4_000_000) + chunk(finish="stop") + DONE) + END),
        ("x" * 4_000_000, "done"),
        id="11 an event of 4 MB",
    ),
    pytest.param(
        sends(BEGUN + framed(b"data: " + b"y" * 10_000_000 + b"\n\n") + END),
        ("Hello ", "upstream_error"),
        id="11 a line of 10 MB",
    ),
    pytest.param(
        sends(BEGUN + framed(b"data: {oops\n\n") + framed(STREAM) + END),
        ("Hello ", "upstream_error"),
        id="12 broken JSON",
    ),
    pytest.param(
        sends(head(CHUNKED) + framed(b'event: mood\ndata: {"mood":1}\n\n' + STREAM) + END),
        (TEXT, "done"),
        id="13 unknown event",
    ),
    pytest.param(
        sliced(b"\xef\xbb\xbf: hello\nretry: 9\nid: 3\n\ndata:\n\n" + STREAM.replace(b"\n", b"\r"), 7),
        (TEXT, "done"),
        id="14 BOM, CR",
    ),
    pytest.param(
        sends(head("content-length: 12", kind="text/html") + b"<html>no!", then="close"),
        ("", "502 upstream_error"),
        id="15 half a page",
    ),
    pytest.param(
        sends(head("content-length: 13", kind="text/html") + b"<html></html>"),
        ("", "502 upstream_error"),
        id="15 a page with 200",
    ),
    pytest.param(
        sends(head("content-length: 47", kind="application/json") + b'{"error":{"code":"insufficient_quota","xx": 1}}'),
        ("", "429 insufficient_quota"),
        id="16 an error with 200",
    ),
    pytest.param(
        sends(BEGUN + framed(b'data: {"error":{"message":"quota","code":"insufficient_quota"}}\n\n') + END),
        ("Hello ", "insufficient_quota"),
        id="17 an error after text",
    ),
    pytest.param(
        sends(head("location: https://elsewhere.example/", "content-length: 0", status="302 Found")),
        ("", "502 upstream_error"),
        id="21 a redirect",
    ),
    pytest.param(
        sends(head("location: http://127.0.0.1:1/", "content-length: 0", status="307 Temporary")),
        ("", "502 upstream_error"),
        id="21 to loopback",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", f"content-length: {len(PACKED)}") + PACKED),
        (TEXT, "done"),
        id="22 gzip, well",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", f"content-length: {len(PACKED) - 9}") + PACKED[:-9]),
        None,
        id="22 truncated gzip",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", f"content-length: {len(STREAM)}") + STREAM),
        ("", "502 upstream_error"),
        id="22 not gzip at all",
    ),
    pytest.param(
        sends(head("content-encoding: gzip", CHUNKED) + framed(gzip.compress(b"data: " + b"0" * 200_000_000, 1))),
        ("", "502 upstream_error"),
        id="22 a bomb",
    ),
    pytest.param(
        sends(head(f"content-length: {len(STREAM) + 50}") + STREAM, then="close"),
        (TEXT, "done"),
        id="23 length too long",
    ),
    pytest.param(
        sends(head("content-length: 5", "content-length: 900") + STREAM, then="close"),
        ("", "502 upstream_error"),
        id="23 two lengths",
    ),
    pytest.param(
        sends(head("content-length: 5", CHUNKED) + framed(STREAM) + END, then="close"),
        ("", "502 upstream_error"),
        id="23 length and chunks",
    ),
    pytest.param(sends(b"HELO what?\r\n\r\n", then="close"), ("", "502 upstream_error"), id="23 no HTTP"),
    pytest.param(
        sends(head(CHUNKED, "trailer: x-t") + framed(STREAM) + b"0\r\nx-t: 1\r\n\r\n"), (TEXT, "done"), id="24 trailers"
    ),
    pytest.param(
        sends(b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n" + head(CHUNKED) + framed(STREAM) + END),
        (TEXT, "done"),
        id="24 early hints",
    ),
]
