"""YAML errors in words for who wrote the file, and in the line where they began. Pure.

The parser names the place where it was lost, which may be the end of the file for a quote left open at its beginning.
"""

from dataclasses import dataclass
from typing import Final

import yaml

_DESCRIPTIONS: Final = {
    "mapping values are not allowed": "a ':' stands where no value can be; look at the indentation here and above, "
    "write a space behind the ':' of each key, and put a text that holds ': ' into quotes",
    "did not find expected key": "the line does not fit those above: look at the indentation and the quotes",
    "expected <block end>": "the line does not fit those above: look at the indentation and the quotes",
    "did not find expected '-' indicator": "the line does not fit the list above: look at the indentation",
    "could not find expected ':'": "a line is neither 'key: value' nor an item of a list; write ': ' behind the key",
    "found character that cannot start": "a text that begins with this character must stand in quotes",
    "found character": "a text that begins with this character must stand in quotes",
    "did not find expected alphabetic": "a text that begins with this character must stand in quotes",
    "did not find expected node content": "a value is missing here, or a bracket is too many",
    "found unknown escape character": 'in "double quotes" a backslash begins an escape; write it twice, or use single '
    "quotes",
}
"""Beginnings of the parser's words (of both parsers PyYAML has), with ours."""


@dataclass(frozen=True, slots=True)
class ReadingPlace:
    """The reader's place in the text."""

    line: int
    bracket: tuple[str, int] | None
    """The innermost that is open, with its line."""
    quoted: tuple[int, int] | None
    """First and last line of the last text in quotes that went over several."""


def describe_error(error: yaml.YAMLError, text: str, at: ReadingPlace) -> tuple[str, int]:
    """The error as a sentence without its subject, and a line, counted from 1."""
    mark, problem = getattr(error, "problem_mark", None), str(getattr(error, "problem", None) or error).splitlines()[0]
    line = mark.line + 1 if mark else at.line
    if (begun := getattr(error, "context_mark", None)) and "quoted scalar" in str(getattr(error, "context", None)):
        if "end of" in problem or "document" in problem:
            return "the quote that is opened here is never closed", begun.line + 1
    elif at.quoted is not None and line == at.quoted[1]:
        return f"the quote that is opened here is closed in line {line} only: one is missing", at.quoted[0]
    there = _line(text, line)
    if "\t" in there[: len(there) - len(there.lstrip())] or (mark and there[mark.column : mark.column + 1] == "\t"):
        return "there is a tab, where YAML takes spaces alone; indent with spaces", line
    if at.bracket is not None:
        return _in_bracket(there, at.bracket, line)
    said = next((ours for theirs, ours in _DESCRIPTIONS.items() if problem.startswith(theirs)), problem)
    return said, line


def _in_bracket(there: str, bracket: tuple[str, int], line: int) -> tuple[str, int]:
    if "${" in there:
        return 'inside of brackets a variable stands in quotes: "${NAME}"', line
    sign, opened = bracket
    end = "" if line == opened else f" before line {line}"
    return f"the {sign!r} that is opened here is not closed{end}, or a ',' is missing in it", opened


def _line(text: str, number: int) -> str:
    return next((line for count, line in enumerate(text.splitlines(), 1) if count == number), "")
