"""The gateway's own client keys. Compared by digest, over all keys, without an early way out."""

import functools
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from addons.keys.limits import NO_LIMITS, KeyLimits
from addons.keys.managed import ManagedSet

_HEADERS: Final = ("x-api-key", "api-key", "x-goog-api-key")
"""Beside Authorization: what clients of Anthropic's, Azure's and Google's forms put their key in."""
KEY_HEADERS: Final = frozenset({"authorization", *_HEADERS})
"""Every header that a key is looked for in; lower case."""
_MOST_SHOWN: Final = 8
"""Different keys in one request that are looked at."""
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
    limits: KeyLimits = NO_LIMITS


class KeyIdentity(NamedTuple):
    """The key a request shows. The digest tells one key from another, also under the same name at another time."""

    name: str
    digest: bytes
    limits: KeyLimits = NO_LIMITS


class ClientKeys:
    """The set of keys clients may show: those that are configured, and the managed ones. `now` in Unix seconds."""

    def __init__(
        self, keys: Iterable[ClientKey], managed: ManagedSet | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._managed = managed if managed is not None else ManagedSet()
        self._now = now
        self._known = [KeyIdentity(key.name, digest_of(key.token), key.limits) for key in keys]
        self._digests = frozenset(known.digest for known in self._known) | self._managed.identities

    def __len__(self) -> int:
        return len(self._known) + len(self._managed.keys)

    @property
    def names(self) -> frozenset[str]:
        """What they are called, in the log and elsewhere."""
        return frozenset((*(key.name for key in self._known), *(key.name for key in self._managed.keys)))

    def shown_in(self, headers: Mapping[str, str]) -> tuple[KeyIdentity, ...]:
        """The different keys of these that a request shows in `headers` (lower-case names). One is the right number.

        Whatever else stands there is no business of ours: programs send the key of another service beside ours when
        both of their variables are set (Claude Code: ANTHROPIC_AUTH_TOKEN and ANTHROPIC_API_KEY).
        """
        shown = _shown(headers)
        digests = [digest_of(token) for token in shown]
        found: dict[bytes, KeyIdentity] = {}
        for known in self._known:
            for digest in digests:
                if hmac.compare_digest(digest, known.digest):
                    found[known.digest] = known
        for token in shown:
            if (key := self._managed.find(token, self._now())) is not None:
                found[key.identity] = KeyIdentity(key.name, key.identity, key.limits)
        return tuple(found.values())

    def expired(self, who: KeyIdentity) -> bool:
        """Whether it is no key any more by now."""
        return who.limits.expired(self._now())

    def all(self) -> Iterator[KeyIdentity]:
        """Every key there is, as it would be identified."""
        yield from self._known
        for key in self._managed.keys:
            yield KeyIdentity(key.name, key.identity, key.limits)

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


def _shown(headers: Mapping[str, str]) -> set[str]:
    """The keys a request shows, wherever one may stand; nothing when that is more than any program sends."""
    shown = {piece for name in _HEADERS if name in headers for piece in _pieces(headers[name])}
    for piece in _pieces(headers.get("authorization", "")):
        scheme, _, value = piece.partition(" ")
        if scheme.lower() == "bearer":
            shown.add(value.strip())
    shown.discard("")
    return shown if len(shown) <= _MOST_SHOWN else set()


def _pieces(value: str) -> Iterator[str]:
    """A header's value, which may be a key with a comma in it; and each part, since fields of one name are joined."""
    yield value.strip()
    if "," in value:
        for part in value.split(",", _MOST_SHOWN):
            yield part.strip()
