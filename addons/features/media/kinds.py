"""The kind of a file, by its first bytes: what somebody says of it counts for nothing. Pure."""

import re
from typing import Final, NamedTuple

from providers.contract.chat import MediaKind

HEAD_BYTES: Final = 6 * 1024
"""Enough of a file to tell its kind."""


class Kind(NamedTuple):
    """The kind of a file."""

    kind: MediaKind
    media_type: str
    extension: str


_PNG: Final = Kind("image", "image/png", "png")
_JPEG: Final = Kind("image", "image/jpeg", "jpg")
_MP3: Final = Kind("audio", "audio/mpeg", "mp3")
_AAC: Final = Kind("audio", "audio/aac", "aac")
_MP4: Final = Kind("video", "video/mp4", "mp4")
_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"GIF87a", Kind("image", "image/gif", "gif")),
    (b"GIF89a", Kind("image", "image/gif", "gif")),
    (b"II*\0", Kind("image", "image/tiff", "tiff")),
    (b"MM\0*", Kind("image", "image/tiff", "tiff")),
    (b"%PDF-", Kind("document", "application/pdf", "pdf")),
    (b"ID3", _MP3),
    (b"\xff\xfb", _MP3),
    (b"\xff\xf3", _MP3),
    (b"\xff\xf2", _MP3),
    (b"\xff\xf1", _AAC),
    (b"\xff\xf9", _AAC),
    (b"fLaC", Kind("audio", "audio/flac", "flac")),
    (b"OggS", Kind("audio", "audio/ogg", "ogg")),
    (b"#!AMR", Kind("audio", "audio/amr", "amr")),
    (b"\x1a\x45\xdf\xa3", Kind("video", "video/webm", "webm")),
)
_RIFF: Final = {
    b"WEBP": Kind("image", "image/webp", "webp"),
    b"WAVE": Kind("audio", "audio/wav", "wav"),
    b"AVI ": Kind("video", "video/x-msvideo", "avi"),
}
_BRANDS: Final = {
    b"avif": Kind("image", "image/avif", "avif"),
    b"heic": Kind("image", "image/heic", "heic"),
    b"heix": Kind("image", "image/heic", "heic"),
    b"mif1": Kind("image", "image/heic", "heic"),
    b"M4A ": Kind("audio", "audio/mp4", "m4a"),
    b"qt  ": Kind("video", "video/quicktime", "mov"),
}
"""`ftyp` boxes (ISO 14496-12) by their main brand; any other is an MP4."""
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_ZIPPED: Final = {
    "docx": Kind("document", _OFFICE + "wordprocessingml.document", "docx"),
    "xlsx": Kind("document", _OFFICE + "spreadsheetml.sheet", "xlsx"),
    "pptx": Kind("document", _OFFICE + "presentationml.presentation", "pptx"),
}
_OLD_OFFICE: Final = {
    "doc": Kind("document", "application/msword", "doc"),
    "xls": Kind("document", "application/vnd.ms-excel", "xls"),
    "ppt": Kind("document", "application/vnd.ms-powerpoint", "ppt"),
}
_TEXTS: Final = {
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "xml": "application/xml",
}
_WORD: Final = re.compile(r"[a-z0-9]{1,8}")
_UNPRINTED: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def kind_of(head: bytes, name: str = "") -> Kind | None:
    """The kind of a file with these first bytes; None for one that nobody could read.

    `name` only tells apart what looks alike: the files of office programs, and texts.
    """
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], _MP4)
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return Kind("image", "image/bmp", "bmp")
    extension = extension_of(name)
    if head.startswith(b"PK\x03\x04"):
        return _ZIPPED.get(extension)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _OLD_OFFICE.get(extension)
    return _text(head, extension)


def _text(head: bytes, extension: str) -> Kind | None:
    """Text in UTF-8, whatever its extension calls it."""
    if not head or _UNPRINTED.search(head):
        return None
    try:
        head.decode()
    except UnicodeDecodeError as e:
        if e.start < len(head) - 3:  # a letter may be cut at the end
            return None
    return Kind("document", _TEXTS.get(extension, "text/plain"), extension or "txt")


def extension_of(name: str) -> str:
    """The extension of a file's name in lower case, where it has a plain one."""
    _, dot, extension = name.rpartition(".")
    return extension.lower() if dot and _WORD.fullmatch(extension.lower()) else ""
