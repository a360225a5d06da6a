"""Which web pages may read answers, and what a browser is told before they ask."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from addons.config.origins import origin_of
from addons.config.schema import Listen
from addons.ingress.cors import EXPOSED, METHODS, answer_headers, is_preflight, preflight_headers
from tests.support.harness import api
from tests.support.virtual_time import in_virtual_time

APP = "https://app.example"
ALLOWED = frozenset({APP, "http://localhost:3000"})


def told(origin: str | None, allowed: frozenset[str] = ALLOWED) -> dict[str, str]:
    return dict(answer_headers(origin, allowed))


def test_an_allowed_origin_is_named_and_may_read_the_headers() -> None:
    found = told(APP)
    assert (found["access-control-allow-origin"], found["vary"]) == (APP, "Origin")
    assert found["access-control-expose-headers"].split(", ") == list(EXPOSED)
    assert "access-control-allow-credentials" not in found


def test_every_header_of_ours_and_of_the_mirror_is_exposed_by_name() -> None:
    assert {"x-request-id", "retry-after", "retry-after-ms", "x-should-retry"} <= set(EXPOSED)
    assert {"x-glassgate-model", "x-glassgate-account", "x-glassgate-attempts"} <= set(EXPOSED)
    assert {"x-ratelimit-remaining-tokens", "x-glassgate-upstream-ratelimit-limit-requests"} <= set(EXPOSED)
    assert "x-glassgate-upstream-request-id" in EXPOSED
    assert "*" not in "".join(EXPOSED)


TRICKS = [
    "https://app.example:443",
    "https://app.example.",
    "https://app.example/",
    "https://app.example:4430",
    "HTTPS://app.example",
    "https://APP.example",
    "http://app.example",
    "https://app.example.evil.example",
    "https://evil.example#https://app.example",
    "https://app.example@evil.example",
    "https://app.example, https://evil.example",
    "https://app.example, https://app.example",
    "https://app.example\r\nx-evil: 1",
    " https://app.example",
    "https://app.example\x00",
    "null",
    "*",
    "",
    "https://app.example" + "a" * 65_000,
]


@pytest.mark.parametrize("origin", [None, *TRICKS])
def test_any_other_origin_is_told_nothing(origin: str | None) -> None:
    assert told(origin) == {"vary": "Origin"}


def test_where_no_page_may_ask_nothing_is_said() -> None:
    assert answer_headers(APP, frozenset()) == ()


def test_null_is_an_origin_only_where_it_is_listed() -> None:
    assert told("null", frozenset({"null"}))["access-control-allow-origin"] == "null"


# -- preflights -------------------------------------------------------------------------------------------------------
ASKED = {"origin": APP, "access-control-request-method": "POST"}


def test_what_a_preflight_is() -> None:
    assert is_preflight("OPTIONS", ASKED)
    assert not is_preflight("POST", ASKED)
    assert not is_preflight("OPTIONS", {"origin": APP})
    assert not is_preflight("OPTIONS", {"access-control-request-method": "POST"})


def test_a_preflight_is_answered_with_what_was_asked_for() -> None:
    names = "authorization,Content-Type, x-stainless-os ,anthropic-version,x-api-key"
    found = dict(preflight_headers({**ASKED, "access-control-request-headers": names}))
    assert (
        found["access-control-allow-headers"]
        == "authorization, content-type, x-stainless-os, anthropic-version, x-api-key"
    )
    assert found["access-control-allow-methods"] == METHODS
    assert int(found["access-control-max-age"]) > 0
    assert {"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"} <= set(
        found["vary"].split(", ")
    )
    assert "access-control-allow-private-network" not in found


def test_who_names_no_headers_may_send_the_usual_ones() -> None:
    assert "authorization" in dict(preflight_headers(ASKED))["access-control-allow-headers"]


def test_a_private_network_is_opened_when_asked() -> None:
    found = dict(preflight_headers({**ASKED, "access-control-request-private-network": "true"}))
    assert found["access-control-allow-private-network"] == "true"


@given(st.text(max_size=200) | st.text(",a- \r\n\x00*é", max_size=300))
def test_only_names_of_headers_are_repeated(asked: str) -> None:
    found = dict(preflight_headers({**ASKED, "access-control-request-headers": asked}))["access-control-allow-headers"]
    names = found.split(", ")
    assert all(name and name.isascii() and name.isprintable() and " " not in name for name in names)


def test_a_long_list_is_cut() -> None:
    asked = ",".join(f"x-{number}" for number in range(20_000))
    found = dict(preflight_headers({**ASKED, "access-control-request-headers": asked}))["access-control-allow-headers"]
    assert len(found.split(", ")) == 100
    long = dict(preflight_headers({**ASKED, "access-control-request-headers": "a" * 65_000}))
    assert "a" * 65 not in long["access-control-allow-headers"]


# -- config.yaml ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("https://app.example", "https://app.example"),
        (" HTTPS://App.Example:443/ ", "https://app.example"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://localhost:080", "http://localhost"),
        ("http://[::1]:5173", "http://[::1]:5173"),
        ("https://app.example:80", "https://app.example:80"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("null", "null"),
    ],
)
def test_origins_of_the_file_get_the_form_browsers_send(given: str, found: str) -> None:
    assert origin_of(given) == found
    assert Listen(allowed_origins=(given,)).allowed_origins == (found,)


@pytest.mark.parametrize(
    "given",
    [
        "*", "app.example", "localhost:3000", "https://app.example/chat", "https://*.example", "https://", "",
        "https://app.example:0", "https://app.example:65536", "https://a b", "https://user@app.example",
        "https://app.example?x", "https://a,https://b",
    ],
)  # fmt: skip
def test_what_is_no_origin_stops_the_start(given: str) -> None:
    with pytest.raises(ValidationError, match="origin"):
        Listen(allowed_origins=(given,))


HEADS = [
    pytest.param(b"no header\r\n\r\n", 400, id="malformed"),
    pytest.param(b"x: y\r\n" * 200 + b"\r\n", 431, id="too many fields"),
    pytest.param(b"x: y\r\n", 408, id="late"),
    pytest.param(b"authorization: Bearer nobody\r\n\r\n", 401, id="at the gate"),
]


@pytest.mark.parametrize(("rest", "status"), HEADS)
@in_virtual_time
async def test_a_page_may_read_how_its_request_was_refused_wherever_that_was(
    tmp_path: Path, rest: bytes, status: int
) -> None:
    async with api(tmp_path, f"listen: {{allowed_origins: ['{APP}']}}") as house:
        for origin, readable in ((APP, True), ("https://other.example", False)):
            visit = house.visit()
            head = f"GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1:8080\r\norigin: {origin}\r\n".encode()
            visit.client_sends(head + rest)
            await house.pass_s(31 if status == 408 else 0.001)
            got = visit.got
            assert got.status == (403 if status == 401 and not readable else status)
            assert (got.headers.get("access-control-allow-origin") == APP) is readable
            assert got.headers["vary"] == "Origin"
