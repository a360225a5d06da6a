"""A multipart/form-data body as it came, with its parts: for an API of the same form."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormPart:
    """A part of a form as it came: its head's lines by name, and its content."""

    headers: tuple[tuple[str, str], ...]
    name: str
    data: bytes

    @property
    def is_file(self) -> bool:
        """Whether its head names a file."""
        return any(name.lower() == "content-disposition" and "filename" in value for name, value in self.headers)


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart/form-data body, for an API of the same form."""

    body: bytes
    content_type: str
    """With the boundary in it."""
    boundary: bytes
    parts: tuple[FormPart, ...]
    """Those that are whole."""
    goes_on: FormPart | None = None
    """The part in the middle of which `body` ends, or behind which more comes: its head, without what has come of it.
    The rest is passed on while it comes."""
    rest_at: int = 0
    """Where in `body` the content of that part begins."""

    def with_fields(self, values: Mapping[str, bytes | None]) -> bytes:
        """The body with other values of some of its fields, or without them (None); as it came where nothing is to be
        changed."""
        if all(part.data == values.get(part.name, part.data) for part in self.parts):
            return self.body
        out: list[bytes] = []
        for part in self.parts:
            data = values.get(part.name, part.data)
            if data is not None:
                out += (*self._head(part), data, b"\r\n")
        if self.goes_on is not None:
            return b"".join((*out, *self._head(self.goes_on), self.body[self.rest_at :]))
        return b"".join((*out, b"--", self.boundary, b"--\r\n"))

    def _head(self, part: FormPart) -> tuple[bytes, ...]:
        head = "".join(f"{name}: {value}\r\n" for name, value in part.headers).encode()
        return b"--", self.boundary, b"\r\n", head, b"\r\n"
