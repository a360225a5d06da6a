"""Reader of the `.env` file: python-dotenv's grammar, within bounds.

What dotenv does in more than linear time is kept from it: a long run of spaces (it looks for a comment from each of
them), and values that name each other (each line may double the one before).
"""

import io
import logging
import re
from collections.abc import Mapping
from typing import Final

from dotenv.parser import parse_stream

from addons.config.file_reading import FileProblem
from addons.config.variables import substituted

log = logging.getLogger("glassgate")

LINES_LIMIT: Final = 20_000
LINE_LIMIT: Final = 64 * 1024
"""Characters."""
VALUES_LIMIT: Final = 4 * 1024 * 1024
"""Characters of all that is put in the place of variables."""
_SPACES: Final = re.compile(r"\s+")
_SPACES_LIMIT: Final = 100


def read_env(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the text. Values may refer to those above them, or else to `environ`. Raises FileProblem."""
    lines = text.split("\n")
    if len(lines) > LINES_LIMIT:
        raise FileProblem(f"has more than {LINES_LIMIT} lines")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_LIMIT or any(len(run[0]) > _SPACES_LIMIT for run in _SPACES.finditer(line)):
            raise FileProblem(f"line {number} is too long, or has a run of more than {_SPACES_LIMIT} spaces")
    found: dict[str, str] = {}
    room = VALUES_LIMIT
    odd: list[int] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            odd.append(binding.original.line)
        if binding.key is None or binding.value is None:
            continue

        def one(name: str, default: str | None) -> str:
            nonlocal room
            inner = found.get(name, environ.get(name, default or ""))
            room -= len(inner)
            if room < 0:
                raise FileProblem(f"the values of the variables in it are longer than {VALUES_LIMIT // 1024} KB")
            return inner

        found[binding.key] = substituted(binding.value, one)
    if odd:
        log.warning(".env: %d lines cannot be understood and are passed over; the first is line %d", len(odd), odd[0])
    return found
