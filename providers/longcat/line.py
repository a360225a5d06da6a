"""Reader of a LongCat session in one line: the value of passport_token_key, or the page's cookies. Pure."""

import re
from typing import Final

from providers.contract.given import is_cookie
from providers.longcat.data import PASSPORT

_VALUE: Final = re.compile(r"[!#-&(-+\--:<>-~]{8,4096}={0,2}")
"""A sign-in's value alone (a word is none): no white space, quotes, commas or semicolons, `=` at its end only."""
_COOKIES_LIMIT: Final = 100


def cookies_of_line(line: str) -> dict[str, str] | None:
    """The cookies of one line, the sign-in among them; None when it is no session."""
    text = line.strip()
    if text[:7].lower() == "cookie:":
        text = text[7:].strip()
    if _VALUE.fullmatch(text) and not _is_empty_pair(text):
        return {PASSPORT: text}
    parts = [part.strip() for part in text.split(";") if part.strip()]
    pairs = [part.partition("=")[::2] for part in parts]
    found = {name: value for name, value in pairs if value}
    usable = len(parts) <= _COOKIES_LIMIT and all("=" in part for part in parts)
    if not usable or not all(is_cookie(name, value) for name, value in found.items()):
        return None
    return found if _VALUE.fullmatch(found.get(PASSPORT, "")) else None


def _is_empty_pair(text: str) -> bool:
    """Whether it is a cookie's name with nothing behind it (`session_token=`), which a value could look like."""
    name = text.removesuffix("=")
    return name != text and name.islower() and name.replace("_", "a").isalpha()
