"""How a response ends: what is said of it, and what it says itself."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Failure, Finish
from providers.openai.responses.ends import broken_off, end_of
from tests.providers.openai.responses.streams import call, custom, message, response

ERROR = {"code": "rate_limit_exceeded", "message": "slowly"}


@pytest.mark.parametrize(
    ("told", "end"),
    [
        ({}, Finish("stop")),
        ({"status": ""}, Finish("stop")),
        ({"status": "in_progress"}, Finish("stop")),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, Finish("length")),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, Finish("content_filter")),
        ({"status": "failed"}, ErrorKind.PROVIDER_DOWN),
        ({"status": "cancelled"}, ErrorKind.INCOMPLETE),
        ({"status": "failed", "error": ERROR}, ErrorKind.RATE_LIMITED),
        ({"error": ERROR}, ErrorKind.RATE_LIMITED),
    ],
    ids=str,
)
def test_one_that_is_said_to_be_complete_is_what_it_says_itself(told: dict[str, Any], end: Finish | ErrorKind) -> None:
    found = end_of({**response(message("Hello")), **told}, "completed", {})
    assert (found.error.kind if isinstance(found, Failure) else found) == end


@pytest.mark.parametrize(
    ("arguments", "cut"),
    [('{"a": 1}', False), ("", False), ("{}", False), ('{"a": "x', True), ("[1", True), ("words", False)],
)
def test_a_call_that_ends_in_the_middle_of_its_json_is_broken_off(arguments: str, cut: bool) -> None:
    assert broken_off(call("f", arguments)) is cut
    found = end_of(response(message("Hello"), call("f", arguments)), "completed", {})
    assert isinstance(found, Failure) is cut
    assert end_of(response(call("f", arguments)), "incomplete", {}) == Finish("length")


def test_the_input_of_a_custom_tool_may_be_anything() -> None:
    assert end_of(response(custom("patch", "{")), "completed", {}) == Finish("tool_calls")
