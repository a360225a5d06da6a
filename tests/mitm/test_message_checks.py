"""mitmproxy's type check of messages: the same verdicts, asked for once."""

import dataclasses
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from mitmproxy import http
from mitmproxy.http import MessageData, RequestData, ResponseData

from addons.mitm.message_checks import remember_message_checks
from tests.support.counting import work_of

WELL: dict[type, dict[str, Any]] = {
    RequestData: {"host": "h", "port": 80, "method": b"GET", "scheme": b"http", "authority": b"", "path": b"/"},
    ResponseData: {"status_code": 200, "reason": b"OK"},
}
BOTH = {"http_version": b"HTTP/1.1", "headers": http.Headers(), "content": b"", "trailers": None}
TIMES = {"timestamp_start": 1.0, "timestamp_end": None}
VALUES = ["text", b"bytes", 1, 1.5, True, None, http.Headers(), (), []]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with patch.object(MessageData, "__post_init__", MessageData.__post_init__):
        yield


def verdict(kind: type, **fields: Any) -> str:
    try:
        kind(**fields)
    except TypeError as e:
        return str(e)
    return "well"


@pytest.mark.parametrize("kind", [RequestData, ResponseData])
def test_each_value_of_each_field_is_judged_as_ever_however_often(kind: type) -> None:
    tried = [WELL[kind] | BOTH | TIMES | {field.name: value} for field in dataclasses.fields(kind) for value in VALUES]
    before = [verdict(kind, **fields) for fields in tried]
    remember_message_checks()
    for _ in range(2):
        assert [verdict(kind, **fields) for fields in tried] == before
    assert 0 < before.count("well") < len(before)


def test_messages_as_scripts_make_them_are_what_they_were() -> None:
    def made() -> list[Any]:
        one = http.Response.make(418, "tea", {"x": "y"})
        other = http.Request.make("POST", "http://h:81/p?q=1", b"body", [(b"a", b"b")])
        other.host, other.headers["c"] = "other", "d"
        return [one.get_state() | TIMES, other.get_state() | TIMES, one.copy().content, other.copy().url]

    before = made()
    remember_message_checks()
    assert made() == before
    with pytest.raises(TypeError, match="status_code"):
        http.Response(b"HTTP/1.1", "200", b"OK", http.Headers(), b"", None, 1.0, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Content must be bytes"):
        http.Response(b"HTTP/1.1", 200, b"OK", http.Headers(), "text", None, 1.0, None)  # type: ignore[arg-type]


def test_a_message_costs_a_part_of_the_check() -> None:
    fields = WELL[RequestData] | BOTH | TIMES
    checked = work_of(lambda: RequestData(**fields))[1]
    remember_message_checks()
    RequestData(**fields)
    assert work_of(lambda: RequestData(**fields))[1] * 8 < checked
