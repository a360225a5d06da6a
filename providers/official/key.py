"""The key of an official API: out of the vault, and out of a call of the person's own."""

import re
from typing import Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, ObservedExchange, Session

_KEY: Final = re.compile(r"[\x21-\x7e]+")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]+")
_HEADERS: Final = ("x-api-key", "api-key", "x-goog-api-key")
WANTED: Final = "a call with the API key in the header Authorization"


def read_session(provider: str, account: str, credentials: Credentials) -> Session:
    """Raises ProviderError(SESSION_EXPIRED)."""
    secrets = [secret for secret in (credentials.api_key, credentials.token) if secret]
    if not secrets and not credentials.headers:
        raise ProviderError(ErrorKind.SESSION_EXPIRED, "The stored session holds no api_key.", credential="key")
    if not all(map(_KEY.fullmatch, secrets)) or not all(map(_HEADER_VALUE.fullmatch, credentials.headers.values())):
        raise ProviderError(
            ErrorKind.SESSION_EXPIRED,
            "The stored key holds a blank, a line end or a letter that no key has.",
            credential="key",
        )
    return Session(provider, account, tuple(credentials.values()))


def extract(seen: ObservedExchange) -> Credentials | None:
    """The key of a call: the header Authorization, or one of its relatives."""
    key = seen.bearer or next((seen.headers[name] for name in _HEADERS if seen.headers.get(name)), "")
    return Credentials(api_key=key) if key and seen.status not in (401, 403) else None


def missing(credentials: Credentials) -> tuple[str, ...]:
    """What there is too little of to sign in."""
    return () if credentials.api_key or credentials.token else (WANTED,)
