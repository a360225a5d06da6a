"""The one file of an upload."""

import pytest

from providers.sandbox.multipart import one_file, parts_of
from tests.support.asked import request
from tests.support.multipart import BOUNDARY, CONTENT_TYPE, body, upload


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n--\r\n", bytes(range(256))])
def test_the_bytes_are_those_that_were_sent(data: bytes) -> None:
    part = one_file(upload("/", data, 'a "b".PNG'.replace('"', "%22")))
    assert part is not None
    assert (part.filename, part.extension, part.content_type, part.data) == ('a "b".PNG', "png", "image/png", data)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", CONTENT_TYPE),
        (body(b"x"), "application/json"),
        (body(b"x"), "multipart/form-data"),
        (body(b"x")[:-8], CONTENT_TYPE),
        (body(b"x").replace(b"filename", b"other"), CONTENT_TYPE),
        (body(b"x").replace(b'name="file"', b'name="f"'), CONTENT_TYPE),
        (body(b"x").removesuffix(f"--{BOUNDARY}--\r\n".encode()) + body(b"y"), CONTENT_TYPE),
        (f"--{BOUNDARY}\r\nno blank line\r\n--{BOUNDARY}--\r\n".encode(), CONTENT_TYPE),
    ],
)
def test_anything_else_is_no_upload(data: bytes, kind: str) -> None:
    assert one_file(request("POST", "/", data, content_type=kind)) is None


def test_all_parts_are_read() -> None:
    two = body(b"x").removesuffix(f"--{BOUNDARY}--\r\n".encode()) + body(b"y", field="g")
    assert [(part.name, part.data) for part in parts_of(request("POST", "/", two, content_type=CONTENT_TYPE))] == [
        ("file", b"x"),
        ("g", b"y"),
    ]
