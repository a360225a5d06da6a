"""Canonical JSON and strict base64url: one byte string for one value, and no other is accepted."""

import base64
import binascii
import json
from typing import Any, Final

from addons.vault.errors import VaultDamaged

SIZE_LIMIT_BYTES: Final = 16 * 1024 * 1024
_DEPTH_LIMIT: Final = 12


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8, no line end."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_canonical(data: bytes) -> dict[str, Any]:
    """The object of a canonical file (with its line end). Raises VaultDamaged for any other byte string."""
    if len(data) > SIZE_LIMIT_BYTES:
        raise VaultDamaged("larger than 16 MB")
    if max(_depths(data), default=0) > _DEPTH_LIMIT:
        raise VaultDamaged("nested too deep")
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise VaultDamaged("not JSON") from None
    if not isinstance(value, dict):
        raise VaultDamaged("not an object")
    try:
        same = canonical(value) + b"\n" == data  # also refuses duplicate keys, spaces, odd escapes and numbers
    except (ValueError, UnicodeEncodeError):
        same = False
    if not same:
        raise VaultDamaged("not in canonical form")
    return value


def _depths(data: bytes) -> list[int]:
    """Depth after each bracket. Brackets inside strings count too: no string of a sound vault holds one."""
    depth, seen = 0, []
    for byte in data:
        if byte in b"[{":
            depth += 1
            seen.append(depth)
        elif byte in b"]}":
            depth -= 1
    return seen


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: Any, where: str, size: int | None = None) -> bytes:
    """The bytes of a canonical base64url text, `size` of them if given. Raises VaultDamaged(where)."""
    if not isinstance(text, str):
        raise VaultDamaged(where)
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise VaultDamaged(where) from None
    if b64(data) != text or (size is not None and len(data) != size):
        raise VaultDamaged(where)
    return data


def framed(*parts: bytes | str | int) -> bytes:
    """The parts one after the other, each behind its length (8 bytes, big endian); numbers in decimal."""
    out = bytearray()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        out += len(data).to_bytes(8, "big") + data
    return bytes(out)
