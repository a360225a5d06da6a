"""What a model is shown before it answers, and what it answers, whatever the site's form. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that was offered; `parameters` is its JSON schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: str = ""
    """The name that people have for it, where the contract says that it is another."""

    @property
    def known(self) -> str:
        """The name that people have for it."""
        return self.elsewhere or self.name


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool, asked for by the model; `id` where one was given."""

    name: str
    arguments: Mapping[str, Any]
    id: str = ""

    def json(self) -> str:
        return json.dumps(self.arguments, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back."""

    text: str
    name: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation; `files` are descriptions of what the model sees beside the text."""

    role: str
    text: str = ""
    calls: Sequence[ToolCall] = ()
    results: Sequence[ToolResult] = ()
    files: Sequence[str] = ()
    tools: Sequence[Tool] = ()
    """Those that were listed with it."""

    @property
    def own_words(self) -> str:
        """The text without what coding agents put in for the model to know: <system-reminder> … </system-reminder>."""
        head, *asides = self.text.split("<system-reminder>")
        return (head + "".join(aside.partition("</system-reminder>")[2] for aside in asides)).strip()


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation up to the turn to be answered, with what the answer may and must be.

    `choice` is auto, none, required or a tool's name; `schema` a JSON schema of the answer, {} for any object.
    """

    turns: Sequence[Turn] = ()
    tools: Sequence[Tool] = ()
    choice: str = "auto"
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    mark: str = ""
    """Of the contract the tools were given in; nothing where they are native."""

    @property
    def asked_at(self) -> int:
        """Where the newest turn with a person's own words stands; -1 where none has any."""
        spoken = [at for at, turn in enumerate(self.turns) if turn.role == "user" and (turn.own_words or turn.files)]
        return spoken[-1] if spoken else -1

    @property
    def question(self) -> str:
        return self.turns[self.asked_at].own_words if self.asked_at >= 0 else ""

    @property
    def files(self) -> Sequence[str]:
        """What came with the newest words."""
        return self.turns[self.asked_at].files if self.asked_at >= 0 else ()

    @property
    def since(self) -> Sequence[Turn]:
        """The turns after the question: calls made for it, and their results."""
        return self.turns[self.asked_at + 1 :]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: words, calls, or a JSON value that a schema asked for; `reasoning` where the model chooses it."""

    text: str = ""
    calls: Sequence[ToolCall] = ()
    value: Any = None
    is_value: bool = False
    reasoning: str = ""
