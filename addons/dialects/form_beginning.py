"""A multipart/form-data body read while it comes: all before the content of its first file, then whether the rest may
be passed on; without I/O.

What stands before a file says whom to ask; what follows can be passed on as bytes. The parser is Werkzeug's.
"""

from collections.abc import Container
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from addons.dialects.body import bad_request
from addons.dialects.form import (
    BUFFER_BYTES,
    NOT_WHOLE,
    PARTS_LIMIT,
    SLICE_BYTES,
    TOO_MANY_PARTS,
    boundary_of,
    check_nothing_behind,
    check_told_once,
    is_sound,
)
from addons.errors import GatewayError
from providers.contract.form import Form, FormPart

BEGINNING_BYTES: Final = 1024 * 1024
"""For all that stands before the content of a file."""
_LINE_END: Final = b"\r\n"


class Came(Enum):
    """How far a form has come."""

    WAITS = auto()
    """More has to come before that can be said."""
    AT_FILE = auto()
    """All before the content of a file: `form` has it."""
    TO_BE_WHOLE = auto()
    """It has no file, or cannot be told from its beginning: it is to be read whole, which also says what is wrong."""


class FormBeginning:
    """Reads one form. Behind AT_FILE the rest goes to `rest`, and `end` is called; behind TO_BE_WHOLE nothing is."""

    def __init__(self, content_type: str) -> None:
        """Raises GatewayError (400) where the content type names no boundary."""
        from werkzeug.sansio.multipart import MultipartDecoder  # (here, since it takes a while)

        self.state = Came.WAITS
        self.form: Form | None = None
        self._content_type = content_type
        self._boundary = boundary_of(b"", content_type)
        self._decoder = MultipartDecoder(self._boundary, BUFFER_BYTES, max_parts=PARTS_LIMIT)
        self._body = bytearray()
        self._unread = b""
        """Of the rest, what has come with the beginning."""
        self._parts: list[FormPart] = []
        self._headers: tuple[tuple[str, str], ...] = ()
        self._name = ""
        self._pieces: list[bytes] = []
        self._heads: list[FormPart] = []
        """Of all parts, without their content."""
        self._looked = 0
        """So much of what stands behind the form's end was looked at."""

    def feed(self, data: bytes) -> Came:
        """More of the body has come."""
        from werkzeug.exceptions import RequestEntityTooLarge

        self._body += data
        try:
            for at in range(0, len(data), SLICE_BYTES):
                self._decoder.receive_data(data[at : at + SLICE_BYTES])
                self._read(came=len(self._body) - max(0, len(data) - at - SLICE_BYTES))
                if self.state is not Came.WAITS:
                    self._unread = data[at + SLICE_BYTES :]
                    break
        except (RequestEntityTooLarge, ValueError, GatewayError):
            self.state = Came.TO_BE_WHOLE
        if self.state is Came.WAITS and len(self._body) > BEGINNING_BYTES:
            self.state = Came.TO_BE_WHOLE
        if self.state is not Came.WAITS:
            self._body, self._parts, self._pieces = bytearray(), [], []
        return self.state

    def _read(self, came: int) -> None:
        """Reads what the parser has been given: the first `came` bytes of the body."""
        from werkzeug.sansio.multipart import Data, Field, File, NeedData

        while not isinstance(event := self._decoder.next_event(), NeedData):
            if isinstance(event, Field | File):
                self._headers, self._name, self._pieces = tuple(event.headers), event.name or "", []
                if not is_sound(self._headers):
                    self.state = Came.TO_BE_WHOLE
                    return
            if isinstance(event, File):
                self._at_file(content_at=came - len(self._decoder.buffer) + len(_LINE_END))
                return
            if isinstance(event, Data):
                self._pieces.append(event.data)
                if not event.more_data:
                    self._parts.append(FormPart(self._headers, self._name, b"".join(self._pieces)))

    def _at_file(self, content_at: int) -> None:
        """The head of a file has been read; its content begins there."""
        if not self._decoder.buffer.startswith(_LINE_END):  # another line end than HTTP's: not to be mixed with ours
            self.state = Came.TO_BE_WHOLE
            return
        file = FormPart(self._headers, self._name, b"")
        self._heads = [*(replace(part, data=b"") for part in self._parts), file]
        check_told_once(self._heads)
        self.form = Form(
            bytes(self._body), self._content_type, self._boundary, tuple(self._parts), file, rest_at=content_at
        )
        self.state = Came.AT_FILE

    # -- behind the beginning -------------------------------------------------------------------------------------
    def rest(self, data: bytes, told: Container[str]) -> None:
        """More of the rest has come. Raises GatewayError (400) where it is no form, or has a field of those that were
        `told` by the beginning: an API may take the last one of a name, and that is not who was asked."""
        from werkzeug.exceptions import RequestEntityTooLarge

        if self._unread:
            data, self._unread = self._unread + data, b""
        try:  # (once at least: the parser may hold what came with the beginning)
            for at in range(0, max(1, len(data)), SLICE_BYTES):
                self._decoder.receive_data(data[at : at + SLICE_BYTES])
                self._look(told)
        except RequestEntityTooLarge:
            raise bad_request(TOO_MANY_PARTS, code="invalid_form") from None
        except ValueError:
            raise bad_request(NOT_WHOLE, code="invalid_form") from None

    def end(self) -> None:
        """Nothing more comes. Raises GatewayError (400) where the form does not end."""
        try:
            self._decoder.receive_data(None)
            self._look(())
        except ValueError:
            raise bad_request(NOT_WHOLE, code="invalid_form") from None

    def _look(self, told: Container[str]) -> None:
        """Looks at the heads of parts. Raises ValueError and GatewayError."""
        from werkzeug.sansio.multipart import Epilogue, Field, File, NeedData, State

        while not isinstance(event := self._decoder.next_event(), NeedData):
            if isinstance(event, Epilogue):
                return
            if isinstance(event, Field | File):
                head = FormPart(tuple(event.headers), event.name or "", b"")
                if not is_sound(head.headers):
                    raise ValueError("no head of a part")
                if (name := head.name.lower()) in told:
                    raise _told_again(name)
                self._heads.append(head)
                check_told_once(self._heads)
        if self._decoder.state is State.EPILOGUE:
            check_nothing_behind(self._decoder.buffer, self._boundary, self._looked)
            self._looked = len(self._decoder.buffer)


def _told_again(name: str) -> GatewayError:
    message = f"{name}: stands behind a file; put it before the first file of the form, once"
    return bad_request(message, name, "invalid_form")
