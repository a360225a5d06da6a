"""The LongCat session in the person's own browsing: the cookies, with the passport's among them."""

from typing import Final
from urllib.parse import urlsplit

from providers.contract.session import Credentials, ObservedExchange
from providers.formats.jsontext import loads, mapping
from providers.longcat import data

WANTED: Final = f"a call to longcat.chat with the cookie {data.PASSPORT} (it is set by signing in)"
_WHO: Final = "/api/v1/user-current"


def extract(seen: ObservedExchange) -> Credentials | None:
    """All cookies of the page; None without the passport's, and where the site says that nobody is signed in."""
    jar = {**seen.cookies, **seen.new_cookies}
    if not jar.get(data.PASSPORT) or _signed_out(seen):
        return None
    headers, asked = seen.browser_headers(data.SESSION_HEADERS, data.COMPLETION_PATHS)
    return Credentials(cookies=jar, headers=headers, asked=asked)


def missing(credentials: Credentials) -> tuple[str, ...]:
    return () if credentials.cookies.get(data.PASSPORT) or credentials.token else (WANTED,)


def _signed_out(seen: ObservedExchange) -> bool:
    """Anonymous visitors get code 0 too, with loginStatus 0."""
    if seen.status in (401, 403):
        return True
    if urlsplit(seen.url).path != _WHO or not seen.body:
        return False
    return mapping(mapping(loads(seen.body)).get("data")).get("loginStatus") != 1
