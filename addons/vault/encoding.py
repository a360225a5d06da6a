"""Canonical JSON and strict base64url: one byte string for one value, and no other is accepted."""

import base64
import binascii
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from addons.vault.errors import VaultDamaged

SIZE_LIMIT_BYTES: Final = 16 * 1024 * 1024
_DEPTH_LIMIT: Final = 12
_STRING_OR_BRACKET: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
"""An unterminated string matches to the end: no byte is looked at twice, whatever the file holds."""


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8, no line end. Raises ValueError for NaN, infinities and lone surrogates."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def parse_canonical(data: bytes) -> dict[str, Any]:
    """The object of a canonical file (with its line end). Raises VaultDamaged for any other byte string."""
    value = parse_object(data, "file")
    try:
        same = canonical(value) + b"\n" == data  # also refuses spaces, odd escapes, odd numbers and a missing end
    except ValueError:
        same = False
    if not same:
        raise VaultDamaged("not in canonical form")
    return value


def parse_object(data: bytes, where: str) -> dict[str, Any]:
    """The object of a JSON text without duplicate keys. Raises VaultDamaged, which never holds a part of the text."""
    if len(data) > SIZE_LIMIT_BYTES:
        raise VaultDamaged(f"{where}: larger than 16 MiB")
    if _too_deep(data):
        raise VaultDamaged(f"{where}: nested too deep")
    value = None
    with suppress(ValueError, RecursionError):  # not raised from there: a JSON error carries the text it failed on
        value = json.loads(data.decode(), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise VaultDamaged(f"{where}: not a JSON object")
    return value


def _without_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError
        found[name] = value
    return found


def _no_constant(_: str) -> Any:
    raise ValueError  # NaN and Infinity are not JSON


def _too_deep(data: bytes) -> bool:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(data):
        match found[0]:
            case b"[" | b"{":
                depth += 1
                if depth > _DEPTH_LIMIT:
                    return True
            case b"]" | b"}":
                depth -= 1
    return False


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
