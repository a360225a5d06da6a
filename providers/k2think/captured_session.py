"""The K2Think session in the person's own browsing: the token, in a header, a cookie or the answer of a sign-in."""

from typing import Final
from urllib.parse import urlsplit

from providers.contract.session import Credentials, ObservedExchange
from providers.formats.jsontext import loads, mapping, text
from providers.formats.jwt import claims
from providers.formats.moments import moment_s
from providers.k2think import data

WANTED: Final = "a signed-in call with the cookie `token` or the header Authorization of www.k2think.ai"


def extract(seen: ObservedExchange) -> Credentials | None:
    """The token, until when the site says it is good, the edge's own cookies, and the browser."""
    token, end = _from_answer(seen)
    places = (token, seen.new_cookies.get("token", ""), seen.bearer, seen.cookies.get("token", ""))
    found = next((place for place in places if claims(place) is not None), "")
    if not found:
        return None
    headers, asked = seen.browser_headers((), (data.CHAT_PATH,))
    cookies = {name: value for name, value in {**seen.cookies, **seen.new_cookies}.items() if name != "token"}
    until = end if found == token else None
    return Credentials(token=found, cookies=cookies, headers=headers, expires_at=until, asked=asked)


def missing(credentials: Credentials) -> tuple[str, ...]:
    return () if credentials.token or credentials.cookies.get("token") else (WANTED,)


def _from_answer(seen: ObservedExchange) -> tuple[str, int | None]:
    if seen.status != 200 or "/auths" not in urlsplit(seen.url).path:
        return "", None
    body = mapping(loads(seen.body))
    return text(body.get("token")), moment_s(body.get("expires_at"))
