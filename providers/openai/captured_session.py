"""The key of an official API in a call of the person's own: the header Authorization, or one of its relatives."""

from typing import Final

from providers.contract.session import Credentials, ObservedExchange

_HEADERS: Final = ("x-api-key", "api-key", "x-goog-api-key")
WANTED: Final = "a call with the API key in the header Authorization"


def extract(seen: ObservedExchange) -> Credentials | None:
    key = seen.bearer or next((seen.headers[name] for name in _HEADERS if seen.headers.get(name)), "")
    return Credentials(api_key=key) if key and seen.status not in (401, 403) else None


def missing(credentials: Credentials) -> tuple[str, ...]:
    return () if credentials.api_key or credentials.token else (WANTED,)
