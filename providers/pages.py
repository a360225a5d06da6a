"""Whether an answer is a web page for people, where JSON or a stream was due."""

from collections.abc import Mapping
from typing import Final

START_BYTES: Final = 4096


def is_page(headers: Mapping[str, str], body: bytes) -> bool:
    """By its content type (header names in lower case), or by how it begins."""
    start = body[:START_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return "html" in headers.get("content-type", "").lower() or start.startswith(b"<") or b"<html" in start
