"""All tools of a request, wherever they stand."""

import pytest

from addons.dialects.responses.schema import SPACE_CHARS, all_tools, check_entries
from addons.errors import GatewayError


def test_tools_of_the_request_of_namespaces_and_of_items() -> None:
    space = {"type": "namespace", "name": "n", "tools": ["b", "c"]}
    raw = {"tools": ["a", space], "input": [{"type": "additional_tools", "tools": ["d", {**space, "name": 7}]}, "x"]}
    assert list(all_tools(raw)) == [("", "a"), ("n", "b"), ("n", "c"), ("", "d"), ("", "b"), ("", "c")]


def test_what_is_no_list_has_none() -> None:
    assert list(all_tools({"tools": {}, "input": "text"})) == []
    assert list(all_tools({"tools": [{"type": "namespace", "tools": 7}]})) == []


def test_the_name_of_a_namespace_is_bounded_since_each_of_its_tools_is_told_under_it() -> None:
    tools = [{"type": "function", "name": f"f{number}"} for number in range(3)]
    check_entries({"tools": [{"type": "namespace", "name": "n" * SPACE_CHARS, "tools": tools}]})
    with pytest.raises(GatewayError, match="the name of a namespace is longer"):
        check_entries({"tools": [{"type": "namespace", "name": "n" * (SPACE_CHARS + 1), "tools": tools}]})
