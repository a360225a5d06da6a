"""The form of a chat completions request, as far as its meaning depends on it. Unknown fields are kept.

OpenBody    what the gateway itself has to know; an official API judges the rest of its requests itself
ChatBody    the whole form, which a web session needs: nobody behind it would say what is wrong
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StrictBool,
    StrictStr,
    field_validator,
    model_validator,
)

from addons.errors import GatewayError

MESSAGES_LIMIT: Final = 2000
OPEN_MESSAGES_LIMIT: Final = 50_000
ENTRIES_LIMIT: Final = 10_000
"""Parts and tool calls of all messages together."""
TOOLS_LIMIT: Final = 2000
STOPS_LIMIT: Final = 64
STOP_CHARS: Final = 1024
"""Of all stop strings together: each piece of an answer is searched for the beginning of each."""
EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
type Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "default", "auto"]
"""`default` and `auto` ask for nothing."""

type Listed[T] = Annotated[list[T], FailFast()]
"""A list whose first bad item ends its reading: one mistake is told, a million cost seconds."""
type Number = Annotated[float, Field(strict=True)]


def _without_fraction(value: object) -> object:
    """JSON has one kind of number: some clients write 1024 as 1024.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


FRACTIONLESS: Final = BeforeValidator(_without_fraction)
type Count = Annotated[int, Field(strict=True, ge=1), FRACTIONLESS]
type Whole = Annotated[int, Field(strict=True), FRACTIONLESS]


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class FunctionBody(_Open):
    name: StrictStr = Field(min_length=1)
    arguments: StrictStr = ""


class ToolCallBody(_Open):
    id: StrictStr = ""
    type: StrictStr = "function"
    function: FunctionBody | None = None

    @model_validator(mode="after")
    def _names_its_function(self) -> "ToolCallBody":
        if self.type == "function" and self.function is None:
            raise ValueError("a tool call of type 'function' needs the field 'function'")
        return self


class PartBody(_Open):
    type: StrictStr = Field(min_length=1)
    text: StrictStr | None = None
    image_url: dict[str, Any] | StrictStr | None = None

    @model_validator(mode="after")
    def _holds_what_it_says(self) -> "PartBody":
        if self.type == "text" and self.text is None:
            raise ValueError("a part of type 'text' needs the field 'text'")
        if self.type == "image_url":
            url = self.image_url.get("url") if isinstance(self.image_url, dict) else self.image_url
            if not isinstance(url, str) or not url:
                raise ValueError("a part of type 'image_url' needs image_url.url")
            detail = self.image_url.get("detail") if isinstance(self.image_url, dict) else None
            if not isinstance(detail, str | None):
                raise ValueError("image_url.detail must be text")
        return self


class MessageBody(_Open):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: StrictStr | Listed[PartBody] | None = None
    name: StrictStr | None = None
    tool_calls: Listed[ToolCallBody] | None = None
    tool_call_id: StrictStr | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "MessageBody":
        if self.role == "assistant":
            return self
        if self.content is None or self.content == []:
            raise ValueError(f"a message of role {self.role!r} needs content")
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a message of role 'tool' needs tool_call_id")
        return self


class ToolFunctionBody(_Open):
    name: StrictStr = Field(min_length=1)


class ToolBody(_Open):
    type: StrictStr = Field(min_length=1)
    function: ToolFunctionBody | None = None

    @model_validator(mode="after")
    def _names_its_function(self) -> "ToolBody":
        if self.type == "function" and self.function is None:
            raise ValueError("a tool of type 'function' needs the field 'function'")
        return self


class StreamOptions(_Open):
    include_usage: StrictBool | None = None


class OpenBody(_Open):
    model: StrictStr = Field(min_length=1, max_length=256)
    messages: Listed[dict[str, Any]] = Field(max_length=OPEN_MESSAGES_LIMIT)
    stream: StrictBool | None = None


class ChatBody(_Open):
    model: StrictStr = Field(min_length=1, max_length=256)
    messages: Listed[MessageBody] = Field(min_length=1, max_length=MESSAGES_LIMIT)
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    temperature: Number | None = Field(default=None, ge=0, le=2)
    top_p: Number | None = Field(default=None, ge=0, le=1)
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    stop: StrictStr | Listed[StrictStr] | None = None
    reasoning_effort: Effort | None = None
    web_search_options: dict[str, Any] | None = None
    tools: Listed[ToolBody] | None = None
    tool_choice: StrictStr | dict[str, Any] | None = None
    response_format: dict[str, Any] | Literal["text"] | None = None
    n: Annotated[int, Field(strict=True, ge=1, le=128), FRACTIONLESS] | None = None
    user: StrictStr | None = None
    prompt_cache_key: StrictStr | None = None
    presence_penalty: Number | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: Number | None = Field(default=None, ge=-2, le=2)
    logprobs: StrictBool | None = None
    top_logprobs: Annotated[int, Field(strict=True, ge=0, le=20), FRACTIONLESS] | None = None
    logit_bias: dict[str, Number] | None = None
    seed: Whole | None = None
    parallel_tool_calls: StrictBool | None = None
    functions: Listed[ToolFunctionBody] | None = None
    function_call: StrictStr | dict[str, Any] | None = None
    modalities: Listed[StrictStr] | None = None
    audio: dict[str, Any] | None = None
    prediction: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    store: StrictBool | None = None
    service_tier: StrictStr | None = None
    verbosity: StrictStr | None = None
    safety_identifier: StrictStr | None = None

    @field_validator("stop")
    @classmethod
    def _stops_are_few(cls, value: str | list[str] | None) -> str | list[str] | None:
        stops = [value] if isinstance(value, str) else value or []
        if len(stops) > STOPS_LIMIT:
            raise ValueError(f"at most {STOPS_LIMIT} stop strings are possible")
        if sum(map(len, stops)) > STOP_CHARS:
            raise ValueError(f"stop strings must not be longer than {STOP_CHARS} characters in all")
        return value

    @field_validator("logit_bias", mode="before")
    @classmethod
    def _biases_are_numbers(cls, value: object) -> object:
        """Before pydantic looks, which would collect a fault for each entry."""
        for bias in value.values() if isinstance(value, dict) else ():
            if isinstance(bias, bool) or not isinstance(bias, int | float):
                raise ValueError("every value must be a number")
        return value


def check_entries(raw: Mapping[str, Any]) -> None:
    """Raises GatewayError for more parts, tool calls and tools than are read here, whoever is to answer the request.

    Each costs microseconds, to check and to write again.
    """
    messages = raw.get("messages")
    entries = sum(
        _length(message.get(name))
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, dict)
        for name in _ENTRIES
    )
    if entries > ENTRIES_LIMIT:
        told = f"the messages have {entries} parts and tool calls in all, more than {ENTRIES_LIMIT}"
        raise GatewayError(400, told, param="messages", code="too_many_values")
    for name in _TOOLS:
        if (tools := _length(raw.get(name))) > TOOLS_LIMIT:
            told = f"{name} has {tools} entries, more than {TOOLS_LIMIT}"
            raise GatewayError(400, told, param=name, code="too_many_values")


_ENTRIES: Final = ("content", "tool_calls")
_TOOLS: Final = ("tools", "functions")


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
