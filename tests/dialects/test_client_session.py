"""The session a client names in its head, and its count of retries."""

import json
from typing import Any

import pytest

from addons.dialects.body import all_at_once
from addons.dialects.client_session import RETRY, SESSION, retries_in, session_in
from addons.dialects.registry import DIALECTS
from addons.dialects.routed_head import RoutedHead

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "user": "person", "prompt_cache_key": "cached"}


def head(**headers: str) -> RoutedHead:
    return RoutedHead(headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("name", SESSION)
def test_each_header_names_a_session(name: str) -> None:
    assert session_in(RoutedHead(headers={name: "ses_1"})) == "ses_1"


def test_the_first_one_counts_and_what_is_too_long_is_none() -> None:
    both = head(x_claude_code_session_id="claude", session_id="codex")
    assert session_in(both) == "claude"
    assert session_in(head()) is None
    assert session_in(head(session_id="")) is None
    assert session_in(head(session_id="x" * 300)) is None


@pytest.mark.parametrize(
    ("told", "times"), [("0", 0), ("2", 2), ("99", 99), ("", 0), ("-1", 0), ("x", 0), ("²", 0), ("1" * 5000, 0)]
)
def test_retries_are_counted_as_the_client_counts_them(told: str, times: int) -> None:
    assert retries_in({RETRY: told}) == times
    assert retries_in({}) == 0


@pytest.mark.parametrize("name", ["chat_completions", "completions"])
@pytest.mark.parametrize(("headers", "affinity"), [({}, "cached"), ({"x_session_affinity": "ses_1"}, "ses_1")])
def test_the_session_of_the_head_goes_before_what_a_body_says(name: str, headers: Any, affinity: str) -> None:
    dialect = next(one for one in DIALECTS if one.name == name)
    body = json.dumps(CHAT | {"prompt": "Hi"}).encode()
    parsed = all_at_once(dialect.read(body, 1000, head(**headers)))
    assert parsed.request.affinity == affinity
    assert {*SESSION, RETRY} <= set(dialect.routes[0].reads)
