"""Packed bodies: a provider's body is shown only in a form that the search for secrets has read."""

import codecs
from typing import Final

from mitmproxy import http
from mitmproxy.net.http.headers import infer_content_encoding

from addons.framing.fields import value_of

_PACKED: Final = (
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"x\x01",
    b"x\x9c",
    b"x\xda",
)
"""How gzip, zstd, zip, bzip2, xz and zlib begin."""
PACKED_WORDS: Final = b"~hidden~ (the body was packed without a Content-Encoding that says so)"
_SEARCHED: Final = frozenset(
    {"utf-8", "utf-8-sig", "ascii", "iso8859-1", "cp1252", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"}
)
"""Encodings whose text is found as bytes (index.py, unpacked.py). In another one (EBCDIC, UTF-7) a viewer reads words
where the search saw none."""


def is_packed(body: bytes) -> bool:
    """Whether the body is packed once more than its head says; its first eight bytes tell."""
    return body.startswith(_PACKED)


def searchable(body: bytes) -> bytes:
    """The body, or a sentence in its place where it is packed."""
    return PACKED_WORDS if is_packed(body) else body


def show_as_searched(message: http.Message) -> None:
    """Makes viewers read the message's text as UTF-8 where it names an encoding that was not searched."""
    kind = (value_of(message.headers.fields, b"content-type") or b"").decode("utf-8", "surrogateescape")
    try:
        name = codecs.lookup(infer_content_encoding(kind, message.raw_content or b"")).name
    except (LookupError, ValueError):
        name = ""
    if name not in _SEARCHED:
        message.headers["content-type"] = f"{kind.partition(';')[0].strip()}; charset=utf-8"
