"""Refusals that no hook has made: as an answer, as bytes, and as what the log is told."""

import socket
from collections.abc import Mapping

from mitmproxy import http
from mitmproxy.test import tflow

from addons.errors import GatewayError
from addons.stream.refusal import add_missing, closing, mark_refused, raw_refusal, refusal_of, turn_away

TOO_BIG = GatewayError(413, "too big", code="too_big")


def refuse(path: str, error: GatewayError, headers: Mapping[str, str], request_id: str) -> http.Response:
    program = headers.get("user-agent", "-")
    return http.Response.make(error.status, f"{path} {program} {error.message}", {"x-request-id": request_id})


def test_a_refusal_is_told_in_the_form_of_who_asks_and_closes_the_connection() -> None:
    answer = closing(refuse, "/v1/messages", TOO_BIG, [(b"User-Agent", b"claude-cli/2")])
    assert (answer.status_code, answer.text) == (413, "/v1/messages claude-cli/2 too big")
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-request-id"] != closing(refuse, "/", TOO_BIG).headers["x-request-id"]


def test_headers_that_an_answer_has_stay() -> None:
    answer = http.Response.make(200, b"", {"vary": "origin"})
    add_missing(answer, (("vary", "*"), ("x-more", "1")))
    assert (answer.headers["vary"], answer.headers["x-more"]) == ("origin", "1")


def test_the_error_of_a_flow_is_given_once() -> None:
    flow = tflow.tflow()
    assert refusal_of(flow) is None
    mark_refused(flow, TOO_BIG)
    found = refusal_of(flow)
    assert found is not None
    assert (found.status, found.message, found.code) == (413, "too big", "too_big")
    assert refusal_of(flow) is None


def test_bytes_of_a_refusal_are_an_answer_of_http_1() -> None:
    data = raw_refusal(refuse, TOO_BIG)
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in head
    assert body == b" - too big"


def test_who_has_no_room_is_told_so_and_let_go() -> None:
    here, there = socket.socketpair()
    with there:
        here.setblocking(False)
        turn_away(here, refuse)
        assert there.recv(65536).startswith(b"HTTP/1.1 503 ")
        assert there.recv(1) == b""


def test_who_has_gone_already_hurts_nobody() -> None:
    here, there = socket.socketpair()
    there.close()
    here.setblocking(False)
    turn_away(here, refuse)
