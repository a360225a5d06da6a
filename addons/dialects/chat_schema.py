"""The form of a chat completions request, as far as its meaning depends on it. Unknown fields are kept."""

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

from addons.core.errors import GatewayError

MESSAGES_LIMIT: Final = 2000
ENTRIES_LIMIT: Final = 10_000
"""Parts and tool calls of all messages together."""
TOOLS_LIMIT: Final = 2000
STOP_CHARS: Final = 256

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
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    web_search_options: dict[str, Any] | None = None
    tools: Listed[ToolBody] | None = Field(default=None, max_length=TOOLS_LIMIT)
    tool_choice: StrictStr | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
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
    functions: Listed[ToolFunctionBody] | None = Field(default=None, max_length=TOOLS_LIMIT)
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
    def _stops_are_few_and_not_empty(cls, value: str | list[str] | None) -> str | list[str] | None:
        stops = [value] if isinstance(value, str) else value or []
        if len(stops) > 4:
            raise ValueError("at most 4 stop strings are possible")
        if any(not stop for stop in stops):
            raise ValueError("a stop string must not be empty")
        if any(len(stop) > STOP_CHARS for stop in stops):
            raise ValueError(f"a stop string must not be longer than {STOP_CHARS} characters")
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
    """Raises GatewayError where the messages have too many parts and tool calls: each costs microseconds to check."""
    entries = 0
    messages = raw.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            entries += sum(len(found) for name in _ENTRIES if isinstance(found := message.get(name), list))
    if entries > ENTRIES_LIMIT:
        told = f"the messages have {entries} parts and tool calls in all, more than {ENTRIES_LIMIT}"
        raise GatewayError(400, told, param="messages", code="too_many_values")


_ENTRIES: Final = ("content", "tool_calls")
