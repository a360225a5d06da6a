"""A multipart/form-data body up to the content of its first file, read while it comes; without I/O.

What stands before a file says whom to ask; what follows can be passed on as bytes. The parser is Werkzeug's.
"""

from enum import Enum, auto
from typing import Final

from addons.dialects.form import BUFFER_BYTES, PARTS_LIMIT, SLICE_BYTES, boundary_of
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
    """Reads one form. `state` is final once it is not WAITS; then nothing more is to be fed."""

    def __init__(self, content_type: str) -> None:
        """Raises GatewayError (400) where the content type names no boundary."""
        from werkzeug.sansio.multipart import MultipartDecoder  # (here, since it takes a while)

        self.state = Came.WAITS
        self.form: Form | None = None
        self._content_type = content_type
        self._boundary = boundary_of(b"", content_type)
        self._decoder = MultipartDecoder(self._boundary, BUFFER_BYTES, max_parts=PARTS_LIMIT)
        self._body = bytearray()
        self._parts: list[FormPart] = []
        self._headers: tuple[tuple[str, str], ...] = ()
        self._name = ""
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Came:
        """More of the body has come."""
        from werkzeug.exceptions import RequestEntityTooLarge

        self._body += data
        try:
            for at in range(0, len(data), SLICE_BYTES):
                self._decoder.receive_data(data[at : at + SLICE_BYTES])
                self._read(came=len(self._body) - max(0, len(data) - at - SLICE_BYTES))
                if self.state is not Came.WAITS:
                    break
        except (RequestEntityTooLarge, ValueError):
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
        body = bytes(self._body)
        file = FormPart(self._headers, self._name, body[content_at:])
        self.form = Form(body, self._content_type, self._boundary, tuple(self._parts), file)
        self.state = Came.AT_FILE
