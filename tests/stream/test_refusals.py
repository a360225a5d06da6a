"""Refusals that no hook has made, at each client's own path: its envelope, and the form that its program stops at."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from addons.stream.body_budget import OF_ONE
from tests.support.drive import Drive

HOST = b"host: 127.0.0.1\r\n"
CLAUDE_CODE = b"user-agent: claude-cli/2.1.332 (external, sdk-cli)\r\n"
CODEX = b"originator: codex_exec\r\naccept: text/event-stream\r\n"


def too_large(drive: Drive, head: bytes) -> None:
    drive.client_sends(head + b"content-length: 9999999\r\n\r\n")


def grown_too_large(drive: Drive, head: bytes) -> None:
    drive.client_sends(head + b"transfer-encoding: chunked\r\n\r\n" + b"7d0\r\n" + b"x" * 2000 + b"\r\n")


def broken(drive: Drive, head: bytes) -> None:
    drive.client_sends(head + b"transfer-encoding: chunked\r\n\r\nnot a size\r\n")


def slow_body(drive: Drive, head: bytes) -> None:
    drive.client_sends(head + b"content-length: 10\r\n\r\n1")
    drive.tick(1000)


def slow_head(drive: Drive, head: bytes) -> None:
    drive.client_sends(head)
    drive.tick(1000)


def long_head(drive: Drive, head: bytes) -> None:
    drive.client_sends(head + b"x: y\r\n" * 200 + b"\r\n")


def crowded(drive: Drive, head: bytes) -> None:
    bodies = drive.deps.body_budget
    bodies.least_of_one = 0
    assert bodies.reserve(["address 127.0.0.1"], OF_ONE * drive.body_limit, drive.body_limit)
    drive.client_sends(head + b"content-length: 10\r\n\r\n1")


ALL: list[tuple[Callable[[Drive, bytes], None], int]] = [
    (too_large, 413),
    (grown_too_large, 413),
    (broken, 400),
    (slow_body, 408),
    (slow_head, 408),
    (long_head, 431),
    (crowded, 429),
]


def refused(how: Callable[[Drive, bytes], None], path: bytes, fields: bytes) -> tuple[int, dict[str, str], bytes]:
    drive = Drive([], body_limit=1000)
    how(drive, b"POST " + path + b" HTTP/1.1\r\n" + HOST + fields)
    head, _, body = drive.to_client.partition(b"\r\n\r\n")
    first, *lines = head.decode().lower().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize(("how", "status"), ALL)
def test_each_form_has_its_own_envelope(how: Callable[[Drive, bytes], None], status: int) -> None:
    found, headers, body = refused(how, b"/v1/messages?beta=true", b"")
    told: Any = json.loads(body)
    assert (found, told["type"]) == (status, "error")
    assert set(told["error"]) == {"type", "message"}
    assert told["request_id"] == headers["request-id"] == headers["x-request-id"]
    found, headers, body = refused(how, b"/v1/responses", b"")
    assert (found, set(json.loads(body)["error"])) == (status, {"message", "type", "param", "code"})
    assert "request-id" not in headers


@pytest.mark.parametrize(("how", "status"), ALL)
def test_claude_code_and_codex_are_told_in_the_form_they_stop_at(
    how: Callable[[Drive, bytes], None], status: int
) -> None:
    found, headers, body = refused(how, b"/v1/messages", CLAUDE_CODE)
    passes = status == 429
    assert (found, headers.get("x-should-retry")) == ((429, None) if passes else (502, "false"))
    assert ("retry-after" in headers) is passes
    assert json.loads(body)["type"] == "error"
    found, headers, body = refused(how, b"/v1/responses", CODEX)
    assert (found, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert body.startswith(b"event: response.created")
    assert b"event: response.failed" in body
    assert headers["connection"] == "close"
