"""What of an exchange the capture looks at."""

import gzip
import json

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from addons.capturing.flows import BODY_LIMIT_BYTES, BodyCopy, is_navigation, observed_exchange, origin, shows_body

JSON = {"content-type": "application/json; charset=utf-8"}


def flow(path: str = "/api/v1/auths/", headers: dict[str, str] | None = None) -> http.HTTPFlow:
    made = tflow.tflow(resp=True)
    made.request = http.Request.make("GET", f"https://chat.example{path}")
    made.response = http.Response.make(200, b"")
    made.response.headers = http.Headers([(k.encode(), v.encode()) for k, v in (headers or {}).items()])
    return made


@pytest.mark.parametrize(
    ("path", "headers", "shown"),
    [
        pytest.param("/api/v1/auths/", JSON, True, id="auths"),
        pytest.param("/api/v2/auths/refresh?x=1", JSON, True, id="refresh"),
        pytest.param("/api/v1/user-current", JSON, True, id="user"),
        pytest.param("/api/v1/auths/", {"content-type": "application/problem+json"}, True, id="json of a kind"),
        pytest.param("/api/v1/auths/", {**JSON, "content-length": str(BODY_LIMIT_BYTES + 1)}, False, id="too large"),
        pytest.param("/api/v1/auths/", {"content-type": "text/event-stream"}, False, id="stream"),
        pytest.param("/api/v1/auths/", {}, False, id="no type"),
        pytest.param("/api/chats?next=/auth", JSON, False, id="auth in the query alone"),
    ],
)
def test_only_small_json_about_signing_in_is_read(path: str, headers: dict[str, str], shown: bool) -> None:
    assert shows_body(flow(path, headers)) is shown


def test_a_copied_body_passes_as_it_comes() -> None:
    copy, body = BodyCopy(), gzip.compress(b'{"token":"t"}')
    pieces = [body[:5], body[5:], b""]
    assert [copy(piece) for piece in pieces] == pieces
    assert json.loads(copy.content("gzip")) == {"token": "t"}


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(b"x" * 101, "", id="too long"),
        pytest.param(gzip.compress(b"x" * 101), "gzip", id="too long when unpacked"),
        pytest.param(b"no gzip", "gzip", id="not what it says"),
        pytest.param(b"x", "unheard-of", id="unknown coding"),
    ],
)
def test_a_body_that_cannot_be_read_is_empty_and_passes_all_the_same(body: bytes, encoding: str) -> None:
    copy = BodyCopy(limit_bytes=100)
    assert copy(body) == body
    assert copy.content(encoding) == b""


def test_a_sighting_has_one_cookie_list_and_every_set_cookie() -> None:
    made = flow()
    made.request.headers = http.Headers([(b"Cookie", b"a=1"), (b"cookie", b"b=2"), (b"Authorization", b"Bearer t")])
    assert made.response
    made.response.headers.set_all("set-cookie", ["c=3; Path=/", "d=4"])
    seen = observed_exchange(made, b"{}")
    assert seen.cookies == {"a": "1", "b": "2"}
    assert seen.new_cookies == {"c": "3", "d": "4"}
    assert (seen.bearer, seen.status, seen.body) == ("t", 200, b"{}")
    assert seen.url == "https://chat.example/api/v1/auths/"
    assert "t" not in repr(seen).removeprefix("ObservedExchange")


def test_the_origin_is_where_the_request_goes_and_not_what_it_says() -> None:
    made = flow()
    made.request.headers["host"] = "elsewhere.example"
    assert origin(made.request) == "https://chat.example:443"


@pytest.mark.parametrize(
    ("method", "headers", "is_page"),
    [
        pytest.param("GET", {"accept": "text/html,*/*"}, True, id="old browser"),
        pytest.param(
            "GET", {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, True, id="page"
        ),
        pytest.param(
            "GET", {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, False, id="frame"
        ),
        pytest.param("GET", {"accept": "text/html", "sec-fetch-mode": "cors"}, False, id="script"),
        pytest.param("GET", {"accept": "application/json"}, False, id="data"),
        pytest.param("POST", {"accept": "text/html"}, False, id="form"),
    ],
)
def test_only_a_page_for_the_window_counts_as_navigation(method: str, headers: dict[str, str], is_page: bool) -> None:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert is_navigation(http.Request.make(method, "https://chat.example/", headers=fields)) is is_page
