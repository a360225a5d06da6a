"""Reader of requests copied for PowerShell: Invoke-WebRequest with its options, and the session before it. Pure.

Nothing is run: a word that PowerShell would fill in makes the copy one that cannot be read. A refusal repeats no word
of it: any may be a secret.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from addons.cleaning.fields import joined
from addons.importing.contents import FileContents, ImportProblem
from providers.contract.session import ObservedExchange

LIMIT_CHARS: Final = 512 * 1024
_MOST: Final = 200
"""Requests, and cookies, of one copy."""
_TOKEN: Final = re.compile(
    r"""
      (?P<blank>[ \t\r\n;]++|`[ \t]*+\r?\n)
    | "(?P<double>(?:[^"`]|`.|"")*+)"
    | '(?P<single>(?:[^']|'')*+)'
    | (?P<sign>[@{}()=,])
    | (?P<word>[^\s"'@{}()=,;`]++)
    """,
    re.DOTALL | re.VERBOSE,
)
_IN_DOUBLE: Final = re.compile(
    r'`(.)|""|\$\(\[char\]0x([0-9a-fA-F]{1,4})\)|\$\(\[char\](\d{1,5})\)|(\$[\w({])', re.DOTALL
)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
_CALLS: Final = frozenset({"invoke-webrequest", "invoke-restmethod"})
_IMPLIED: Final = {"-useragent": "user-agent", "-contenttype": "content-type"}
"""Options whose value is a header's."""


class _Token(NamedTuple):
    kind: str
    text: str


def read_powershell(data: str) -> FileContents:
    """The requests of the commands in the text. Raises ImportProblem."""
    if len(data) > LIMIT_CHARS:
        raise ImportProblem("this PowerShell command is longer than 512 KB: copy one without a file in it")
    found = tuple(islice(_requests(list(_tokens(data))), _MOST + 1))
    if len(found) > _MOST:
        raise ImportProblem(f"these are more than {_MOST} PowerShell commands: copy one of the signed-in person's")
    if not found:
        raise ImportProblem("this PowerShell command names no address (-Uri)")
    return FileContents("PowerShell command", found)


def _requests(tokens: list[_Token]) -> Iterator[ObservedExchange]:
    """The requests, each with the agent and the cookies that were set before it."""
    agent, cookies = "", []
    at = 0
    while at < len(tokens):
        word = tokens[at].text.lower() if tokens[at].kind == "word" else ""
        if word.endswith(".useragent") and _is(tokens, at + 1, "="):
            agent = _value(tokens, at + 2)
        elif word.endswith("system.net.cookie") and _is(tokens, at + 1, "("):
            cookies.append(f"{_value(tokens, at + 2)}={_value(tokens, at + 4)}")
            if len(cookies) > _MOST:
                raise ImportProblem(f"this PowerShell command has more than {_MOST} cookies")
        elif _is_call(tokens[at]):
            end = next((n for n in range(at + 1, len(tokens)) if _is_call(tokens[n])), len(tokens))
            fields = [("user-agent", agent)] if agent else []
            fields += [("cookie", cookie) for cookie in cookies]
            if (seen := _request(tokens[at + 1 : end], fields)) is not None:
                yield seen
        at += 1


def _request(tokens: list[_Token], fields: list[tuple[str, str]]) -> ObservedExchange | None:
    """One call's request; `fields` are the headers that its session gives it."""
    url, method, given = "", "GET", dict[str, str]()
    for at, token in enumerate(tokens):
        option = token.text.lower() if token.kind == "word" else ""
        if option == "-uri":
            url = _value(tokens, at + 1)
        elif option == "-method":
            method = _value(tokens, at + 1).upper()
        elif option in _IMPLIED:
            given[_IMPLIED[option]] = _value(tokens, at + 1)
        elif option == "-headers":
            given |= _table(tokens, at + 1)
    own = [field for field in fields if field[0] not in given]
    return ObservedExchange(method, url, joined([*own, *given.items()])) if "://" in url else None


def _table(tokens: list[_Token], at: int) -> dict[str, str]:
    """A hash table: `@{"Name" = "value" …}`."""
    found: dict[str, str] = {}
    if not (_is(tokens, at, "@") and _is(tokens, at + 1, "{")):
        raise ImportProblem("this PowerShell command takes its headers from a variable; put them into it")
    at += 2
    while not _is(tokens, at, "}"):
        name = _value(tokens, at)
        if not _is(tokens, at + 1, "="):
            raise _cut_off()
        found[name.lower()] = _value(tokens, at + 2)
        at += 3
    return found


def _is_call(token: _Token) -> bool:
    return token.kind == "word" and token.text.lower() in _CALLS


def _is(tokens: list[_Token], at: int, sign: str) -> bool:
    return at < len(tokens) and tokens[at] == _Token("sign", sign)


def _value(tokens: list[_Token], at: int) -> str:
    """The value at this place: a text, or a bare word. Raises ImportProblem."""
    if at >= len(tokens) or tokens[at].kind == "sign":
        raise _cut_off()
    if tokens[at].kind == "open" or (tokens[at].kind == "word" and tokens[at].text.startswith("$")):
        raise ImportProblem("this PowerShell command takes a value from a variable; put the value into it")
    return tokens[at].text


def _tokens(data: str) -> Iterator[_Token]:
    """The tokens of the text; one with a variable in it is of kind `open`. Raises ImportProblem."""
    at = 0
    while at < len(data):
        seen = _TOKEN.match(data, at)
        if seen is None:
            raise _cut_off()
        at = seen.end()
        kind = seen.lastgroup or ""
        if kind == "double":
            opened = any(found[4] for found in _IN_DOUBLE.finditer(seen["double"]))
            yield _Token("open" if opened else "text", _IN_DOUBLE.sub(_unescaped, seen["double"]))
        elif kind == "single":
            yield _Token("text", seen["single"].replace("''", "'"))
        elif kind != "blank":
            yield _Token(kind, seen[kind])


def _unescaped(found: re.Match[str]) -> str:
    sign, hexadecimal, number, variable = found.groups()
    if variable:
        return variable
    if hexadecimal or number:
        code = int(hexadecimal, 16) if hexadecimal else int(number)
        return chr(code) if code < 0xD800 or 0xDFFF < code < 0x10000 else "\ufffd"
    return '"' if sign is None else _ESCAPED.get(sign, sign)


def _cut_off() -> ImportProblem:
    return ImportProblem("this PowerShell command is cut off, or was changed: copy it once more")
