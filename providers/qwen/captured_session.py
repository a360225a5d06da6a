"""The Qwen session in the person's own browsing, of either age.

The access token is in the Authorization header and in the answers of sign-in and renewal; the refresh cookie changes
with each use, so the newest Set-Cookie counts. The jar of chat.qwen.ai goes along, as the page sends it, and
what the browser and the page say of themselves.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from providers.contract.session import Credentials, ObservedExchange
from providers.formats.jsontext import loads, mapping, text
from providers.formats.jwt import claims
from providers.qwen import data

_TOKEN_NAMES: Final = ("access_token", "accessToken", "token")
_GUESTS: Final = frozenset({"guest", "visitor", "anonymous"})
_SESSION_COOKIES: Final = frozenset({"token", "refresh_token"})
TOKEN_WANTED: Final = "the access token (localStorage key `token`, the header Authorization of a signed-in call)"  # noqa: S105  (words)
REFRESH_WANTED: Final = (
    "the cookie refresh_token (or token) of .qwen.ai, without which the session ends after 15 minutes; it may be "
    "HttpOnly: exports of a whole browsing session have it, a copied request to chat.qwen.ai as well"
)


def extract(seen: ObservedExchange) -> Credentials | None:
    """The credentials a call shows of a signed-in session; None for a guest's."""
    given = seen.new_cookies
    token = _from_answer(seen) or _person(seen.bearer)
    jar = {**seen.cookies, **given}
    if not token and not _SESSION_COOKIES & jar.keys():
        return None
    if _is_guest(token or jar.get("token", "")):
        return None
    headers, asked = seen.browser_headers(data.SESSION_HEADERS, data.COMPLETION_PATHS)
    return Credentials(token=token or None, cookies=jar, headers=headers, asked=asked)


def missing(credentials: Credentials) -> tuple[str, ...]:
    """The parts missing. A long token of the older age lives in the cookie `token` too; the short one needs something
    to renew it with."""
    if not credentials.token and not credentials.cookies.get("token"):
        renewable = "refresh_token" in credentials.cookies
        return () if renewable else (TOKEN_WANTED,)
    return () if _SESSION_COOKIES & credentials.cookies.keys() else (REFRESH_WANTED,)


def _from_answer(seen: ObservedExchange) -> str:
    """The token of a sign-in or renewal, under whichever name an age of the site gave it."""
    if seen.status != 200 or "/auths" not in urlsplit(seen.url).path:
        return ""
    body = mapping(loads(seen.body))
    if body.get("success") is False:
        return ""
    places: tuple[Mapping[str, Any], ...] = (mapping(body.get("data")), mapping(body.get("result")), body)
    return next((_person(text(place.get(n))) for place in places for n in _TOKEN_NAMES if text(place.get(n))), "")


def _person(token: str) -> str:
    return token if token and not _is_guest(token) else ""


def _is_guest(token: str) -> bool:
    return text((claims(token) or {}).get("role")).lower() in _GUESTS
