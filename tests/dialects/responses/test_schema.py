"""All tools of a request, wherever they stand."""

from addons.dialects.responses.schema import all_tools


def test_tools_of_the_request_of_namespaces_and_of_items() -> None:
    space = {"type": "namespace", "name": "n", "tools": ["b", "c"]}
    raw = {"tools": ["a", space], "input": [{"type": "additional_tools", "tools": ["d", {**space, "name": 7}]}, "x"]}
    assert list(all_tools(raw)) == [("", "a"), ("n", "b"), ("n", "c"), ("", "d"), ("", "b"), ("", "c")]


def test_what_is_no_list_has_none() -> None:
    assert list(all_tools({"tools": {}, "input": "text"})) == []
    assert list(all_tools({"tools": [{"type": "namespace", "tools": 7}]})) == []
