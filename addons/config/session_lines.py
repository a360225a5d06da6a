"""Reader of LONGCAT_TOKENS_FILE: a session a line, each an account of the first longcat provider of config.yaml.

An account is named by a hash of its sign-in: the same wherever the line stands and whatever lines come and go.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.config.file_reading import FileProblem, read_text
from addons.config.key_files import KeyFile
from providers.registry import provider_class

VARIABLE: Final = "LONGCAT_TOKENS_FILE"
MOST_SESSIONS: Final = 200
LINE_LIMIT: Final = 16 * 1024
"""Characters of one line."""
_NUMBERS_TOLD: Final = 10
_LINE_END: Final = re.compile(r"\r\n?|\n")
_NOTE: Final = re.compile(r"(?<=\s)#.*", re.DOTALL)
"""A comment behind a session; within one a `#` has no white space before it."""
_PURPOSE: Final = b"glassgate: name of a longcat session\0"


@dataclass(frozen=True, slots=True)
class SessionLines:
    """The sessions of a file: `cookies` by the account's name, in order; `odd` are numbers of lines that hold none."""

    cookies: dict[str, dict[str, str]] = field(repr=False)
    odd: tuple[int, ...]
    """Lines that hold no session."""
    file: KeyFile


def read_session_lines(path: Path) -> SessionLines:
    """The sessions of a file; empty lines and comments (`#`) are none. Raises FileProblem, without a secret.

    Lines may end as on any system, and begin with the mark of a file that was put together with others.
    """
    read = read_text(path)
    session_of_line = provider_class("longcat").session_of_line
    found: dict[str, dict[str, str]] = {}
    odd: list[int] = []
    for number, line in enumerate(_LINE_END.split(read.text), 1):
        text = line.strip("\ufeff \t\xa0")
        if not text or text.startswith("#"):
            continue
        session = session_of_line(_NOTE.sub("", text, count=1)) if len(text) <= LINE_LIMIT else None
        if session is None:
            odd.append(number)
            continue
        passport, cookies = session
        found[name_of(passport)] = cookies  # of one sign-in the last line counts
        if len(found) > MOST_SESSIONS:
            raise FileProblem(f"holds more than {MOST_SESSIONS} sessions")
    return SessionLines(found, tuple(odd), KeyFile.of(path, read.found, only_keys=True))


def name_of(passport: str) -> str:
    """The account's name: `file-` and twelve hexadecimal digits."""
    return "file-" + hashlib.sha256(_PURPOSE + passport.encode()).hexdigest()[:12]


def describe_odd(lines: SessionLines) -> str:
    """Names the lines that hold no session, by their numbers alone, or a file without any; empty when all is well."""
    if not lines.odd:
        return "" if lines.cookies else f"{lines.file.path}: no LongCat session in it"
    numbers = ", ".join(map(str, lines.odd[:_NUMBERS_TOLD])) + (", …" if len(lines.odd) > _NUMBERS_TOLD else "")
    wanted = "the value of passport_token_key, or a line of cookies with it"
    return f"{lines.file.path}: no LongCat session in line {numbers} (wanted: {wanted}); passed over"
