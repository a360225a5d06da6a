"""One tool call while its fragments come: who it is, what of its arguments was told, and where their JSON ends."""

import hashlib
from typing import Any, Final

from providers.formats.json_end import JsonEnd
from providers.formats.jsontext import loads

_QUOTED_LIMIT: Final = 1024 * 1024
"""Characters of arguments that are quoted once too often; longer ones are told as they are."""


class Call:
    """The call; the assembler (tools.py) decides what belongs to it."""

    __slots__ = (
        "_digest", "_quoted", "_quoted_size", "extra", "free", "held", "id", "index", "json", "name", "pending",
        "said_id", "size", "started",
    )  # fmt: skip

    def __init__(self, index: int) -> None:
        self.index = index
        self.said_id = ""
        self.id: str | None = None
        """The id to tell; None where the API gave none, or one that another call has already."""
        self.name = ""
        self.started = False
        self.free = False
        self.held = ""
        """The beginning of the arguments, while it may be an empty object before the real ones."""
        self.pending: list[str] = []
        self.extra: dict[str, Any] = {}
        self.json = JsonEnd()
        self.size = 0
        """Characters of the arguments that were told."""
        self._digest = hashlib.blake2b(digest_size=16)
        self._quoted: list[str] | None = None
        """The pieces of arguments that are a text with their JSON in it, which is told once it is whole."""
        self._quoted_size = 0

    @property
    def said(self) -> bool:
        """Whether anything was said of it: some APIs send empty calls beside every word."""
        return self.started or bool(self.said_id or self.name or self.pending) or not self.blank

    @property
    def blank(self) -> bool:
        """No arguments so far, not even an empty object."""
        return not self.json.begun and not self.held and self._quoted is None

    @property
    def open(self) -> bool:
        """Whether the arguments have begun and not ended."""
        if self._quoted is not None:
            return not self._ends_quoted()
        return not self.free and not self.json.ended and (self.json.begun or not self.whole_object)

    @property
    def broken_off(self) -> bool:
        """Whether the JSON of the arguments has begun and not ended."""
        if self._quoted is not None:
            return self.open
        return not self.free and (self.json.inside or self.held == "{")

    @property
    def whole_object(self) -> bool:
        """An empty object is all there is so far."""
        return "}" in self.held

    def read_now(self, arguments: str) -> str:
        """What is to be read of the next piece of the arguments: nothing while they are quoted once too often, a text
        instead of an object."""
        if self._quoted is None and self.blank and not self.free and arguments.lstrip()[:1] == '"':
            self._quoted = []
        if self._quoted is None:
            return arguments
        if self._quoted_size + len(arguments) > _QUOTED_LIMIT:
            quoted, self._quoted = self._quoted, None
            return "".join((*quoted, arguments))
        if arguments:
            self._quoted.append(arguments)
        self._quoted_size += len(arguments)
        return ""

    def rest(self) -> str:
        """The arguments that were held back to the end."""
        if self._quoted is None:
            return self.held
        quoted = "".join(self._quoted)
        value = loads(quoted.encode("utf-8", "surrogatepass"))
        if isinstance(value, str) and isinstance(loads(value.encode("utf-8", "surrogatepass")), dict):
            return value
        return quoted

    def _ends_quoted(self) -> bool:
        end = "".join((self._quoted or [])[-2:]).rstrip()
        return len(end) > 1 and end[-1] == '"' and end[-2] != "\\"

    def append(self, arguments: str) -> None:
        self.size += len(arguments)
        self._digest.update(arguments.encode("utf-8", "surrogatepass"))

    def same_as(self, arguments: str) -> bool:
        if len(arguments) != self.size:
            return False
        other = hashlib.blake2b(arguments.encode("utf-8", "surrogatepass"), digest_size=16)
        return other.digest() == self._digest.digest()
