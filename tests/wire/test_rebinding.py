"""Health and metrics over real sockets: neither a name that was bound to this machine nor a page reads them."""

import socket
from typing import Final

import pytest

from tests.support.processes import KEY, Gateway

PATHS: Final = ("/healthz", "/healthz/live", "/healthz/ready", "/metrics", "/", "/v1/models")
FOREIGN: Final = (
    "evil.example",
    "evil.example:PORT",
    "127.0.0.1.evil.example:PORT",
    "localhost.evil.example",
    "127.0.0.1:PORT@evil.example",
    "evil.example@127.0.0.1:PORT",
    "127.0.0.1:PORT.evil.example",
    "127.0.0.1,evil.example",
    "0.0.0.0:PORT",
    "127.1:PORT",
    "2130706433:PORT",
    "[::1].evil.example:PORT",
    "127.0.0.1:1",
    "",
)
ORIGINS: Final = ("https://evil.example", "http://127.0.0.1:PORT", "http://localhost:PORT", "null", "")


def said(gateway: Gateway, path: str, *fields: str, method: str = "GET", version: str = "1.1") -> bytes:
    """All that comes for a request of exactly these header fields."""
    lines = [f"{method} {path} HTTP/{version}", *fields, "Connection: close", "", ""]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as sock:
        sock.sendall("\r\n".join(lines).replace("PORT", str(gateway.port)).encode())
        return b"".join(iter(lambda: sock.recv(65536), b""))


def told_nothing(answer: bytes) -> bool:
    """Whether it is a refusal in which nothing of the gateway's state stands."""
    return answer.split(b" ", 2)[1][:1] == b"4" and b'"status"' not in answer and b"glassgate_requests" not in answer


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_name_reads_nothing(gateway: Gateway, path: str) -> None:
    for host in FOREIGN:
        answer = said(gateway, path, f"Host: {host}", f"Authorization: Bearer {KEY}")
        assert told_nothing(answer), (host, answer)
    assert b" 403 " in said(gateway, path, "Host: evil.example")


@pytest.mark.parametrize("path", PATHS)
def test_no_second_name_and_no_other_form_leads_around_it(gateway: Gateway, path: str) -> None:
    key = f"Authorization: Bearer {KEY}"
    for fields in (
        ("Host: 127.0.0.1:PORT", "Host: evil.example"),
        ("Host: evil.example", "Host: 127.0.0.1:PORT"),
        ("Host: evil.example", "X-Forwarded-Host: 127.0.0.1:PORT"),
        ("Host: evil.example", "Forwarded: host=127.0.0.1"),
    ):
        answer = said(gateway, path, *fields, key)
        assert told_nothing(answer), (fields, answer)
    for target in (f"http://127.0.0.1:PORT{path}", f"http://evil.example{path}"):
        answer = said(gateway, target, "Host: 127.0.0.1:PORT", key)
        assert told_nothing(answer), (target, answer)
    assert told_nothing(said(gateway, path, key, version="1.0")), "no name at all"


@pytest.mark.parametrize("path", PATHS)
def test_a_page_reads_nothing(gateway: Gateway, path: str) -> None:
    """Neither by itself nor after it has asked whether it may."""
    for origin in ORIGINS:
        for method in ("GET", "HEAD", "OPTIONS"):
            more = ("Access-Control-Request-Method: GET",) if method == "OPTIONS" else ()
            fields = ("Host: 127.0.0.1:PORT", f"Origin: {origin}", *more, f"Authorization: Bearer {KEY}")
            answer = said(gateway, path, *fields, method=method)
            assert told_nothing(answer), (origin, method, answer)
            assert b"access-control-allow-origin" not in answer.lower()


@pytest.mark.parametrize("path", PATHS)
def test_a_program_of_this_machine_reads_them(gateway: Gateway, path: str) -> None:
    for host in ("127.0.0.1:PORT", "localhost:PORT"):
        answer = said(gateway, path, f"Host: {host}", f"Authorization: Bearer {KEY}")
        assert answer.startswith(b"HTTP/1.1 200"), answer
