"""A request as browsers copy it: "copy as cURL", in the forms for bash and for cmd. Pure: files are never read."""

import re
import shlex
from typing import Final

from addons.importing.problem import Found, ImportProblem
from providers.contract import Sighting

_ANSI: Final = re.compile(r"""'[^']*+'|"(?:[^"\\]|\\.)*+"|\\.|\$'((?:[^'\\]|\\.)*+)'""", re.DOTALL)
"""bash's $'…', and first what it is not: in other quotation marks these signs are only text."""
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b"}
_ONE_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{1,4}|x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_OF_CMD: Final = re.compile(r"\^\s*\n|\^\"|\^%")
_CARET_LINE_END: Final = re.compile(r"\^\s*\r?\n")
_CARET: Final = re.compile(r"\^(.)", re.DOTALL)
_LINE_END: Final = re.compile(r"\\\r?\n")
LIMIT_CHARS: Final = 512 * 1024
"""A command with a session in it has some thousands; a longer one carries a file."""
_WITH_VALUE: Final = frozenset(
    [
        "-X",
        "--request",
        "-d",
        "--data",
        "--data-raw",
        "--data-binary",
        "--data-urlencode",
        "-A",
        "--user-agent",
        "-e",
        "--referer",
        "-o",
        "--output",
        "-m",
        "--max-time",
        "--connect-timeout",
        "-x",
        "--proxy",
        "-u",
        "--user",
        "-F",
        "--form",
        "--cacert",
        "--resolve",
        "-w",
        "--write-out",
        "-T",
    ]
)


def read_curl(data: str) -> Found:
    """Raises ImportProblem."""
    if len(data) > LIMIT_CHARS:
        raise ImportProblem("this cURL command is longer than 512 KB: copy one without a file in it")
    try:
        words = shlex.split(_plain(data), posix=True)
    except ValueError:
        raise ImportProblem("this cURL command is cut off: a quotation mark is open") from None
    if not words or not words[0].lower().endswith(("curl", "curl.exe")):
        raise ImportProblem("this is no cURL command")
    return Found("cURL", (_sighting(words[1:]),))


def _plain(data: str) -> str:
    """The command with the shells' own ways taken out: cmd's carets, bash's $'…' and line ends."""
    command = data.strip()
    if _OF_CMD.search(command):
        command = _CARET_LINE_END.sub(" ", command)
        command = _CARET.sub(r"\1", command)
    command = _LINE_END.sub(" ", command)
    return _ANSI.sub(_without_ansi, command)


def _without_ansi(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else shlex.quote(_ONE_ESCAPE.sub(_escaped, found[1]))


def _escaped(found: re.Match[str]) -> str:
    sign = found[1]
    if sign[0] in "ux" and len(sign) > 1:
        return chr(int(sign[1:], 16))
    return chr(int(sign, 8)) if sign.isdigit() else _ESCAPES.get(sign, sign)


def _sighting(words: list[str]) -> Sighting:
    headers: dict[str, str] = {}
    url = method = ""
    rest = iter(words)
    for word in rest:
        name, mark, joined = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in ("-H", "--header"):
            header, _, value = (joined if mark else next(rest, "")).partition(":")
            headers[header.strip().lower()] = value.strip()
        elif name in ("-b", "--cookie"):
            value = joined if mark else next(rest, "")
            if "=" not in value:
                raise ImportProblem("this cURL command takes its cookies from a file; import that file instead")
            headers["cookie"] = value
        elif name in ("-X", "--request"):
            method = joined if mark else next(rest, "")
        elif name == "--url":
            url = joined if mark else next(rest, "")
        elif name in _WITH_VALUE:
            joined or next(rest, "")
        elif not word.startswith("-"):
            url = url or word
    if not url:
        raise ImportProblem("this cURL command names no address")
    url = url if "://" in url else f"https://{url}"
    return Sighting(method or "GET", url, headers)
