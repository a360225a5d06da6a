"""The secrets that a request brings for the servers of its tools (MCP): its provider gets them, and nobody else. Pure.

Anthropic: `mcp_servers[].authorization_token`. OpenAI: `authorization` and `headers` of a tool of type `mcp`.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from providers.formats.jsontext import mapping, text

LIMIT: Final = 50
"""Of one request."""
_LEAST, _MOST = 8, 8192
"""Characters: a shorter word would be hidden wherever it stands."""
_SCHEME: Final = "bearer "


def brought_secrets(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The values, each once."""
    found = (value for value in _values(fields) if _LEAST <= len(value) <= _MOST)
    return tuple(dict.fromkeys(islice(found, LIMIT)))


def _values(fields: Mapping[str, Any]) -> Iterator[str]:
    for server in _listed(fields.get("mcp_servers")):
        yield from _token(server.get("authorization_token"))
    tools = _listed(fields.get("tools"))
    later = (one for item in _listed(fields.get("input")) if item.get("type") == "additional_tools" for one in
             _listed(item.get("tools")))  # fmt: skip
    for tool in (*tools, *later):
        if tool.get("type") == "mcp":
            yield from _token(tool.get("authorization"))
            for value in mapping(tool.get("headers")).values():
                yield from _token(value)


def _token(value: object) -> Iterator[str]:
    """A token, without the scheme before it."""
    said = text(value).strip()
    yield said[len(_SCHEME) :].strip() if said[: len(_SCHEME)].lower() == _SCHEME else said


def _listed(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
