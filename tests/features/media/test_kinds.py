"""Files are what their bytes say."""

import io
import zipfile

import pytest

from addons.features.media.kinds import kind_of
from tests.support.media import GIF, JPEG, MP3, MP4, PDF, PNG, WAV, WEBP


@pytest.mark.parametrize(
    ("data", "kind", "extension"),
    [
        (PNG, "image", "png"),
        (JPEG, "image", "jpg"),
        (GIF, "image", "gif"),
        (WEBP, "image", "webp"),
        (b"BM" + b"\x46\0\0\0" + bytes(4) + b"\x36\0\0\0", "image", "bmp"),
        (PDF, "document", "pdf"),
        (WAV, "audio", "wav"),
        (MP3, "audio", "mp3"),
        (b"OggS\0", "audio", "ogg"),
        (MP4, "video", "mp4"),
        (b"\0\0\0\x18ftypqt  ", "video", "mov"),
        (b"\0\0\0\x18ftypM4A ", "audio", "m4a"),
        (b"\0\0\0\x18ftypavif", "image", "avif"),
        (b"\x1a\x45\xdf\xa3webm", "video", "webm"),
        ("grüße".encode(), "document", "txt"),
        ("grüß".encode()[:-1], "document", "txt"),
    ],
)
def test_the_first_bytes_tell(data: bytes, kind: str, extension: str) -> None:
    found = kind_of(data)
    assert found is not None
    assert (found.kind, found.extension) == (kind, extension)


@pytest.mark.parametrize("data", [b"", b"\0\1\2\3", b"RIFF1234XXXX", b"\xff\xfe\xfd" * 30, b"MZ\x90\0\3\0\0\0"])
def test_what_nobody_knows_is_nothing(data: bytes) -> None:
    assert kind_of(data) is None


def test_a_name_tells_apart_only_what_looks_alike() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert kind_of(packed.getvalue()) is None
    for extension in ("docx", "xlsx", "pptx"):
        found = kind_of(packed.getvalue(), f"a.{extension}")
        assert found is not None
        assert found.extension == extension
    png = kind_of(PNG, "a.docx")
    assert png is not None
    assert png.extension == "png"
    csv = kind_of(b"a,b\n1,2\n", "t.CSV")
    assert csv is not None
    assert (csv.media_type, csv.extension) == ("text/csv", "csv")


def test_a_program_is_no_text() -> None:
    assert kind_of(b"#!/bin/sh\x00", "a.txt") is None
