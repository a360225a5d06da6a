"""The gateway's own keys: who may use it. Compared by digest, over all keys, without an early way out."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

_HEADERS = ("x-api-key", "api-key")


class ClientKeys:
    """The keys clients may show, by name (`key-1`, `key-2` … in order of configuration)."""

    def __init__(self, tokens: Iterable[str]) -> None:
        digests = dict.fromkeys(hashlib.sha256(token.encode()).digest() for token in tokens)
        self._digests = [(f"key-{number}", digest) for number, digest in enumerate(digests, 1)]

    def __len__(self) -> int:
        return len(self._digests)

    def holds(self, identity: bytes | None) -> bool:
        """Whether the key with this identity is still one of them."""
        return any(identity == known for _, known in self._digests)

    def identify(self, headers: Mapping[str, str]) -> str | None:
        """The name of the key shown in `headers` (lower-case names), or None: missing, unknown, or contradictory."""
        digest = shown_identity(headers)
        if digest is None:
            return None
        found: str | None = None
        for name, known in self._digests:
            if hmac.compare_digest(digest, known):
                found = name
        return found


def shown_identity(headers: Mapping[str, str]) -> bytes | None:
    """What a key is known by, whatever its name: the digest of the one shown; None when there is not just one."""
    shown = _shown(headers)
    if len(shown) != 1:
        return None
    return hashlib.sha256(shown.pop().encode("utf-8", "surrogateescape")).digest()


def _shown(headers: Mapping[str, str]) -> set[str]:
    """All different keys a request shows; two that disagree make it nobody's."""
    shown = {headers[name].strip() for name in _HEADERS if name in headers}
    if "authorization" in headers:
        scheme, _, value = headers["authorization"].strip().partition(" ")
        shown.add(value.strip() if scheme.lower() == "bearer" else "")
    return shown
