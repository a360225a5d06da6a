"""The gateway's own keys: who may use it. Compared by digest, over all keys, without an early way out."""

import functools
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_HEADERS = ("x-api-key", "api-key")
_PURPOSE: Final = b"glassgate: the name of a client key\0"
_STRONG_BYTES: Final = 32
_NAME_DIGITS: Final = 8
ENVIRONMENT_NAME: Final = "env"
"""The name of the key in AUTH_TOKEN."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One key as it is configured. `name` stands in the log and may be known to all."""

    name: str
    token: str = field(repr=False)
    source: str = ""
    """Where it is configured, for people."""


class Identity(NamedTuple):
    """Whose key a request shows. The digest tells one key from another, also under the same name at another time."""

    name: str
    digest: bytes


class ClientKeys:
    """The keys clients may show."""

    def __init__(self, keys: Iterable[ClientKey]) -> None:
        self._known = [Identity(key.name, digest_of(key.token)) for key in keys]
        self._digests = frozenset(known.digest for known in self._known)

    def __len__(self) -> int:
        return len(self._known)

    def identify(self, headers: Mapping[str, str]) -> Identity | None:
        """Whose key is shown in `headers` (lower-case names), or None: missing, unknown, or contradictory."""
        digest = shown_identity(headers)
        if digest is None:
            return None
        found: Identity | None = None
        for known in self._known:
            if hmac.compare_digest(digest, known.digest):
                found = known
        return found

    def holds(self, digest: bytes | None) -> bool:
        """Whether a key that was identified before is still one of these."""
        return digest in self._digests


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


@functools.lru_cache(maxsize=1024)
def name_by_hash(token: str) -> str:
    """The name of a key that was given none: the same at every start, wherever the key stands, and of no other key.

    The name gets around, in logs: it must not tell whether a guess at the key is right. For a strong key any hash will
    do, since nobody guesses it; a short one (loopback only) gets a hash that is slow to compute.
    """
    secret = token.encode("utf-8", "surrogateescape")
    if len(secret) >= _STRONG_BYTES:
        digest = hashlib.sha256(_PURPOSE + secret).digest()
    else:
        digest = hashlib.scrypt(secret, salt=_PURPOSE, n=2**13, r=8, p=1)
    return f"key-{digest.hex()[:_NAME_DIGITS]}"


def shown_identity(headers: Mapping[str, str]) -> bytes | None:
    """What a key is known by, whatever its name: the digest of the one shown; None when there is not just one."""
    shown = _shown(headers)
    return digest_of(shown.pop()) if len(shown) == 1 else None


def _shown(headers: Mapping[str, str]) -> set[str]:
    """All different keys a request shows; two that disagree make it nobody's."""
    shown = {headers[name].strip() for name in _HEADERS if name in headers}
    if "authorization" in headers:
        scheme, _, value = headers["authorization"].strip().partition(" ")
        shown.add(value.strip() if scheme.lower() == "bearer" else "")
    return shown
