"""What a model says it sees of a file: a picture's kind and size, a document's words, and a hash of the bytes. Pure."""

import base64
import binascii
import hashlib
import struct
from typing import Final

_TEXT_CHARS: Final = 2000
"""Of a document's words that are told."""


def described(data: bytes, name: str = "") -> str:
    """One file in words: `picture a.png (PNG, 2x3 pixels, 67 bytes, sha256 0123456789ab)`."""
    digest = hashlib.sha256(data).hexdigest()[:12]
    called = f" {name}" if name else ""
    size = picture_size(data)
    if size is not None:
        kind, width, height = size
        return f"picture{called} ({kind}, {width}x{height} pixels, {len(data)} bytes, sha256 {digest})"
    about = f"file{called} ({len(data)} bytes, sha256 {digest})"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return about
    printable = all(c.isprintable() or c.isspace() for c in text[:_TEXT_CHARS])
    return f"{about}: {text[:_TEXT_CHARS]}" if text and printable else about


def picture_size(data: bytes) -> tuple[str, int, int] | None:
    """Kind, width and height of a picture; None for what is none."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return "PNG", *struct.unpack(">II", data[16:24])
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        return "GIF", *struct.unpack("<HH", data[6:10])
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP", *_webp(data)
    return _jpeg(data) if data.startswith(b"\xff\xd8") else None


def _webp(data: bytes) -> tuple[int, int]:
    if data[12:16] == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return 0, 0


def _jpeg(data: bytes) -> tuple[str, int, int]:
    """The size stands in the frame's header, behind segments of other kinds."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return "JPEG", width, height
        at += 2 + length
    return "JPEG", 0, 0


def of_data_url(url: str) -> bytes | None:
    """The bytes of a data URL; None for another address."""
    head, _, body = url.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return None
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
