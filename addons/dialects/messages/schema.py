"""The form of a request of Anthropic's Messages, as far as its meaning depends on it. Unknown fields are kept.

OpenBody       what the gateway itself has to know; an API of the same form judges the rest of its requests itself
MessagesBody   the fields beside the messages, which everybody else needs: nobody behind them would say what is wrong

What stands in the messages is checked where it is read (turns.py, blocks.py).
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator

from addons.dialects.chat_completions.schema import (
    ENTRIES_LIMIT,
    STOP_CHARS,
    STOPS_LIMIT,
    TOOLS_LIMIT,
    Count,
    Listed,
    Number,
)
from addons.errors import GatewayError

MESSAGES_LIMIT: Final = 10_000


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class MessagesTurn(_Open):
    role: StrictStr
    content: StrictStr | Listed[dict[str, Any]]


class CountBody(_Open):
    """A request to count tokens: what stands in it, and nothing of the answer."""

    model: StrictStr = Field(min_length=1, max_length=256)
    messages: Listed[MessagesTurn] = Field(min_length=1, max_length=MESSAGES_LIMIT)
    system: StrictStr | Listed[dict[str, Any]] | None = None


class OpenBody(CountBody):
    """What the gateway itself has to know of a request."""

    stream: StrictBool | None = None


class MessagesTool(_Open):
    type: StrictStr | None = None
    name: StrictStr | None = Field(default=None, max_length=256)
    description: StrictStr | None = None
    input_schema: dict[str, Any] | None = None


class MessagesToolChoice(_Open):
    type: StrictStr
    name: StrictStr | None = None
    disable_parallel_tool_use: StrictBool | None = None


class MessagesThinking(_Open):
    type: StrictStr


class MessagesBody(OpenBody):
    """The fields beside the messages."""

    max_tokens: Count | None = None
    temperature: Number | None = Field(default=None, ge=0, le=2)
    top_p: Number | None = Field(default=None, ge=0, le=1)
    stop_sequences: Listed[StrictStr] | None = None
    tools: Listed[MessagesTool] | None = None
    tool_choice: MessagesToolChoice | None = None
    thinking: MessagesThinking | None = None
    output_config: dict[str, Any] | None = None
    output_format: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None

    @field_validator("stop_sequences")
    @classmethod
    def _stops_are_few(cls, value: list[str] | None) -> list[str] | None:
        if len(value or ()) > STOPS_LIMIT:
            raise ValueError(f"at most {STOPS_LIMIT} stop sequences are possible")
        if sum(map(len, value or ())) > STOP_CHARS:
            raise ValueError(f"stop sequences must not be longer than {STOP_CHARS} characters in all")
        return value


def check_entries(raw: Mapping[str, Any]) -> None:
    """Raises GatewayError for more blocks and tools than are read here, whoever is to answer the request.

    Each costs microseconds, to check and to write again. The blocks of a tool's result count too.
    """
    messages = raw.get("messages")
    entries = _length(raw.get("system"))
    for message in messages if isinstance(messages, list) else ():
        blocks = message.get("content") if isinstance(message, dict) else None
        for block in blocks if isinstance(blocks, list) else ():
            entries += 1 + (_length(block.get("content")) if isinstance(block, dict) else 0)
    if entries > ENTRIES_LIMIT:
        told = f"the messages have {entries} blocks in all, more than {ENTRIES_LIMIT}"
        raise GatewayError(400, told, param="messages", code="too_many_values")
    if (tools := _length(raw.get("tools"))) > TOOLS_LIMIT:
        told = f"tools has {tools} entries, more than {TOOLS_LIMIT}"
        raise GatewayError(400, told, param="tools", code="too_many_values")


def _length(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
