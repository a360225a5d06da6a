"""Whose body is waited for, and how it may come: through the whole gateway."""

import json

import pytest

from tests.support.served import Served
from tests.support.visit import KEY

CHAT = json.dumps({"model": "sandbox-large", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}).encode()
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
WITH_KEY = POST + f"authorization: Bearer {KEY}\r\n".encode()


@pytest.mark.parametrize("line", [b"content-length: 9900000", b"transfer-encoding: chunked"])
def test_without_a_key_the_answer_does_not_wait_for_the_body(gateway: Served, line: bytes) -> None:
    answer = gateway.exchange(POST + line + b"\r\nexpect: 100-continue\r\n\r\n", ends=False)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_api_key"


def test_an_answer_of_our_own_does_not_wait_for_a_body_either(gateway: Served) -> None:
    head = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n\r\n"
    assert gateway.exchange(head, ends=False).startswith(b"HTTP/1.1 200 ")


def test_with_a_key_the_client_is_told_to_go_on(gateway: Served) -> None:
    head = WITH_KEY + b"content-length: %d\r\nconnection: close\r\nexpect: 100-continue\r\n\r\n" % len(CHAT)
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert gateway.exchange(head, ends=False) == go_on
    told = gateway.exchange(head + CHAT, ends=False).removeprefix(go_on)
    assert told.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"data: [DONE]" in told


def test_trailers_are_read_past(gateway: Served) -> None:
    raw = WITH_KEY + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    raw += b"%x;ext=1\r\n%s\r\n0\r\nx-trailer: 1\r\n\r\n" % (len(CHAT), CHAT)
    assert b"data: [DONE]" in gateway.exchange(raw, ends=False)
