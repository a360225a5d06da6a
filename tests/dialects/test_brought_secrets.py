"""Secrets that a request brings for the servers of its tools."""

from typing import Any

import pytest

from addons.dialects.brought_secrets import LIMIT, brought_secrets

MCP: Any = {"type": "mcp", "authorization": "token-0123", "headers": {"X-Key": "other-0123", "n": 7}}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"mcp_servers": [{"authorization_token": "token-0123"}, {"url": "https://x"}]}, ("token-0123",)),
        ({"tools": [MCP]}, ("token-0123", "other-0123")),
        ({"input": [{"type": "additional_tools", "tools": [MCP]}]}, ("token-0123", "other-0123")),
        ({"tools": [MCP, MCP, {**MCP, "authorization": "Bearer token-0123"}]}, ("token-0123", "other-0123")),
        ({"tools": [{**MCP, "type": "function"}]}, ()),
        ({"mcp_servers": [{"authorization_token": "short"}, {"authorization_token": "x" * 9000}]}, ()),
        ({"mcp_servers": 7, "tools": "x", "input": [7]}, ()),
    ],
)
def test_they_are_found_where_the_forms_have_them(fields: Any, found: Any) -> None:
    assert brought_secrets(fields) == found


def test_they_are_few() -> None:
    many = [{"authorization_token": f"token-{number:06}"} for number in range(1000)]
    assert len(brought_secrets({"mcp_servers": many})) == LIMIT
