"""HAR as browsers export it: each entry an exchange."""

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.importing.contents import ImportProblem
from addons.importing.detect import read
from addons.importing.har import read_har
from providers.sandbox.tokens import jwt
from tests.support.hars import entry, har

NOW = time.time()

ZAI = jwt({"id": "user-1", "email": "me@example.com"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["request", "response", "headers", "url", "name", "value", "content", "text"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_entries_are_read(entries: list[Any]) -> None:
    assert read(json.dumps({"log": {"entries": entries}}).encode(), NOW).kind == "HAR"


def test_a_body_in_base64() -> None:
    packed = base64.b64encode(json.dumps({"token": ZAI}).encode()).decode()
    one = entry("https://chat.z.ai/api/v1/auths/")
    one["response"]["content"] = {"text": packed, "encoding": "base64"}
    assert ZAI.encode() in read(har(one), NOW).exchanges[0].body


def fields(*pairs: tuple[object, object]) -> list[dict[str, object]]:
    return [{"name": name, "value": value} for name, value in pairs]


@pytest.mark.parametrize(
    ("request_part", "headers"),
    [
        ({"headers": fields((":authority", "x"), ("A", "1"), ("a", "2"))}, {"a": "1, 2"}),
        ({"headers": fields(("Cookie", "a=1")), "cookies": fields(("b", "2"))}, {"cookie": "a=1"}),
        ({"headers": [], "cookies": fields(("a", "1"), ("b", "2"))}, {"cookie": "a=1; b=2"}),
        ({"headers": [5, None, {"name": ""}, {"name": "x"}, {"value": "y"}]}, {"x": ""}),
        ({"headers": {"name": "x"}, "cookies": "a=1"}, {}),
    ],
)
def test_headers_are_those_that_went_out(request_part: dict[str, Any], headers: dict[str, str]) -> None:
    """The list of cookies counts only where the browser gave no header of them; names with a colon are HTTP/2's own."""
    one = {"request": {"url": "https://chat.z.ai/", **request_part}}
    [seen] = read_har(har(one).decode()).exchanges
    assert (seen.method, dict(seen.headers)) == ("GET", headers)


@pytest.mark.parametrize("status", [0, -1, "200", None, 200])
def test_a_status_counts_where_there_was_an_answer(status: object) -> None:
    one = entry("https://chat.z.ai/")
    one["response"]["status"] = status
    assert read_har(har(one).decode()).exchanges[0].status == (200 if status == 200 else None)


def test_cookies_that_were_set_stand_one_a_line() -> None:
    one = entry("https://chat.z.ai/")
    one["response"]["headers"] = fields(("set-cookie", "a=1; Path=/\nb=2"), ("x", "y"), ("Set-Cookie", "c=3"))
    assert read_har(har(one).decode()).exchanges[0].set_cookies == ("a=1; Path=/", "b=2", "c=3")


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"text": "naïve"}, "naïve".encode()),
        ({"text": "half a letter \ud800"}, b"half a letter ?"),
        ({"text": "aGk=", "encoding": "base64"}, b"hi"),
        ({"text": "aGk", "encoding": "base64"}, b""),
        ({"text": "ü", "encoding": "base64"}, b""),
        ({"text": 5}, b""),
        (None, b""),
    ],
)
def test_bodies(content: object, body: bytes) -> None:
    one = entry("https://chat.z.ai/")
    one["response"]["content"] = content
    assert read_har(json.dumps({"log": {"entries": [one]}})).exchanges[0].body == body


@pytest.mark.parametrize("url", ["", "ws://chat.z.ai/", "data:text/plain,x", "chrome-extension://x/", 5])
def test_what_went_to_no_site_is_left_out(url: Any) -> None:
    found = read_har(har(entry(url), entry("http://127.0.0.1/")).decode())
    assert [seen.url for seen in found.exchanges] == ["http://127.0.0.1/"]


def test_a_har_without_credentials_says_how_to_export_one() -> None:
    assert "sensitive data" in read_har(har(entry("https://chat.z.ai/")).decode()).note
    for one in (entry("https://chat.z.ai/", cookie="x"), entry("https://chat.z.ai/", authorization="x")):
        assert read_har(har(one).decode()).note == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"log": {"entries": [', "cut off"),
        ('{"log": ' + "[" * 100_000, "cut off"),
        ("[]", "no log.entries"),
        ('{"log": {"entries": {}}}', "no log.entries"),
        ('{"log": []}', "no log.entries"),
    ],
)
def test_what_is_no_har_is_said(data: str, words: str) -> None:
    with pytest.raises(ImportProblem, match=words):
        read_har(data)
