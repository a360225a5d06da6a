"""Canonical JSON and strict base64url: one byte string for one value, and no other is accepted."""

import binascii
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from addons.vault.errors import VaultDamaged

SIZE_LIMIT_BYTES: Final = 16 * 1024 * 1024
_DEPTH_LIMIT: Final = 12
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_+/=", b"+/   ")
_UNUSED_ZERO: Final[Mapping[int, str]] = {2: "AQgw", 3: "AEIMQUYcgkosw048"}
"""The last letters whose unused bits are zero, by how many letters stand behind whole groups of four."""
_TO_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")

type Members = Mapping[str, bytes]
"""The members of an object by name, each in its canonical spelling."""


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8, no line end. Raises ValueError for NaN, infinities and lone surrogates."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def members(value: Mapping[str, Any]) -> dict[str, bytes]:
    """The members of an object, each in its canonical spelling. Raises ValueError as `canonical` does."""
    return {name: canonical(member) for name, member in value.items()}


def joined(parts: Members) -> bytes:
    """The canonical spelling of the object with these members."""
    lead, spelled = b"{", list[bytes]()
    for name in sorted(parts):
        spelled += (lead, canonical(name), b":", parts[name])
        lead = b","
    return b"".join((*spelled, b"}" if spelled else b"{}"))


def parse_canonical(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The object of a canonical file (with its line end), and its members as they are spelled.

    Raises VaultDamaged for any other byte string."""
    value, parts = parse_object(data, "file"), dict[str, bytes]()
    same = False
    with suppress(ValueError):
        parts = members(value)
        same = joined(parts) + b"\n" == data  # also refuses spaces, odd escapes, odd numbers and a missing end
    if not same:
        raise VaultDamaged("not in canonical form")
    return value, parts


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
    """Whether brackets outside of strings are nested too deep. What is not JSON may be let through, but no deeper than
    twice as deep."""
    if b"\\" in data:
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    brackets = b"".join(data.split(b'"')[::2]).translate(_TO_BRACKETS, _NO_BRACKETS)
    for _ in range(_DEPTH_LIMIT):  # each time the innermost ones go
        brackets = brackets.replace(b"[]", b"")
    return b"[]" in brackets or len(brackets) > _DEPTH_LIMIT


def b64(data: bytes) -> str:
    """base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode()


def unb64(text: Any, where: str, size: int | None = None) -> bytes:
    """The bytes of a canonical base64url text, `size` of them if given. Raises VaultDamaged(where)."""
    if not isinstance(text, str):
        raise VaultDamaged(where)
    rest = len(text) % 4
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + b"=" * (-rest % 4)
        data = binascii.a2b_base64(padded, strict_mode=True)
    except ValueError:
        raise VaultDamaged(where) from None
    if (rest and text[-1] not in _UNUSED_ZERO[rest]) or (size is not None and len(data) != size):
        raise VaultDamaged(where)
    return data


def framed(*parts: bytes | str | int) -> bytes:
    """The parts one after the other, each behind its length (8 bytes, big endian); numbers in decimal."""
    out = list[bytes]()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        out += (len(data).to_bytes(8, "big"), data)
    return b"".join(out)
