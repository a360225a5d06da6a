"""The Qwen session of either age, and what the site answers about it.

Until summer 2026: one long JWT, kept as the cookie `token`. Since autumn: an access token of 15 minutes (localStorage
key `token`) and a refresh cookie of 30 days that changes with each use. The jar of the person's browser goes along.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import person_id
from providers.contract.sealed import Value, joined
from providers.contract.session import Credentials, Identity, Session, SessionUpdate, given_cookies
from providers.contract.steps import Answer
from providers.formats.jsontext import loads, mapping, text
from providers.formats.jwt import claims, ends_at
from providers.qwen.errors import refusal

REFRESH_COOKIE: Final = "cookie:refresh_token"
SESSION_COOKIE: Final = "cookie:token"
COOKIE_FACT: Final = "session_cookie"
"""Fact: the cookie `token` is the `same` as the access token, or a session token of its `own`. Absent without both."""
VERSION_FACT: Final = "client_version"
"""Fact: the page's version in the person's own browser, where it was seen."""
_VERSION: Final = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,3}")

_WHERE: Final = (
    "Sign in at https://chat.qwen.ai in your browser and store localStorage key `token` (and the cookies) again."
)
_TOKEN_NAMES: Final = ("access_token", "accessToken", "token")
_GUEST_ROLES: Final = frozenset({"guest", "visitor", "anonymous"})
_ODD: Final = re.compile(r"[\s\x00-\x1f\x7f;,]")


def read_secrets(provider: str, account: str, credentials: Credentials) -> Session:
    """The session of an account. Raises ProviderError(SESSION_EXPIRED) when its secrets cannot serve."""
    cookie, token = credentials.cookies.get("token"), credentials.token
    bearer = token or cookie
    if not bearer and not credentials.cookies.get("refresh_token"):
        raise _unusable("The stored Qwen session has neither a token nor a refresh cookie.")
    if bearer and _ODD.search(bearer):
        raise _unusable("What is stored as Qwen token is no token: it holds white space or separators.")
    said = claims(bearer or "") or {}
    facts = {}
    if user_id := person_id(said.get("id")):
        facts["user_id"] = user_id
    if token and cookie:
        facts[COOKIE_FACT] = "same" if token == cookie else "own"
    version = next((value for name, value in credentials.headers.items() if name.lower() == "version"), "")
    if _VERSION.fullmatch(version):
        facts[VERSION_FACT] = version
    # A session with nothing but a refresh cookie is one that ran out long ago: it must be renewed before use.
    expires_at = ends_at(said) if bearer else 0
    return Session(provider, account, tuple(credentials.values()), facts, expires_at)


def bearer_name(session: Session) -> str | None:
    """The name of the secret that is the access token."""
    return next((name for name in ("token", SESSION_COOKIE) if session.has(name)), None)


def cookie_header(session: Session) -> Value:
    """The cookie jar, sealed. The cookie `token` is part of it in any case: pages of both ages send it beside the
    Bearer."""
    jar = session.cookie_header()
    bearer = bearer_name(session)
    if session.has(SESSION_COOKIE) or bearer is None:
        return jar
    return joined("; ", ("token=" + session.seal(bearer), jar))


def renewable(session: Session) -> bool:
    """Whether there is anything to renew the access token with."""
    return session.has(REFRESH_COOKIE) or session.facts.get(COOKIE_FACT) == "own"


def read_renewal(answer: Answer, session: Session) -> SessionUpdate:
    """The new secrets in the refresh call's answer.

    Raises ProviderError: SESSION_EXPIRED when the site rejects the refresh cookie, CHALLENGE when it wants a human.
    """
    body = mapping(loads(answer.body))
    token = _new_token(body) if answer.status < 300 and body.get("success") is not False else ""
    if not token:
        error = refusal(answer.status, answer.headers, answer.body)
        if error.kind is ErrorKind.SESSION_EXPIRED:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                f"Qwen no longer renews this session. {_WHERE}",
                site_code=error.site_code,
                status=answer.status,
            )
        raise error
    cookies = {}
    if from_cookies := text(mapping(body.get("data")).get("refresh_token")) or text(body.get("refresh_token")):
        cookies["refresh_token"] = from_cookies
    if session.facts.get(COOKIE_FACT) == "same" or not session.has("token"):
        cookies |= {"token": token} if session.has(SESSION_COOKIE) else {}
    cookies |= dict(_set_cookies(answer.set_cookies, session))
    return SessionUpdate(token, cookies)


def read_rotated(session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
    """The secrets that cookies of any answer renew; a `token` of somebody else (a guest's) is passed over."""
    kept = dict(cookies)
    token = kept.get("token")
    if token is not None:
        expected = session.facts.get("user_id")
        if expected and text((claims(token) or {}).get("id")) not in ("", expected):
            del kept["token"]
            token = None
    same = session.facts.get(COOKIE_FACT) == "same"
    return SessionUpdate(token if same else None, kept) if kept else None


def read_identity(answer: Answer, session: Session) -> Identity:
    """The session's owner. Raises ProviderError(SESSION_EXPIRED) for a guest or somebody else."""
    body = mapping(loads(answer.body))
    if answer.status >= 300 or body.get("success") is False or not body:
        raise refusal(answer.status, answer.headers, answer.body)
    user = mapping(body.get("data")) or body
    user = mapping(user.get("user")) or user
    user_id, role = text(user.get("id")) or text(user.get("user_id")), text(user.get("role")).lower()
    if role in _GUEST_ROLES or not user_id:
        raise _unusable("Qwen answers as to a guest: it no longer knows this session.")
    expected = session.facts.get("user_id")
    if expected and user_id != expected:
        raise _unusable("Qwen answers as to another user than the stored one.")
    return Identity(user_id, text(user.get("name")), text(user.get("email")))


def _new_token(body: Mapping[str, Any]) -> str:
    """The access token, under whichever name an age of the site gave it."""
    places = (mapping(body.get("data")), mapping(body.get("result")), body)
    return next((found for place in places for name in _TOKEN_NAMES if (found := text(place.get(name)))), "")


def _set_cookies(values: tuple[str, ...], session: Session) -> Iterator[tuple[str, str]]:
    """The cookies handed out that belong to the session; cookies taken away are passed over."""
    for name, content in given_cookies(values):
        if name in ("refresh_token", "token") or session.has(f"cookie:{name}"):
            yield name, content


def _unusable(what: str) -> ProviderError:
    return ProviderError(ErrorKind.SESSION_EXPIRED, f"{what} {_WHERE}")
