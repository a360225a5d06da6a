"""The door, event by event: heads of requests."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons.stream.request_head import PATH_LIMIT, HeadRefused, check_head, fields_in, method_and_path, read_head
from tests.support.door import cuts, error_of, refusal
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import body_of, status_of


@pytest.mark.parametrize("size", [1, 10, 100_000])
def test_a_hundred_fields_are_read_and_more_are_refused(size: int) -> None:
    for fields, status in ((99, 401), (100, 431), (10_000, 431)):  # and the host
        drive = Drive([], at_head=refusal())
        raw = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * fields + b"\r\n"
        for at in range(0, len(raw), size):
            if not drive.client_closed():
                drive.client_sends(raw[at : at + size])
        assert status_of(drive.to_client) == status
        assert status == 401 or "100 fields (limits.header_fields)" in error_of(drive.to_client)["message"]


@pytest.mark.parametrize("version", [b"HTTP/9.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9", b"ICY"])
def test_other_versions_are_refused(version: bytes) -> None:
    drive = Drive([])
    drive.client_sends(b"GET /v1/models " + version + b"\r\nhost: x\r\n\r\n")
    assert status_of(drive.to_client) == 400
    assert drive.flows == []


def test_blank_lines_before_a_request_are_passed_over() -> None:
    for first, second in cuts(b"\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"):
        drive = Drive([], at_head=refusal())
        drive.client_sends(first)
        drive.client_sends(second)
        assert status_of(drive.to_client) == 401


def test_blank_lines_without_end_are_refused_and_alone_are_closed() -> None:
    drive = Drive([])
    drive.client_sends(b"\r\n" * 100)
    assert status_of(drive.to_client) == 431
    drive = Drive([])
    drive.client_sends(b"\r\n")
    drive.tick(31)
    assert drive.to_client == b""
    assert drive.client in drive.closed


@pytest.mark.parametrize("head", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nno colon here\r\n\r\n"])
def test_a_malformed_head_is_a_json_400(head: bytes) -> None:
    drive = Drive([])
    drive.client_sends(head)
    assert status_of(drive.to_client) == 400
    assert json.loads(body_of(drive.to_client))["error"]["type"] == "invalid_request_error"
    assert drive.client_closed()


def test_smuggling_headers_of_a_client_are_a_json_400() -> None:
    drive = Drive([FakeAttempt()])
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    drive.client_sends(head)
    assert status_of(drive.to_client) == 400
    assert b"application/json" in drive.to_client


@pytest.mark.parametrize(
    ("begins", "asked"),
    [
        (b"POST /v1/chat HTTP/1.1", ("POST", "/v1/chat")),
        (b"GET /a?key=secret HTTP/1.1", ("GET", "/a")),
        (b"GET /", ("GET", "/")),
        (b"GET " + b"/" * 200, ("GET", "/" * PATH_LIMIT)),
        (b"GET /\xff", ("GET", "/\xff")),
        (b"GET http://user:secret@x/", ("", "")),
        (b"get /a", ("", "")),
        (b"GET  /a", ("", "")),
        (b"A" * 21 + b" /a", ("", "")),
        (b"secret", ("", "")),
        (b"", ("", "")),
    ],
)
def test_of_what_is_no_request_method_and_path_are_told_and_no_more(begins: bytes, asked: tuple[str, str]) -> None:
    assert method_and_path(begins) == asked


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ([], 0),
        ([b"content-length: 5"], 5),
        ([b"transfer-encoding: chunked"], None),
        ([b"content-length: 0"], 0),
        ([b"content-length: 5", b"x: y"], 5),
    ],
)
@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
def test_a_head_tells_how_long_its_body_is(fields: list[bytes], size: int | None, version: bytes) -> None:
    if size is None and version == b"HTTP/1.0":
        with pytest.raises(HeadRefused):
            read_head([b"POST /a " + version, *fields])
        return
    request, found = read_head([b"POST /a " + version, *fields])
    assert (request.method, request.path, request.http_version, found) == ("POST", "/a", version.decode(), size)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([b"POST"], "is malformed: Bad HTTP request line"),
        ([b"POST /a HTTP/1.1", b"secret"], "is malformed: Invalid header line"),
        ([b"POST /a HTTP/1.1", b"content-length: secret"], "is malformed: invalid content-length header"),
        ([b"POST /a HTTP/1.1", b"content-length: 1", b"content-length: 2"], ": multiple content-length headers"),
        ([b"POST /a HTTP/1.1", b"transfer-encoding: secret"], "is malformed: unknown transfer-encoding header"),
        ([b"POST /a HTTP/1.1", b"transfer-encoding: chunked", b"content-length: 1"], "both transfer-encoding and"),
        ([b"POST /a HTTP/1.1", b"se cret: x"], "is malformed: invalid header name"),
        ([b"P:ST /a HTTP/1.1"], "is malformed: the method is none"),
        ([b"P" * 25 + b" /a HTTP/1.1"], "is malformed: the method is none"),
        ([b"CONNECT secret:443 HTTP/1.1"], "not a proxy: there is no CONNECT here"),
        ([b"POST /a HTTP/2.0"], "this version of HTTP is not spoken here"),
    ],
)
def test_what_is_wrong_is_told_without_a_word_of_it(lines: list[bytes], words: str) -> None:
    with pytest.raises(HeadRefused) as caught:
        read_head(lines)
    assert caught.value.status == 400
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_any_lines_are_a_head_or_refused(lines: list[bytes]) -> None:
    try:
        request, _ = read_head(lines)
    except HeadRefused as refused:
        status = refused.status
    else:
        status = 0
        assert request.http_version in ("HTTP/1.0", "HTTP/1.1")
    assert status in (0, 400)


@pytest.mark.parametrize(("method", "right"), [("M-SEARCH", True), ("A_B", True), ("", False), ("GET1", False)])
def test_methods(method: str, right: bool) -> None:
    request = http.Request.make("GET", "http://x/")
    request.data.method = method.encode()
    if right:
        check_head(request)
    else:
        with pytest.raises(HeadRefused, match="the method is none"):
            check_head(request)


def test_a_field_that_goes_on_in_another_line_is_none() -> None:
    lines = [b"OPTIONS / HTTP/1.1", b"host: x", b"origin: https://app.example", b" x-evil: 1", b"\tmore", b"a: b"]
    assert fields_in(lines) == [(b"host", b"x"), (b"a", b"b")]
    assert fields_in(lines[:1]) == []
