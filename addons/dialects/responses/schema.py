"""The form of a request of /v1/responses, as far as its meaning depends on it. Unknown fields change nothing.

OpenResponse    what the gateway itself has to know; an API of the same form judges the rest itself
ResponseBody    the whole form, which a web session needs: nobody behind it would say what is wrong
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from addons.dialects.body import bad_request
from addons.dialects.chat_completions.schema import ENTRIES_LIMIT, TOOLS_LIMIT, Count, Number

SPACE_CHARS: Final = 512
"""Of the name of a namespace, which all of its tools are told under."""
ITEMS_LIMIT: Final = 20_000
"""Items of a request: a call, its result and the thinking before them are three."""
_LISTS: Final = ("content", "output", "summary")
_UNSERVED: Final[Mapping[str, tuple[object, ...]]] = {
    "background": (None, False),
    "conversation": (None,),
    "prompt": (None,),
}
"""Fields that ask for something kept or done elsewhere, with the values that change nothing."""
_INSTEAD: Final[Mapping[str, str]] = {
    "background": "Answers are given while the request is open: ask for a stream.",
    "conversation": "Go on from an answer by previous_response_id, or send the whole conversation as input.",
    "prompt": "Prompts are not stored here: send the text as instructions and input.",
}


class OpenResponse(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: StrictStr = Field(min_length=1, max_length=256)
    input: StrictStr | list[Any] | None = None
    stream: StrictBool | None = None
    previous_response_id: StrictStr | None = Field(default=None, max_length=256)


class ResponseBody(OpenResponse):
    instructions: StrictStr | None = None
    store: StrictBool | None = None
    temperature: Number | None = Field(default=None, ge=0, le=2)
    top_p: Number | None = Field(default=None, ge=0, le=1)
    max_output_tokens: Count | None = None
    tools: list[Any] | None = None
    tool_choice: StrictStr | dict[str, Any] | None = None
    parallel_tool_calls: StrictBool | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    include: list[Any] | None = None
    background: StrictBool | None = None
    conversation: StrictStr | dict[str, Any] | None = None
    prompt: dict[str, Any] | None = None


def check_served(raw: Mapping[str, Any]) -> None:
    """Raises GatewayError (400) for what is served nowhere here, by name."""
    for name, neutral in _UNSERVED.items():
        if raw.get(name) not in neutral:
            raise bad_request(f"{name} is not served here. {_INSTEAD[name]}", name, "unsupported_parameter")


def check_entries(raw: Mapping[str, Any]) -> None:
    """Raises GatewayError (400) for more items, parts and tools than are read here, whoever is to answer."""
    items = raw.get("input")
    if not isinstance(items, list):
        items = []
    if len(items) > ITEMS_LIMIT:
        raise bad_request(f"input has {len(items)} items, more than {ITEMS_LIMIT}", "input", "too_many_values")
    objects = [item for item in items if isinstance(item, dict)]
    parts = sum(_length(item.get(name)) for item in objects for name in _LISTS)
    if parts > ENTRIES_LIMIT:
        told = f"the items of input have {parts} parts in all, more than {ENTRIES_LIMIT}"
        raise bad_request(told, "input", "too_many_values")
    spaces = [len(space) for space, _ in all_tools(raw)]
    if max(spaces, default=0) > SPACE_CHARS:
        raise bad_request(f"tools: the name of a namespace is longer than {SPACE_CHARS} characters", "tools")
    if (tools := len(spaces)) > TOOLS_LIMIT:
        raise bad_request(f"tools has {tools} entries, more than {TOOLS_LIMIT}", "tools", "too_many_values")


def all_tools(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tools of a request, also those that items bring later, each with the namespace it is in, or nothing."""
    items = raw.get("input")
    lists = [raw.get("tools")]
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("type") == "additional_tools":
            lists.append(item.get("tools"))
    for tools in lists:
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and tool.get("type") == "namespace":
                inner, name = tool.get("tools"), tool.get("name")
                space = name if isinstance(name, str) else ""
                yield from ((space, one) for one in (inner if isinstance(inner, list) else ()))
            else:
                yield "", tool


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
