"""Checks of values a site hands out to be sent back to it: ids, tokens, cookies, names.

A site's word becomes a part of an address, a header or the vault; it may only be what such a thing can be.
"""

import re
from collections.abc import Mapping
from typing import Final

from providers.contract.errors import ErrorKind, ProviderError

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_PERSON: Final = re.compile(r"[A-Za-z0-9_.:@|+-]{1,128}")
_TOKEN: Final = re.compile(r"[!#-+\--:<-\[\]-~]{1,16384}")
"""RFC 6265 4.1.1 (cookie-octet): no blank, quote, comma, semicolon or backslash; the tokens of all sites keep to it."""
_COOKIE_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_COOKIE_VALUE: Final = re.compile(r"[!-:<-~]{1,8192}")
"""Looser than the standard: sites put quotes and commas into values, and browsers send them back."""
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORDS_LIMIT: Final = 256


def site_id(value: object) -> str:
    """The id of a chat, a message or a file as text; nothing when it cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 64:
        return str(value)
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def checked_id(value: object, what: str) -> str:
    """As `site_id`. Raises ProviderError for anything else; `what` names it (`Z.AI's new chat`)."""
    found = site_id(value)
    if not found:
        message = f"{what} has an id that cannot be one; nothing more was sent. Try again; tell us if it stays so."
        raise ProviderError(ErrorKind.PROVIDER_DOWN, message, site_code="bad_id")
    return found


def person_id(value: object) -> str:
    """The id of a user as a token or a site names it; nothing when it cannot be one."""
    return value if isinstance(value, str) and _PERSON.fullmatch(value) else ""


def is_token(value: str) -> bool:
    """Whether the text can be a token that goes into a header or a cookie."""
    return _TOKEN.fullmatch(value) is not None


def is_cookie(name: str, value: str) -> bool:
    return _COOKIE_NAME.fullmatch(name) is not None and _COOKIE_VALUE.fullmatch(value) is not None


def check_update(token: str | None, cookies: Mapping[str, str]) -> None:
    """Raises ProviderError when a site's new secrets cannot be what they are said to be."""
    usable = token is None or is_token(token)
    if not usable or len(cookies) > 100 or not all(is_cookie(name, value) for name, value in cookies.items()):
        message = "the site handed out something as a session that cannot be one; the one from before stands."
        raise ProviderError(ErrorKind.PROVIDER_DOWN, message, site_code="bad_token")


def words(value: object) -> str:
    """A name for people, bounded and without control characters; nothing when it is no text."""
    return _UNSEEN.sub(" ", value[:_WORDS_LIMIT]) if isinstance(value, str) else ""
