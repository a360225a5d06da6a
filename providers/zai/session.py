"""The Z.AI session: one JWT that says whose it is and never says when it ends.

The payload is {id, email}, no exp (usual life: weeks to months). A dead token on GET /api/v1/auths/ is not refused: the
site silently answers with a fresh guest, so the answer must be compared with whom we expect.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.contract.browser import AGENT
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import person_id, words
from providers.contract.sealed import Value, joined
from providers.contract.session import Credentials, Identity, Session
from providers.contract.steps import Answer
from providers.formats.jsontext import loads, mapping, text
from providers.formats.jwt import claims, ends_at
from providers.zai import data as zai_data

TOKEN_NAMES: Final = ("token", "cookie:token")
"""Where the token may be kept: as such, or as the cookie of that name."""

_VERSION: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9-]{2,20}")
_LANGUAGES_LIMIT: Final = 10

_WHERE: Final = (
    "Sign in at https://chat.z.ai in your browser and copy the value of localStorage key `token` (it begins with eyJ)."
)


def read_token(provider: str, account: str, credentials: Credentials) -> Session:
    """The session of an account. Raises ProviderError(SESSION_EXPIRED) when its secrets cannot serve."""
    token = credentials.token or credentials.cookies.get("token")
    if not token:
        raise _unusable("The stored Z.AI session has no token.")
    claims = _claims(token)
    user_id, email = person_id(claims.get("id")), words(claims.get("email"))
    if not user_id:
        raise _unusable("The stored Z.AI token is not one of the site's: it names no user.")
    if is_guest(email):
        raise _unusable("The stored Z.AI token belongs to a guest, not to a signed-in account.")
    return Session(
        provider=provider,
        account=account,
        names=(*credentials.values(), "device_id"),
        facts={"user_id": user_id, "email": email, **_of_browser(credentials.headers)},
        expires_at=ends_at(claims),
    )


def _of_browser(headers: Mapping[str, str]) -> dict[str, str]:
    """The browser's own words for the page's query and body; empty where it is not known.

    `client_version` is the page's; `language`, `languages`, `browser_name`, `os_name` as in zai_data.QUERY.
    """
    named = {name.lower(): value for name, value in headers.items()}
    facts = {}
    if _VERSION.fullmatch(version := named.get(zai_data.VERSION_HEADER, "")):
        facts["client_version"] = version
    said = [part.partition(";")[0].strip() for part in named.get("accept-language", "").split(",")[:_LANGUAGES_LIMIT]]
    if tags := [tag for tag in said if _LANGUAGE.fullmatch(tag)]:
        facts |= {"language": tags[0], "languages": ",".join(tags)}
    if agent := named.get(AGENT, ""):
        facts["browser_name"] = next((name for part, name in zai_data.BROWSERS if part in agent), "Unknown")
        facts["os_name"] = next((name for part, name in zai_data.SYSTEMS if part in agent), "Unknown")
    return facts


def token_name(session: Session) -> str:
    """The name of the secret that holds the token."""
    return next((name for name in TOKEN_NAMES if session.has(name)), TOKEN_NAMES[0])


def other_cookies(session: Session) -> Value:
    """The session's cookies besides the token (the edge's own), as one sealed Cookie header value."""
    names = [name for name in session.names if name.startswith("cookie:") and name != "cookie:token"]
    return joined("; ", (f"{name.removeprefix('cookie:')}=" + session.seal(name) for name in names))


def is_guest(email: str) -> bool:
    """Whether an e-mail address is one the site gives to guests (guest-<ms>@guest.com)."""
    return email.lower().startswith("guest-") and email.lower().endswith("@guest.com")


def read_auths(answer: Answer, session: Session) -> tuple[Identity, str]:
    """The identity that GET /auths/ names, and the fresh token. Raises ProviderError(SESSION_EXPIRED) for anybody
    else."""
    body = mapping(loads(answer.body))
    user = mapping(body.get("user")) or body
    user_id, email = text(user.get("id")), text(user.get("email"))
    if not user_id:
        raise ProviderError(ErrorKind.PROVIDER_DOWN, "Z.AI did not say whose session this is; try again later.")
    guest = is_guest(email) or text(user.get("role")) == "guest"
    if guest or user_id != session.facts.get("user_id"):
        raise ProviderError(
            ErrorKind.SESSION_EXPIRED,
            "Z.AI no longer knows this session: it answers as "
            + ("a guest." if guest else "another user than the stored one."),
        )
    token = text(body.get("token")) or text(user.get("token"))
    return Identity(user_id, text(user.get("name")), email), token


def _claims(token: str) -> dict[str, Any]:
    """The payload of the token. Raises ProviderError(SESSION_EXPIRED) when it is no JWT."""
    found = claims(token)
    if found is None:
        raise _unusable("What is stored as Z.AI token is not the site's token (a JWT).")
    return found


def _unusable(what: str) -> ProviderError:
    return ProviderError(ErrorKind.SESSION_EXPIRED, f"{what} {_WHERE}")
