"""Managed keys: client keys that commands make, and the file that keeps them. Pure.

    {"format": "glassgate-keys", "keys": [{…}], "seal": …, "vault": VAULT-ID, "version": 1}

A key itself is shown once and kept nowhere: the file has its HMAC-SHA256, keyed by a random value in the vault, so the
file alone tells nobody whether a guess is right. The seal is an HMAC over the whole, by the same value: a file that was
damaged, edited or made for another vault is refused whole.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from addons.keys.limits import Budget, KeyLimits, budget_of, models_of, requests_of, tokens_of
from addons.vault.encoding import b64, canonical, parse_object, unb64
from addons.vault.errors import VaultDamaged

FORMAT: Final = "glassgate-keys"
VERSION: Final = 1
MOST_KEYS: Final = 5000
NOTE_CHARS: Final = 200
_LATEST_S: Final = 2.0**40
_TOKEN: Final = b"glassgate managed keys: a key\0"
_SEAL: Final = b"glassgate managed keys: the file\0"
_IDENTITY: Final = b"glassgate managed keys: whose\0"
_FIELDS: Final = {"name", "id", "hash", "created", "limits", "note", "previous"}


class KeysProblem(Exception):
    """The file of managed keys cannot be used; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Previous:
    """The key before a rotation, which is good until then (Unix seconds)."""

    hash: bytes
    until: float


@dataclass(frozen=True, slots=True)
class ManagedKey:
    """One key. `created` in Unix seconds."""

    name: str
    id: bytes
    """16 random bytes: stays through rotations, and is another where a name is given anew."""
    hash: bytes = field(repr=False)
    created: float
    limits: KeyLimits
    note: str = ""
    previous: Previous | None = field(default=None, repr=False)
    identity: bytes = field(init=False, repr=False, compare=False)
    """What tells it from every other key, as the digest of a key in config.yaml does."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", hashlib.sha256(_IDENTITY + self.id).digest())

    def rotated(self, fresh: bytes, now: float, grace_s: float) -> "ManagedKey":
        """With another key in its place, whose hash is `fresh`."""
        until = now + grace_s
        return replace(self, hash=fresh, previous=Previous(self.hash, until) if grace_s > 0 else None)


def hash_of(token: str, secret: bytes) -> bytes:
    """What is kept of a key."""
    return hmac.digest(secret, _TOKEN + token.encode("utf-8", "surrogateescape"), "sha256")


class ManagedSet:
    """Managed keys to be looked up by what a client shows. `seen` is told of each key the first time it is shown."""

    def __init__(
        self, keys: Sequence[ManagedKey] = (), secret: bytes = b"", seen: Callable[[str], None] = lambda token: None
    ) -> None:
        self.keys = tuple(keys)
        self.identities = frozenset(key.identity for key in keys)
        self._secret = secret
        self._seen = seen
        self._known: set[bytes] = set()
        self._by_hash = {key.hash: (key, None) for key in keys} | {
            key.previous.hash: (key, key.previous.until) for key in keys if key.previous is not None
        }

    def find(self, token: str, now: float) -> ManagedKey | None:
        """The key that this is, also where it has expired. The hash is keyed, so how long this takes says nothing."""
        if not self._by_hash:
            return None
        shown = hash_of(token, self._secret)
        key, until = self._by_hash.get(shown, (None, None))
        if key is None or (until is not None and now >= until):
            return None
        if shown not in self._known:
            self._known.add(shown)
            self._seen(token)
        return key


# -- the file --------------------------------------------------------------------------------------------------------
def write(keys: Iterable[ManagedKey], vault_id: bytes, secret: bytes) -> bytes:
    """The file's bytes."""
    body = {"format": FORMAT, "version": VERSION, "vault": b64(vault_id), "keys": [_told(key) for key in keys]}
    return canonical({**body, "seal": b64(_seal(body, secret))}) + b"\n"


def read(data: bytes, vault_id: bytes, secret: bytes) -> tuple[ManagedKey, ...]:
    """The keys of a file. Raises KeysProblem."""
    try:
        body = parse_object(data, "file")
        seal = unb64(body.pop("seal", None), "seal", 32)
    except VaultDamaged as e:
        raise KeysProblem(f"the file of managed keys is damaged ({e.where}); put back a backup") from None
    if body.get("format") != FORMAT:
        raise KeysProblem("the file of managed keys is something else; put back a backup")
    if body.get("version") != VERSION:
        raise KeysProblem("the file of managed keys is of another version of Glassgate")
    if body.get("vault") != b64(vault_id):
        raise KeysProblem("the file of managed keys belongs to another vault; put back the one of this vault")
    if not secret:
        raise KeysProblem("the vault has no value for the file of managed keys: it is older than the file")
    if not hmac.compare_digest(seal, _seal(body, secret)):
        raise KeysProblem("the file of managed keys was changed by something else (seal); put back a backup")
    try:
        return tuple(_key(told) for told in body["keys"])
    except (VaultDamaged, ValueError, TypeError, KeyError, AttributeError):
        raise KeysProblem("the file of managed keys holds a key that cannot be read") from None


def _seal(body: Mapping[str, Any], secret: bytes) -> bytes:
    return hmac.digest(secret, _SEAL + canonical(body), "sha256")


def _told(key: ManagedKey) -> dict[str, Any]:
    previous = key.previous
    return {
        "name": key.name,
        "id": b64(key.id),
        "hash": b64(key.hash),
        "created": key.created,
        "limits": told_limits(key.limits),
        "note": key.note,
        "previous": {"hash": b64(previous.hash), "until": previous.until} if previous is not None else None,
    }


def _key(told: Mapping[str, Any]) -> ManagedKey:
    if set(told) != _FIELDS or not isinstance(told["name"], str) or not isinstance(told["note"], str):
        raise ValueError
    previous = told["previous"]
    return ManagedKey(
        told["name"],
        unb64(told["id"], "id", 16),
        unb64(told["hash"], "hash", 32),
        _moment(told["created"]),
        limits_told(told["limits"]),
        told["note"],
        Previous(unb64(previous["hash"], "hash", 32), _moment(previous["until"])) if previous is not None else None,
    )


def told_limits(limits: KeyLimits) -> dict[str, Any]:
    """The limits as JSON; those that are none are left out."""
    told = {
        "models": list(limits.models) if limits.models is not None else None,
        "rpm": limits.rpm,
        "tokens_per_day": limits.tokens_per_day,
        "budget": _told_budget(limits.budget),
        "concurrent": limits.concurrent,
        "expires": limits.expires,
    }
    return {name: value for name, value in told.items() if value is not None}


def _told_budget(budget: Budget | None) -> str | None:
    return f"{budget.amount:f}/{budget.period}" if budget is not None else None


def limits_told(told: Mapping[str, Any]) -> KeyLimits:
    """The limits of their JSON. Raises ValueError and its like."""
    known = {"models", "rpm", "tokens_per_day", "budget", "concurrent", "expires"}
    if not set(told) <= known:
        raise ValueError
    return KeyLimits(
        models=models_of(told["models"]) if "models" in told else None,
        rpm=requests_of(told["rpm"]) if "rpm" in told else None,
        tokens_per_day=tokens_of(told["tokens_per_day"]) if "tokens_per_day" in told else None,
        budget=budget_of(told["budget"]) if "budget" in told else None,
        concurrent=requests_of(told["concurrent"]) if "concurrent" in told else None,
        expires=_moment(told["expires"]) if "expires" in told else None,
    )


def _moment(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST_S:
        raise ValueError
    return float(value)
