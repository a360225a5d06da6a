"""Splitting commands into words as a shell would: bash and its kin, and cmd of Windows. Pure.

Nothing is run and nothing is looked up: a word with a variable or a command in it says so, and is left as it stands.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

# A line end parts commands only where the next line begins one: line ends lose their backslash when text is pasted.
_PIECE: Final = re.compile(
    r"""
      (?P<end>[;&|]++|[\r\n]++(?=[ \t]*+\S*curl(?:\.exe)?\s))
    | (?P<blank>[ \t\r\n]++|\\[ \t]*+\r?\n)
    | '(?P<single>[^']*+)'
    | \$'(?P<ansi>(?:[^'\\]|\\.)*+)'
    | \$?"(?P<double>(?:[^"\\]|\\.)*+)"
    | \\(?P<escaped>.)
    | (?P<redirect>[<>]++[&|]?)
    | (?P<opening>\$[A-Za-z_0-9{(?@*!-]|`)
    | (?P<plain>[^\s'"\\<>;&|`$]++|\$(?!')|\s)
    """,
    re.DOTALL | re.VERBOSE,
)
_CMD_PIECE: Final = re.compile(
    r"""
      (?P<end>&++|[\r\n]++(?=[ \t]*+\S*curl(?:\.exe)?\s))
    | (?P<blank>[ \t\r\n]++)
    | "(?P<double>(?:[^"\\]|\\.)*+)"
    | (?P<plain>[^\s"&]++|\s)
    """,
    re.DOTALL | re.VERBOSE,
)
_OF_CMD: Final = re.compile(r"""\S*curl(?:\.exe)?\s++(?:(?:[^\s'"^]++|"(?:[^"\\]|\\.)*+")\s++)*+\^""", re.IGNORECASE)
"""What stands before the first caret of a copy for cmd: none of it in single quotes, which cmd does not know."""
_CARET_LINE_END: Final = re.compile(r"\^[ \t]*+\r?\n")
_CARET: Final = re.compile(r"\^(.)", re.DOTALL)
_IN_DOUBLE: Final = re.compile(r"\\\r?\n|\\(.)|\$[A-Za-z_0-9{(]|`", re.DOTALL)
_IN_DOUBLE_CMD: Final = re.compile(r'\\(["\\])')
_ESCAPED_IN_DOUBLE: Final = frozenset('$`"\\')
_IN_ANSI: Final = re.compile(
    r"\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_ANSI: Final = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}
_LAST_LETTER: Final = 0x10FFFF


class OpenQuote(Exception):
    """A quotation mark is not closed: the command is cut off."""


class Word(NamedTuple):
    """One word. `expands`: the shell would have put something else in place of it, or of a part of it."""

    text: str
    expands: bool = False


def commands(text: str) -> list[list[Word]]:
    """The commands of a text, each as its words, none empty. Raises OpenQuote."""
    if _OF_CMD.match(text):
        return _split(_CARET.sub(r"\1", _CARET_LINE_END.sub(" ", text)), _CMD_PIECE.match, of_cmd=True)
    return _split(text, _PIECE.match, of_cmd=False)


def _split(text: str, piece_at: Callable[[str, int], re.Match[str] | None], *, of_cmd: bool) -> list[list[Word]]:
    found = _Words()
    at = 0
    while at < len(text):
        if text[at] == "#" and not found.begun and not of_cmd:  # a comment, to the end of the line
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        seen = piece_at(text, at)
        if seen is None:
            raise OpenQuote
        found.add(seen, of_cmd=of_cmd)
        at = seen.end()
    found.end_command()
    return found.commands


class _Words:
    """Collects pieces into words, and words into commands."""

    def __init__(self) -> None:
        self.commands: list[list[Word]] = []
        self._words: list[Word] = []
        self._parts: list[str] | None = None
        self._expands = False
        self._redirected = False
        """The next word is a file's name, no argument."""

    @property
    def begun(self) -> bool:
        return self._parts is not None

    def add(self, seen: re.Match[str], *, of_cmd: bool) -> None:
        kind, text = seen.lastgroup, seen[seen.lastgroup or 0]
        if kind == "blank":
            if text[0] != "\\" or text[1] in " \t":  # else a line end that bash takes away
                self._end_word()
        elif kind == "end":
            self.end_command()
        elif kind == "redirect":
            if self._parts is not None and "".join(self._parts).isdigit():
                self._parts = None  # 2> file
            self._end_word()
            self._redirected = True
        elif kind == "opening":
            self._put(seen[0], expands=True)
        elif kind == "ansi":
            self._put(_ansi(text))
        elif kind == "double" and of_cmd:
            self._put(_IN_DOUBLE_CMD.sub(r"\1", text))
        elif kind == "double":
            expands = any(found[0][0] != "\\" for found in _IN_DOUBLE.finditer(text))
            self._put(_IN_DOUBLE.sub(_in_double, text), expands)
        else:
            self._put(text)

    def end_command(self) -> None:
        self._end_word()
        self._redirected = False
        if self._words:
            self.commands.append(self._words)
            self._words = []

    def _put(self, text: str, expands: bool = False) -> None:
        self._parts = [] if self._parts is None else self._parts
        self._parts.append(text)
        self._expands = self._expands or expands

    def _end_word(self) -> None:
        if self._parts is None:
            return
        if not self._redirected:
            self._words.append(Word("".join(self._parts), self._expands))
        self._parts, self._expands, self._redirected = None, False, False


def _in_double(found: re.Match[str]) -> str:
    sign = found[1]
    if sign is None:
        return "" if found[0][0] == "\\" else found[0]
    return sign if sign in _ESCAPED_IN_DOUBLE else found[0]


def _ansi(text: str) -> str:
    """The text of bash's $'…': escapes name letters, or bytes of UTF-8."""
    data = bytearray()
    at = 0
    for found in _IN_ANSI.finditer(text):
        data += text[at : found.start()].encode("utf-8", "surrogatepass")
        data += _escaped(found)
        at = found.end()
    data += text[at:].encode("utf-8", "surrogatepass")
    return data.decode("utf-8", "replace")


def _escaped(found: re.Match[str]) -> bytes:
    short, long, byte, octal, control, sign = found.groups()
    if letter := short or long:
        return chr(min(int(letter, 16), _LAST_LETTER)).encode("utf-8", "replace")
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF])
    if control:
        return bytes([ord(control) & 0x1F])
    return _ANSI.get(sign, sign).encode("utf-8", "surrogatepass")
