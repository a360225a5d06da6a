"""What a model says it sees of a file."""

import base64
import struct

import pytest

from providers.sandbox.models.files import described, of_data_url, picture_size

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 2, 3) + b"\x08"
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 3, 2) + b"\x01\x01\x11\x00"
WEBP = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x01\0\0\x02\0\0"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (PNG, ("PNG", 2, 3)),
        (JPEG, ("JPEG", 2, 3)),
        (b"GIF89a" + struct.pack("<HH", 2, 3), ("GIF", 2, 3)),
        (WEBP, ("WebP", 2, 3)),
        (b"RIFF\0\0\0\0WEBPVP8 ", ("WebP", 0, 0)),
        (b"\xff\xd8", ("JPEG", 0, 0)),
        (b"words", None),
    ],
)
def test_pictures_have_a_kind_and_a_size(data: bytes, size: object) -> None:
    assert picture_size(data) == size


def test_files_are_described_by_their_size_words_and_a_hash() -> None:
    assert described(PNG, "a.png").startswith(f"picture a.png (PNG, 2x3 pixels, {len(PNG)} bytes, sha256 ")
    assert described(b"Hello\n", "a.txt").endswith("): Hello\n")
    assert described(b"\x00\x01").startswith("file (2 bytes, sha256 ")
    assert described(b"\xff\xfe\x00").endswith(")")


def test_data_urls_hold_bytes() -> None:
    assert of_data_url("data:image/png;base64," + base64.b64encode(PNG).decode()) == PNG
    assert of_data_url("data:image/png;base64,!") is None
    assert of_data_url("https://example.com/a.png") is None
