"""Reading the files a person writes for us (config.yaml, .env, the keys file): small, regular, text; never a wait.

A link to a regular file is fine: containers mount configuration that way. A pipe, a device or a file without end is
not: opening or reading one would hold whoever reads it.
"""

import codecs
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_LIMIT_BYTES: Final = 1024 * 1024


class FileProblem(Exception):
    """The file cannot be used. The text says why, without the file's name."""


class NoFile(FileProblem):
    """The file does not exist."""


class IsFolder(FileProblem):
    """The path is a folder."""


@dataclass(frozen=True, slots=True)
class FileText:
    """A file's text, and the state of the very file that was read."""

    text: str
    found: os.stat_result


def read_text(path: Path, limit_bytes: int = FILE_LIMIT_BYTES) -> FileText:
    """The text of a regular file of at most `limit_bytes`: UTF-8, or UTF-16 with its mark. Raises FileProblem."""
    try:
        _check_regular(path.stat())  # before it is opened: a device may act when it is
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            _check_regular(found)
            data = file.read(limit_bytes + 1)
    except FileNotFoundError:
        raise NoFile("there is no such file") from None
    except (OSError, ValueError) as e:  # (ValueError: a zero byte in the name)
        raise FileProblem(f"cannot be read: {getattr(e, 'strerror', None) or e}") from None
    if len(data) > limit_bytes:
        raise FileProblem(f"is larger than {limit_bytes // 1024} KB; nothing that large is read")
    return FileText(_decoded(data), found)


def _decoded(data: bytes) -> str:
    """Editors of Windows mark their files, in UTF-8 and UTF-16. Raises FileProblem."""
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise FileProblem(f"cannot be read: line {line} is not UTF-8 text; save the file as UTF-8") from None
    if "\0" in text:
        raise FileProblem("cannot be read: it is not text (it has a zero byte); save the file as UTF-8")
    return text


def _check_regular(found: os.stat_result) -> None:
    """Raises FileProblem."""
    if not stat.S_ISREG(found.st_mode):
        raise IsFolder("is a folder") if stat.S_ISDIR(found.st_mode) else FileProblem("is not a regular file")
