"""The stream layer, event by event: requests that are too much, and what is no request."""

import json

import pytest

from addons.mitm import compat as fitting
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, body_of, chunk, status_of


@pytest.mark.parametrize("framing", ["content-length: 2000", "transfer-encoding: chunked"])
def test_a_body_over_the_limit_is_a_json_413(framing: str) -> None:
    drive = Drive([FakeAttempt()], body_limit=1000)
    drive.client_sends(f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n".encode())
    body = b"x" * 2000
    drive.client_sends(body if "length" in framing else chunk(body) + END)
    assert status_of(drive.to_client) == 413
    assert json.loads(body_of(drive.to_client))["error"]["code"] == "request_too_large"
    assert drive.client_closed()
    assert "request" not in drive.log


def test_an_endless_body_over_the_limit_is_cut_off() -> None:
    drive = Drive([FakeAttempt()], body_limit=1000)
    drive.client_sends(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    piece = chunk(b"x" * 1024 * 1024)
    for _ in range(40):
        if drive.client_closed():
            break
        drive.client_sends(piece)
    assert drive.client_closed()


def test_an_endless_head_is_a_json_431() -> None:
    drive = Drive([])
    drive.client_sends(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)
    assert status_of(drive.to_client) == 431
    assert drive.client_closed()


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


def test_a_mitmproxy_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "installed_version", lambda name: "13.0.1")
    with pytest.raises(fitting.UnfitMitmproxy, match=r"13\.0\.1.*12\.2"):
        fitting.check_mitmproxy()
