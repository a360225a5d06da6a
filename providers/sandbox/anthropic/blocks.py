"""What the Messages API refuses of content blocks: their fields, and what must not be empty. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final


class Refused(Exception):
    """A request that is refused with 400; the text is the API's."""


def extra(where: str) -> Refused:
    """A field that nobody knows there."""
    return Refused(f"{where}: Extra inputs are not permitted")


_FIELDS: Final[Mapping[str, str]] = {
    "text": "text cache_control citations",
    "image": "source cache_control",
    "document": "source title context citations cache_control",
    "search_result": "source title content citations cache_control",
    "tool_use": "id name input cache_control caller toolset_name",
    "tool_result": "tool_use_id content is_error cache_control",
    "thinking": "thinking signature",
    "redacted_thinking": "data",
    "server_tool_use": "id name input cache_control caller",
    "web_search_tool_result": "tool_use_id content cache_control caller",
    "tool_reference": "tool_name cache_control",
    "container_upload": "file_id cache_control",
}
"""By the kind of block: its fields beside `type`."""
_OF_ASSISTANT: Final = frozenset(
    ("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result")
)
_OF_USER: Final = frozenset(
    ("text", "image", "document", "search_result", "tool_result", "container_upload", "tool_reference")
)
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "text": ("text",),
    "image": ("source",),
    "document": ("source",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
    "thinking": ("thinking", "signature"),
    "redacted_thinking": ("data",),
}
_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_MARKS: Final = 4


def check_blocks(blocks: Iterable[Any], where: str, role: str = "system") -> None:
    """Raises Refused. `where` is the path of the list."""
    for at, block in enumerate(blocks):
        path = f"{where}.{at}"
        kind = str(block.get("type") if isinstance(block, Mapping) else None)
        known = _FIELDS.get(kind)
        if known is None:
            raise Refused(f"{path}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
        if kind not in {"assistant": _OF_ASSISTANT, "user": _OF_USER, "system": {"text"}}[role]:
            raise Refused(f"{path}: `{kind}` blocks are not permitted in {role} messages")
        for name in block.keys() - {"type", *known.split()}:
            raise extra(f"{path}.{kind}.{name}")
        for name in _NEEDED.get(kind, ()):
            if block.get(name) is None:
                raise Refused(f"{path}.{kind}.{name}: Field required")
        _check_inside(kind, block, path)


def _check_inside(kind: str, block: Mapping[str, Any], path: str) -> None:
    """Of one block."""
    match kind:
        case "text":
            if not str(block["text"]):
                raise Refused("messages: text content blocks must be non-empty")
            if not str(block["text"]).strip():
                raise Refused("messages: text content blocks must contain non-whitespace text")
        case "tool_use":
            if not _ID.fullmatch(str(block["id"])):
                raise Refused(f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
            if not isinstance(block["input"], Mapping):
                raise Refused(f"{path}.tool_use.input: Input should be an object")
        case "tool_result":
            content = block.get("content")
            if not isinstance(content, str | list | None):
                raise Refused(f"{path}.tool_result.content: Input should be a valid string or list")
            check_blocks(content if isinstance(content, list) else (), f"{path}.tool_result.content", "user")
        case "image" | "document":
            source = block["source"]
            if not isinstance(source, Mapping) or source.get("type") not in (
                "base64",
                "url",
                "file",
                "text",
                "content",
            ):
                raise Refused(
                    f"{path}.{kind}.source: Input tag found using 'type' does not match any of the expected tags"
                )
            _check_source(kind, source, path)


def _check_source(kind: str, source: Mapping[str, Any], path: str) -> None:
    if source["type"] != "base64":
        return
    given = source.get("media_type")
    known = ("image/jpeg", "image/png", "image/gif", "image/webp") if kind == "image" else ("application/pdf",)
    if given not in known:
        wanted = ", ".join(f"'{name}'" for name in known)
        raise Refused(f"{path}.{kind}.source.base64.media_type: Input should be {wanted}")
    data = source.get("data")
    if not isinstance(data, str) or not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", data) or not data:
        raise Refused(f"{path}.{kind}.source.base64.data: Invalid base64 data")


def check_marks(body: Mapping[str, Any]) -> None:
    """Raises Refused for more breakpoints of the prompt cache than there may be."""
    found = _marks([body.get("tools"), body.get("system"), body.get("messages")]) + bool(body.get("cache_control"))
    if found > _MARKS:
        raise Refused(f"A maximum of {_MARKS} blocks with cache_control may be provided. Found {found}.")


def _marks(value: Any) -> int:
    if isinstance(value, Mapping):
        return bool(value.get("cache_control")) + _marks(value.get("content"))
    return sum(map(_marks, value)) if isinstance(value, list) else 0
