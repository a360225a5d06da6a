"""The events a decoder emits: small, frozen, one terminal (Finish or Failure) at the very end.

`choice` is the candidate's index (only official APIs asked for n > 1 use more than 0).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from providers.contract.errors import ProviderError

type FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class Event:
    """What all events are. An answer that is no text is another subclass, which nobody but its decoder and the encoders
    of its dialects knows: filters and the reader of answers pass on what they do not know, and take it for a word.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Text(Event):
    """The next piece of the answer."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Reasoning(Event):
    """The next piece of the model's thinking."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawn(Event):
    """All text, thinking, pictures and citations said so far are void; what is valid follows. In whole answers only."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta(Event):
    """A fragment of a tool call. `id` and `name` are set in the first fragment of an index only."""

    index: int
    id: str | None
    name: str | None
    arguments: str
    choice: int = 0
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Citation(Event):
    """A source of the answer. `mark` is the text in the answer that points at it (`[[3]]`), None for a plain list.

    `start`/`end` are character offsets of the mark in the answer text as delivered (all Text events joined).
    """

    url: str
    title: str
    mark: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Image(Event):
    """A picture the model made. `url` is http(s) or data:."""

    url: str
    alt: str = ""
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Verbatim(Event):
    """Bytes of an answer that goes to the client as it came: its form is the one that the client has asked in."""

    data: bytes
    content_type: str = ""
    """Said with the first of an answer, where the API alone knows it."""


@dataclass(frozen=True, slots=True)
class Issued(Event):
    """The account has something now that later requests name by this id (a file, a batch, an answer it keeps): they
    can be asked there alone. Before the Finish; no part of the answer."""

    kind: str
    """`response` for an answer that the provider keeps, `item` for a part of one, `file`, `batch`."""
    id: str
    document: bytes = b""
    """Of an answer: the whole of it, as the provider would give it again."""
    there: bool = True
    """Whether the account has it; of an answer that the provider has but named, only the gateway can keep it."""


@dataclass(frozen=True, slots=True)
class Revoked(Event):
    """What had this id at the account is there no more."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Usage(Event):
    """Token counts as the provider gives them. The last Usage of a stream wins."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    raw: Mapping[str, Any] | None = None
    """The provider's whole usage object, where it already has the OpenAI form (official APIs)."""
    written_tokens: int | None = None
    """Of the prompt, what the provider keeps from now on and asks another price for."""

    def with_spent(self, other: "Usage") -> "Usage":
        """The sum of the counts of two calls; `raw`, which is of one, is left out."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            _sum(self.reasoning_tokens, other.reasoning_tokens),
            _sum(self.cached_tokens, other.cached_tokens),
            written_tokens=_sum(self.written_tokens, other.written_tokens),
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)


@dataclass(frozen=True, slots=True)
class Passthrough(Event):
    """Fields of an OpenAI-form answer that have no event of their own (logprobs, refusal, system_fingerprint …).

    `scope` says where they stood: on the chunk/completion itself, on the choice, or on the delta/message.
    """

    scope: Literal["chunk", "choice", "delta"]
    fields: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Finish(Event):
    """The answer is complete. `others` holds (choice, reason) of the candidates beyond the first."""

    reason: FinishReason
    others: tuple[tuple[int, FinishReason], ...] = ()
    stop_sequence: str | None = None
    """The stop string that ended it, where it is known that one did."""


@dataclass(frozen=True, slots=True)
class Failure(Event):
    """The answer failed, before or after some of it was delivered."""

    error: ProviderError
    thought_alone: bool = False
    """The answer did end, and lacks its words alone: what was looked for may stand in the thinking before it."""
    told: bool = False
    """The answer's own bytes, which went before (Verbatim), tell the client: nothing is to be added to them."""
