"""Reader of cURL commands, for bash and for cmd, as browsers and manuals write them. Pure: files are never read.

What each option takes is data (curl_options.py). A refusal repeats no word of the command: any may be a secret.
"""

import base64
import re
from collections.abc import Iterator
from typing import Final

from addons.cleaning.fields import joined
from addons.importing.contents import FileContents, ImportProblem
from addons.importing.curl_options import FLAGS, SHORT, WITH_VALUE
from addons.importing.shell_words import OpenQuote, Word, commands
from providers.contract.session import ObservedExchange

LIMIT_CHARS: Final = 512 * 1024
"""A command with a session in it has some thousands; a longer one carries a file."""
_MOST_REQUESTS: Final = 1000
_POWERSHELL: Final = re.compile(r"`[ \t]*+\r?\n")
_DATA: Final = frozenset(
    {"data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json", "form", "form-string"}
)
_IMPLIED: Final = {"user-agent": "user-agent", "referer": "referer"}
"""Options whose value is a header's."""


def read_curl(data: str) -> FileContents:
    """The requests of the commands in the text. Raises ImportProblem."""
    if len(data) > LIMIT_CHARS:
        raise ImportProblem("this cURL command is longer than 512 KB: copy one without a file in it")
    text = data.strip().removeprefix("$ ")
    if _POWERSHELL.search(text):
        raise ImportProblem("this cURL command is written for PowerShell: copy the request as cURL (bash)")
    try:
        found = [words for words in commands(text) if words[0].text.lower().endswith(("curl", "curl.exe"))]
    except OpenQuote:
        raise ImportProblem("this cURL command is cut off: a quotation mark is open") from None
    if not found:
        raise ImportProblem("this is no cURL command")
    exchanges: list[ObservedExchange] = []
    for words in found:
        exchanges += _requests(words[1:])
        if len(exchanges) > _MOST_REQUESTS:
            raise ImportProblem(f"these are more than {_MOST_REQUESTS} requests: copy one of the signed-in person's")
    return FileContents("cURL", tuple(exchanges))


def _requests(words: list[Word]) -> Iterator[ObservedExchange]:
    """One request for each address of each part of the command (`--next` begins another part)."""
    part = _Part()
    for option, value in _options(words):
        if option == "next":
            yield from part.exchanges()
            part = _Part()
        else:
            part.take(option, value)
    yield from part.exchanges()


def _options(words: list[Word]) -> Iterator[tuple[str, Word]]:
    """The options as (long name, value) in order, as curl reads them; an address is `url`; a flag has no value."""
    rest = iter(enumerate(words, 2))
    flags_end = False
    for number, word in rest:
        text = word.text
        if flags_end or not text.startswith("-"):
            yield "url", word
        elif text == "--":
            flags_end = True
        elif text.startswith("--"):
            yield _long(word, rest, number)
        else:
            yield from _letters(word, rest, number)


def _long(word: Word, rest: Iterator[tuple[int, Word]], number: int) -> tuple[str, Word]:
    """An option of the form `--name`, `--name value`, `--name=value`, `--no-name`."""
    name, joined, value = word.text[2:].partition("=")
    if name.startswith("expand-"):
        raise ImportProblem("this cURL command fills in variables (--expand-…); put the values into it")
    if name in WITH_VALUE:
        return name, word._replace(text=value) if joined else _next(rest)
    if name.removeprefix("no-") not in FLAGS:
        raise _unknown(number)
    return name, Word("")


def _letters(word: Word, rest: Iterator[tuple[int, Word]], number: int) -> Iterator[tuple[str, Word]]:
    """Options of the form `-s`, `-sSLk`, `-X POST`, `-XPOST`: what stands behind a letter with a value is that
    value."""
    letters = word.text[1:]
    if not letters:
        raise _unknown(number)
    for at, letter in enumerate(letters, 1):
        name = SHORT.get(letter)
        if name is None:
            raise _unknown(number)
        if name in WITH_VALUE:
            yield name, word._replace(text=letters[at:]) if letters[at:] else _next(rest)
            return
        yield name, Word("")


def _next(rest: Iterator[tuple[int, Word]]) -> Word:
    for _, word in rest:
        return word
    raise ImportProblem("this cURL command is cut off: its last option has no value")


def _unknown(number: int) -> ImportProblem:
    return ImportProblem(
        f"word {number} of this cURL command looks like an option that curl does not have; take it out, or put "
        "quotation marks around what belongs together"
    )


class _Part:
    """The options up to the end, or up to `--next`, gathered into a request."""

    def __init__(self) -> None:
        self._urls: list[str] = []
        self._method = self._implied_method = ""
        self._headers: list[tuple[str, str]] = []
        self._implied: dict[str, str] = {}
        """What curl sends where no header of that name is given."""
        self._cookies: list[str] = []

    def take(self, option: str, value: Word) -> None:
        if option == "config":
            raise ImportProblem("this cURL command takes its options from a file (-K, --config); put them into it")
        if option == "url":
            self._urls.append(_inline(value, "the address"))
        elif option == "header":
            self._header(_inline(value, "headers"))
        elif option == "cookie":
            self._cookie(_literal_value(value, "cookies"))
        elif option == "request":
            self._method = value.text
        elif option == "oauth2-bearer":
            self._implied["authorization"] = f"Bearer {_literal_value(value, 'the token')}"
        elif option == "user":
            pair = _literal_value(value, "name and password").encode("utf-8", "replace")
            self._implied.setdefault("authorization", f"Basic {base64.b64encode(pair).decode()}")
        elif option in _IMPLIED:
            self._implied[_IMPLIED[option]] = value.text
        elif option in _DATA:
            self._implied_method = self._implied_method or "POST"
        elif option in ("get", "head", "upload-file"):
            self._implied_method = {"get": "GET", "head": "HEAD", "upload-file": "PUT"}[option]

    def exchanges(self) -> Iterator[ObservedExchange]:
        """The request for each address. Raises ImportProblem when there is none."""
        if not self._urls:
            raise ImportProblem("this cURL command names no address")
        cookies = {"cookie": "; ".join(self._cookies)} if self._cookies else {}
        named = dict.fromkeys((name for name, _ in self._headers), "")
        given = joined(field for field in self._headers if field[1])
        headers = {**self._implied, **cookies, **named, **given}
        for url in self._urls:
            url = url if "://" in url else f"https://{url}"
            yield ObservedExchange(self._method or self._implied_method or "GET", url, headers)

    def _header(self, line: str) -> None:
        """Takes a header: `Name: value`; `Name:` takes one of curl's own away, `Name;` sends one without a value."""
        name, colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if colon:
            self._headers.append((name, value))

    def _cookie(self, value: str) -> None:
        if "=" in value:
            self._cookies.append(value.strip().removesuffix(";"))
        elif value:
            raise ImportProblem("this cURL command takes its cookies from a file; import that file instead")


def _literal_value(value: Word, what: str) -> str:
    """The value, where it stands in the command itself. Raises ImportProblem."""
    if value.expands:
        raise ImportProblem(f"this cURL command takes {what} from a variable of the shell; put the value into it")
    return value.text


def _inline(value: Word, what: str) -> str:
    """As `_literal_value`, for options that read a file where the value begins with @."""
    if value.text.startswith("@"):
        raise ImportProblem(f"this cURL command takes {what} from a file (@…), which is not read; put it into it")
    return _literal_value(value, what)
