"""An item as a sealed file: nobody without the vault's key learns what it holds, whose it is, or its id."""

import hmac
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from addons.kept.shelf import Item, ItemKey

MAGIC: Final = b"GGKEPT1\n"
_MARK_BYTES: Final = 8
_NONCE_BYTES: Final = 12
HEAD_BYTES: Final = len(MAGIC) + _MARK_BYTES + _NONCE_BYTES
_HEADER_LIMIT: Final = 16 * 1024


class DamagedItem(Exception):
    """The file is not as it was written."""


class ForeignItem(Exception):
    """The file was sealed with another key: of another vault, or of this one before its data key was rotated."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals items with a key of 32 bytes. `random` gives so many random bytes.

    A file is MAGIC, 8 bytes that tell the key, a nonce of 12 bytes, and AES-256-GCM with all before the nonce and the
    file's name as associated data. Sealed is a line of JSON, then the value.
    """

    key: bytes = field(repr=False)
    random: Callable[[int], bytes]
    _start: bytes = field(init=False, repr=False)
    """What each file begins with."""
    _cipher: AESGCM = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_start", MAGIC + hmac.digest(self.key, b"mark", "sha256")[:_MARK_BYTES])
        object.__setattr__(self, "_cipher", AESGCM(self.key))

    def name(self, key: ItemKey) -> str:
        """The item's file: the same for the same key and id, and nothing can be told from it."""
        fields = (key.owner, key.kind.encode("utf-8", "surrogatepass"), key.id.encode("utf-8", "surrogatepass"))
        framed = b"".join(b"%d:%b" % (len(part), part) for part in fields)
        return hmac.digest(self.key, b"name" + framed, "sha256")[:16].hex()

    def seal(self, name: str, key: ItemKey, item: Item) -> bytes:
        """The file of that name."""
        said = {"owner": key.owner.hex(), "kind": key.kind, "id": key.id, "since": item.since, "place": item.place}
        nonce = self.random(_NONCE_BYTES)
        plain = json.dumps(said).encode() + b"\n" + item.value  # ASCII: any id can be written
        return self._start + nonce + self._cipher.encrypt(nonce, plain, self._start + name.encode())

    def open(self, name: str, data: bytes) -> tuple[ItemKey, Item]:
        """What the file of that name holds. Raises ForeignItem, DamagedItem."""
        start, nonce = data[: len(MAGIC) + _MARK_BYTES], data[len(MAGIC) + _MARK_BYTES : HEAD_BYTES]
        if len(data) < HEAD_BYTES or not start.startswith(MAGIC):
            raise DamagedItem
        if start != self._start:
            raise ForeignItem
        try:
            plain = self._cipher.decrypt(nonce, data[HEAD_BYTES:], start + name.encode())
        except InvalidTag:
            raise DamagedItem from None
        header, line_end, value = plain.partition(b"\n")
        if not line_end or len(header) > _HEADER_LIMIT:
            raise DamagedItem
        try:
            return _read(json.loads(header), value)
        except (ValueError, KeyError, TypeError):  # sealed by a version that means something else by it
            raise DamagedItem from None


def _read(said: Any, value: bytes) -> tuple[ItemKey, Item]:
    """Raises ValueError, KeyError, TypeError."""
    kind, id, since, place = said["kind"], said["id"], float(said["since"]), said["place"]
    if place is not None:
        provider, account = place
        place = (str(provider), str(account))
    if not isinstance(kind, str) or not isinstance(id, str) or not math.isfinite(since):
        raise TypeError
    return ItemKey(bytes.fromhex(said["owner"]), kind, id), Item(value, since, place)
