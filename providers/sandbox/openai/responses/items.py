"""What the Responses API refuses of the items of an input, in its words: kinds, parts, ids, calls and outputs. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.sandbox.openai.responses.refused import Refused, missing, unknown, unsupported

_FIELDS: Final[Mapping[str, str]] = {
    "message": "role content phase",
    "function_call": "call_id name arguments namespace caller",
    "function_call_output": "call_id output",
    "custom_tool_call": "call_id name input namespace caller",
    "custom_tool_call_output": "call_id output",
    "reasoning": "summary content encrypted_content",
    "item_reference": "",
    "web_search_call": "action",
    "compaction": "encrypted_content",
}
"""By kind: the fields beside `type`, `id` and `status`."""
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id", "output"),
    "reasoning": ("summary",),
    "item_reference": ("id",),
}
_BEGINS: Final = {
    "message": "msg",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "reasoning": "rs",
    "web_search_call": "ws",
}
"""How the id of an item of that kind begins."""
_ROLES: Final = ("assistant", "system", "developer", "user")
_PARTS: Final = {
    "assistant": ("output_text", "refusal"),
    "user": ("input_text", "input_image", "input_file"),
}
_OUTPUTS: Final = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


def items_of(given: Any) -> list[dict[str, Any]]:
    """The input as items: a string is one message of the user's, and a message may come without its type."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return [{"type": "message", **item} if "role" in item else dict(item) for item in given or ()]


def check_items(items: Sequence[Mapping[str, Any]]) -> None:
    """Raises Refused."""
    for at, item in enumerate(items):
        kind, where = str(item.get("type")), f"input[{at}]"
        if kind not in _FIELDS:
            raise unsupported(kind, tuple(_FIELDS), where)
        for name in item.keys() - {"type", "id", "status", *_FIELDS[kind].split()}:
            raise unknown(f"{where}.{name}")
        for name in _NEEDED.get(kind, ()):
            if item.get(name) is None:
                raise missing(f"{where}.{name}")
        begins = _BEGINS.get(kind)
        if begins and item.get("id") is not None and not str(item["id"]).startswith(begins):
            raise Refused(
                f"Invalid '{where}.id': '{item['id']}'. Expected an ID that begins with '{begins}'.",
                "invalid_value",
                f"{where}.id",
            )
        if kind == "message":
            _check_message(item, where)
        elif kind in _OUTPUTS.values():
            _check_parts(item["output"], _PARTS["user"], f"{where}.output")
    _check_pairs(items)
    _check_following(items)


def _check_message(item: Mapping[str, Any], where: str) -> None:
    role = item["role"]
    if role not in _ROLES:
        raise unsupported(role, _ROLES, where)
    _check_parts(item["content"], _PARTS.get(role, _PARTS["user"]), f"{where}.content")


def _check_parts(content: Any, kinds: Sequence[str], where: str) -> None:
    if isinstance(content, str):
        return
    for at, part in enumerate(content):
        if part.get("type") not in kinds:
            raise unsupported(part.get("type"), kinds, f"{where}[{at}]")
        if part["type"].endswith("_text") and not isinstance(part.get("text"), str):
            raise missing(f"{where}[{at}].text")
        address = part.get("image_url")
        if part["type"] == "input_image" and not isinstance(address, str | None):
            raise Refused(
                f"Invalid type for '{where}[{at}].image_url': expected an image URL, but got an object instead.",
                "invalid_type",
                f"{where}[{at}].image_url",
            )


def _check_pairs(items: Sequence[Mapping[str, Any]]) -> None:
    """Each call has its output, and each output its call."""
    for kind, output in _OUTPUTS.items():
        spoken = "function call" if kind == "function_call" else "custom tool call"
        calls = [str(item["call_id"]) for item in items if item["type"] == kind]
        outputs = [str(item["call_id"]) for item in items if item["type"] == output]
        for name in outputs:
            if name not in calls:
                raise Refused(f"No tool call found for {spoken} output with call_id {name}.", None, "input")
        for name in calls:
            if name not in outputs:
                raise Refused(f"No tool output found for {spoken} {name}.", None, "input")


def _check_following(items: Sequence[Mapping[str, Any]]) -> None:
    """Thoughts stand before what was said or called; sealed ones may stand alone (of an answer that broke off)."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        if (
            item["type"] != "reasoning"
            or item.get("encrypted_content")
            or (following is not None and following["type"] == "reasoning")
        ):
            continue
        if following is None or following.get("role") in ("user", "system", "developer") or "output" in following:
            raise Refused(
                f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.",
                None,
                "input",
            )
