"""The stream layer, event by event: requests that are too much, and what is no request."""

import json

import pytest

from addons.mitm import compat as fitting
from addons.stream import connection_end
from addons.stream.body_budget import OF_ONE
from addons.stream.intake import PIECE_BYTES
from tests.support.door import CHUNKED, DONE, POST, error_of, refusal
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, body_of, chunk, status_of
from tests.support.machine_drive import MachineDrive, PiecewiseAttempt


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


def test_a_mitmproxy_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "installed_version", lambda name: "13.0.1")
    with pytest.raises(fitting.UnfitMitmproxy, match=r"13\.0\.1.*12\.2"):
        fitting.check_mitmproxy()


def test_a_body_that_does_not_end_is_a_json_408() -> None:
    drive = Drive([FakeAttempt()])
    drive.client_sends(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n")
    for _ in range(29):
        drive.client_sends(b"x")
        drive.tick(10)
    assert drive.to_client == b""
    drive.tick(11)
    assert status_of(drive.to_client) == 408
    assert json.loads(body_of(drive.to_client))["error"]["code"] == "request_timeout"
    assert drive.client_closed()
    assert "request" not in drive.log
    drive.tick(connection_end.LINGER_S)
    assert drive.watch == set()


def test_a_body_that_comes_in_time_is_no_longer_watched() -> None:
    drive = Drive([FakeAttempt(total_s=2000, first_token_s=2000)])
    drive.client_sends(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
    drive.client_sends(b"}")
    drive.tick(301)
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    assert status_of(drive.to_client) == 200


@pytest.mark.parametrize("admitted", [True, False])
def test_only_who_is_admitted_is_told_to_go_on(admitted: bool) -> None:
    drive = Drive([FakeAttempt()], at_head=None if admitted else refusal())
    drive.client_sends(POST + b"content-length: 2\r\nexpect: 100-continue\r\n\r\n")
    if not admitted:
        assert status_of(drive.to_client) == 401
        return
    assert drive.to_client == b"HTTP/1.1 100 Continue\r\n\r\n"
    drive.client_sends(b"{}")
    drive.server_sends(OK + DONE + END)
    assert b"HTTP/1.1 200 OK" in drive.to_client


def test_a_body_that_is_refused_after_100_continue_is_told_why() -> None:
    drive = Drive([FakeAttempt()], body_limit=1000)
    drive.client_sends(POST + CHUNKED + b"expect: 100-continue\r\n\r\n")
    drive.client_sends(b"zz\r\n")
    assert status_of(drive.to_client.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")) == 400


def test_unfinished_bodies_of_one_address_are_refused_together() -> None:
    drive = Drive([FakeAttempt()])
    bodies = drive.deps.body_budget
    bodies.least_of_one = 0
    assert bodies.reserve(["address 127.0.0.1"], OF_ONE * drive.body_limit, drive.body_limit)
    drive.client_sends(POST + b"content-length: 900\r\n\r\nx")
    assert status_of(drive.to_client) == 429
    assert b"retry-after: 1" in drive.to_client
    assert error_of(drive.to_client)["code"] == "too_many_unfinished"
    assert bodies.total == OF_ONE * drive.body_limit


@pytest.mark.parametrize("end", ["whole", "left", "late", "too large"])
def test_a_body_that_ends_in_any_way_is_given_back(end: str) -> None:
    drive = Drive([FakeAttempt()])
    drive.client_sends(POST + CHUNKED + b"\r\n64\r\n" + b"x" * 100 + b"\r\n")
    assert drive.deps.body_budget.total == 100
    if end == "whole":
        drive.client_sends(END)
    elif end == "left":
        drive.client_leaves()
    elif end == "late":
        drive.tick(301)
    else:
        drive.client_sends(b"3e8\r\n" + b"x" * 1000)
    if end == "whole":  # it counts until the hooks say that its request is over
        assert drive.deps.body_budget.total == 100
        drive.deps.body_budget.ended(drive.flows[0].id)
    assert (drive.deps.body_budget.total, dict(drive.deps.body_budget.held)) == (0, {})


@pytest.mark.parametrize(
    ("framing", "held"), [(f"content-length: {PIECE_BYTES + 1}", True), ("content-length: 9", False)]
)
def test_a_large_body_is_not_read_before_its_head_is_judged(framing: str, held: bool) -> None:
    """What came meanwhile would all be kept; a small one is not worth a pause."""
    drive = Drive([FakeAttempt()], hold={"requestheaders"}, body_limit=2 * PIECE_BYTES)
    drive.client_sends(POST + framing.encode() + b"\r\n\r\n")
    assert drive.wire.is_held is held
    drive.complete()
    assert not drive.wire.is_held
    drive.client_sends(b"x" * (PIECE_BYTES + 1 if held else 9))
    drive.server_sends(OK + DONE + END)
    assert status_of(drive.to_client) == 200


def test_who_is_refused_at_the_head_of_a_large_body_is_held_no_more() -> None:
    drive = Drive([FakeAttempt()], hold={"requestheaders"}, at_head=refusal())
    drive.client_sends(POST + CHUNKED + b"\r\n")
    assert drive.wire.is_held
    drive.complete()
    assert (status_of(drive.to_client), drive.wire.is_held) == (401, False)


@pytest.mark.parametrize(("length", "status"), [(1000, None), (1001, 413)])
def test_a_body_may_be_as_large_as_the_limit(length: int, status: int | None) -> None:
    drive = MachineDrive(PiecewiseAttempt())
    drive.head_comes(content_length=str(length))
    assert (drive.head and drive.head.status_code) == status
