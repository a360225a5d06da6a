"""Heads of requests to mitmweb: which Host is ours, and what body is to come."""

import pytest
from tornado.httputil import HTTPHeaders

from addons.mitm.web_heads import FIELDS, Refused, body_length, is_form, known_host, token_of


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8081", "127.9.9.9", "localhost", "LocalHost:9000", "[::1]:8081", "[::1]", "10.0.0.5"],
)
def test_our_own_names_are_known(host: str) -> None:
    assert known_host(host, "10.0.0.5", "10.0.0.5")


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.com", "evil.com:8081", "localhost.evil.com", "127.0.0.1.evil.com", "localhost.", "evil@127.0.0.1"),
        *(
            "2130706433",
            "0x7f000001",
            "10.0.0.6",
            "0.0.0.0",
            "[::1",
            "[::1]evil",
            "127.0.0.1, evil.com",
            "１２７.0.0.1",
        ),
    ],
)
def test_strangers_are_not(host: str) -> None:
    assert not known_host(host, "10.0.0.5", "10.0.0.5")


def test_the_configured_name_and_the_address_of_arrival_are_known() -> None:
    assert known_host("glass.lan:8081", "Glass.LAN", "192.168.1.4")
    assert known_host("192.168.1.4:8081", "0.0.0.0", "192.168.1.4")
    assert not known_host("", "", "192.168.1.4")


@pytest.mark.parametrize("told", ["-1", "+5", "1e3", "0x10", "5, 5", "９", "9" * 20, ""])
def test_odd_lengths_are_refused(told: str) -> None:
    with pytest.raises(Refused):
        body_length(HTTPHeaders({"Content-Length": told}))


def test_lengths_and_forms() -> None:
    assert body_length(HTTPHeaders({"Content-Length": "12"})) == 12
    assert body_length(HTTPHeaders()) == 0
    assert body_length(HTTPHeaders({"Transfer-Encoding": "chunked"})) is None
    assert is_form(HTTPHeaders({"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=utf-8"}))


@pytest.mark.parametrize(
    ("fields", "token"),
    [
        ("", ""),
        ("a=1", ""),
        ("token=x", "x"),
        ("token=x&token=y", "y"),
        ("token=%20x+", "x"),
        ("token=", ""),
        ("token=%FF", "\ufffd"),
    ],
)
def test_the_token_of_a_query_or_form(fields: str, token: str) -> None:
    assert token_of(fields) == token


def test_a_form_of_many_fields_is_refused() -> None:
    assert token_of("&".join(["a=1"] * (FIELDS - 1) + ["token=x"])) == "x"
    with pytest.raises(Refused) as caught:
        token_of("&".join(["a=1"] * FIELDS + ["token=x"]))
    assert (caught.value.status, str(caught.value)) == (400, f"more than {FIELDS} fields")


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data", "text/x-www-form-urlencoded"])
def test_what_is_no_form(kind: str) -> None:
    assert not is_form(HTTPHeaders({"Content-Type": kind}))
