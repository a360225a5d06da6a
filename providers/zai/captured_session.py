"""The Z.AI session in the person's own browsing: the Bearer of a signed-in call, or the answer that says who it is."""

from typing import Final
from urllib.parse import urlsplit

from providers.contract.session import Credentials, ObservedExchange
from providers.formats.jsontext import loads, mapping, text
from providers.formats.jwt import claims
from providers.zai import data
from providers.zai.session import is_guest

_AUTH_PATHS: Final = ("/api/v1/auths", "/api/v1/auths/signin", "/api/v1/auths/signup")
WANTED: Final = "a signed-in call with the header Authorization (localStorage key `token` of chat.z.ai)"


def extract(seen: ObservedExchange) -> Credentials | None:
    """The token, the edge's own cookies, and the browser; None for a guest and for calls that show no token."""
    token = _from_answer(seen) or _person(seen.bearer) or _person(seen.cookies.get("token", ""))
    if not token:
        return None
    cookies = {name: value for name, value in {**seen.cookies, **seen.new_cookies}.items() if name != "token"}
    headers, asked = seen.browser_headers(data.SESSION_HEADERS, tuple(data.COMPLETION_PATHS.values()))
    return Credentials(token=token, cookies=cookies, headers=headers, asked=asked)


def missing(credentials: Credentials) -> tuple[str, ...]:
    return () if credentials.token or credentials.cookies.get("token") else (WANTED,)


def _from_answer(seen: ObservedExchange) -> str:
    """The fresh token of a sign-in, or of asking who is signed in; a dead token is answered with a guest's."""
    if seen.status != 200 or urlsplit(seen.url).path.rstrip("/") not in _AUTH_PATHS:
        return ""
    body = mapping(loads(seen.body))
    return _person(text(body.get("token")) or text(mapping(body.get("user")).get("token")))


def _person(token: str) -> str:
    """The token, if it is a person's."""
    found = claims(token) or {}
    return token if text(found.get("id")) and not is_guest(text(found.get("email"))) else ""
