"""Secrets as values: a request names the secrets it needs, and only the wire knows what they are.

    session.seal("token")              → Sealed
    "Bearer " + session.seal("token")  → Sealed, as part of a longer value

A Sealed is never text. What stands in a flow for it (`shown`) is a placeholder that opens nothing: no text is ever
searched for secrets to put in, so nobody gets one by writing its placeholder.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class SecretRef:
    """The name of one secret of one account, as in Credentials.values()."""

    provider: str
    account: str
    name: str

    @property
    def placeholder(self) -> str:
        """The placeholder that people see in its place."""
        return f"~sealed~{self.provider}~{self.account}~{self.name}~"


@dataclass(frozen=True, slots=True)
class HandedSecret:
    """A secret that a site has just handed out for the next calls: in no vault, and shown by its name as well."""

    name: str
    value: str = field(repr=False)

    @property
    def placeholder(self) -> str:
        return f"~handed-out~{self.name}~"


type Secret = SecretRef | HandedSecret
type ValueOf = Callable[[SecretRef], str]
"""Opens one secret."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A header's value, or a part of a URL, with secrets in it: plain text and secrets in their order."""

    parts: tuple[str | Secret, ...]

    def __add__(self, more: "Value") -> "Sealed":
        return Sealed((*self.parts, *_parts(more)))

    def __radd__(self, before: str) -> "Sealed":
        return Sealed((before, *self.parts))

    def __str__(self) -> NoReturn:
        """Raises TypeError: in an f-string it would become a placeholder that never opens."""
        raise TypeError("a sealed value is no text; join it with + or joined(), show it with .shown")

    @property
    def secrets(self) -> tuple[SecretRef, ...]:
        """Those of the session."""
        return tuple(part for part in self.parts if isinstance(part, SecretRef))

    @property
    def shown(self) -> str:
        """The text with placeholders."""
        return "".join(part if isinstance(part, str) else part.placeholder for part in self.parts)

    def opened(self, value_of: ValueOf) -> str:
        """The text with the secrets in it, for the wire alone."""
        return "".join(
            value_of(part) if isinstance(part, SecretRef) else part if isinstance(part, str) else part.value
            for part in self.parts
        )


type Value = str | Sealed


def shown(value: Value) -> str:
    """The value as it may be seen."""
    return value if isinstance(value, str) else value.shown


def opened(value: Value, value_of: ValueOf) -> str:
    """The value as it goes out."""
    return value if isinstance(value, str) else value.opened(value_of)


def joined(separator: str, values: Iterable[Value]) -> Value:
    """As str.join, empty values left out; text where nothing is sealed."""
    parts: list[str | Secret] = []
    text = ""
    """What has been joined behind the last secret."""
    begun = False
    for value in values:
        if not value:
            continue
        text, begun = (text + separator if begun else text), True
        for part in _parts(value):
            if isinstance(part, str):
                text += part
            else:
                parts += (text, part) if text else (part,)
                text = ""
    if not parts:
        return text
    return Sealed((*parts, text) if text else tuple(parts))


def secrets_of(value: Value) -> tuple[SecretRef, ...]:
    return () if isinstance(value, str) else value.secrets


def _parts(value: Value) -> tuple[str | Secret, ...]:
    return (value,) if isinstance(value, str) else value.parts
