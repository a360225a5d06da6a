"""A multipart/form-data body to its parts, within bounds (RFC 7578). The parser is Werkzeug's."""

import re
from collections.abc import Sequence
from typing import Final

from addons.dialects.body import Reading, bad_request
from providers.contract.form import Form, FormPart

PARTS_LIMIT: Final = 128
SLICE_BYTES: Final = 64 * 1024
BUFFER_BYTES: Final = 4 * SLICE_BYTES
"""Of the parser: what it has been given and has not passed on. A part's head has to fit into it."""
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
"""RFC 2046 5.1.1."""
_TYPE_CHARS: Final = 1000
ROUTED_BY: Final = frozenset({"model", "provider", "purpose", "stream", "stream_format"})
"""Fields of forms that the gateway acts on."""
_NAME: Final = re.compile(r"(?<![\w*])name\*?(?:\d+\*?)?[ \t]*=", re.IGNORECASE)
_HEAD_CHARS: Final = 4096
_FIRST_LINE: Final = re.compile(rb"--([^\r\n]{1,70})\r?\n")
KIND: Final = "multipart/form-data"
NOT_WHOLE: Final = "the request body is no whole multipart/form-data form"
TOO_MANY_PARTS: Final = (
    f"the form has more than {PARTS_LIMIT} parts, or a part whose head is larger than {BUFFER_BYTES // 1024} KB"
)
_HEADER: Final = re.compile(r"(?!--)[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""RFC 9110 5.6.2; but no beginning of a boundary, which a stricter reader than ours may see there."""


def read_form(body: bytes, content_type: str) -> Reading[Form]:
    """The form. Where the content type is not known (of a body that was kept), its first line has the boundary.

    Raises GatewayError (400).
    """
    from werkzeug.exceptions import RequestEntityTooLarge  # (here, since it takes a while and most never need it)
    from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

    boundary = boundary_of(body, content_type)
    decoder = MultipartDecoder(boundary, BUFFER_BYTES, max_parts=PARTS_LIMIT)
    parts: list[FormPart] = []
    head: Field | File | None = None
    pieces: list[bytes] = []
    try:
        for at in range(0, len(body) + SLICE_BYTES, SLICE_BYTES):
            piece = body[at : at + SLICE_BYTES]
            decoder.receive_data(piece or None)
            while not isinstance(event := decoder.next_event(), NeedData):
                if isinstance(event, Epilogue):
                    check_told_once(parts)
                    check_nothing_behind(event.data, boundary)
                    return Form(body, content_type or f"{KIND}; boundary={boundary.decode()}", boundary, tuple(parts))
                if isinstance(event, Field | File):
                    head, pieces = event, []
                    if not is_sound(tuple(event.headers)):
                        raise ValueError("no head of a part")
                elif isinstance(event, Data) and head is not None:
                    pieces.append(event.data)
                    if not event.more_data:
                        parts.append(FormPart(tuple(head.headers), head.name or "", b"".join(pieces)))
            yield
    except RequestEntityTooLarge:
        raise bad_request(TOO_MANY_PARTS, code="invalid_form") from None
    except ValueError:
        pass
    raise bad_request(NOT_WHOLE, code="invalid_form")


def is_sound(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether a part's head is one that every reader reads alike: lines with a name, one of them the disposition."""
    names = [name for name, _ in headers]
    return [name.lower() for name in names].count("content-disposition") == 1 and all(map(_HEADER.fullmatch, names))


def check_told_once(parts: Sequence[FormPart]) -> None:
    """Raises GatewayError (400) where two readers could take other fields for those by which a form is routed: a name
    that stands twice, or a part that has two names."""
    seen: set[str] = set()
    for part in parts:
        head = next((value for name, value in part.headers if name.lower() == "content-disposition"), "")
        if len(_NAME.findall(head[:_HEAD_CHARS])) > 1:
            raise bad_request("a part of the form has more than one name", code="invalid_form")
        if (name := part.name.lower()) not in ROUTED_BY:
            continue
        if name in seen or part.name != name:
            raise bad_request(f"{name}: stands twice in the form, or in another spelling", name, "invalid_form")
        seen.add(name)


def check_nothing_behind(epilogue: bytes | bytearray, boundary: bytes, looked: int = 0) -> None:
    """Raises GatewayError (400) where a boundary stands behind the form's end: a stricter reader than ours, to whom
    that end is none (a bare LF before it), would read on there. The first `looked` bytes were looked at before."""
    if epilogue.find(b"--" + boundary, max(0, looked - len(boundary) - 1)) >= 0:
        raise bad_request("the form goes on behind its end", code="invalid_form")


def is_form(body: bytes, content_type: str) -> bool:
    """Whether a body is a form, by its content type, or where that is not known by its first line."""
    if content_type:
        return content_type.partition(";")[0].strip().lower() == KIND
    return _FIRST_LINE.match(body) is not None


def boundary_of(body: bytes, content_type: str) -> bytes:
    """The boundary, out of the content type, or where that is not known the first line. Raises GatewayError (400)."""
    if content_type:
        from werkzeug.http import parse_options_header

        found = parse_options_header(content_type[:_TYPE_CHARS])[1].get("boundary", "")
        names = [parameter.partition("=")[0].strip() for parameter in content_type.lower().split(";")[1:]]
        if sum(name.startswith("boundary") for name in names) != 1:  # who is asked may take another one
            found = ""
    else:
        line = _FIRST_LINE.match(body)
        found = line[1].decode("latin-1") if line is not None else ""
    if not _BOUNDARY.fullmatch(found):
        raise bad_request("Content-Type names no boundary of the form, or more than one", code="invalid_form")
    return found.encode()
