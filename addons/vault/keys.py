"""From what a person keeps (an environment variable, a file, a passphrase) to the key that wraps the vault's own keys.

A text that decodes to exactly 32 bytes (64 hex digits, or base64url as Fernet keys are) is a raw key and goes through
HKDF. Anything else is a passphrase of 12 characters or more and goes through a slow KDF (Argon2id where the library has
it, else scrypt; PBKDF2-HMAC-SHA256 with 600,000 rounds or more can be chosen).
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from addons.vault.encoding import b64, unb64
from addons.vault.errors import VaultDamaged, VaultLocked
from addons.vault.permissions import read_private

ENV_NAME: Final = "SESSION_ENCRYPTION_KEY"
SHORTEST_PASSPHRASE: Final = 12
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_BASE64: Final = re.compile(r"[A-Za-z0-9_\-+/]{43}=?")
_KEEP: Final = 32


class VaultKey:
    """What opens a vault: 32 raw bytes, or a passphrase. Shows nothing of itself."""

    def __init__(self, *, raw: bytes | None = None, passphrase: str | None = None) -> None:
        self._raw = raw
        self._passphrase = passphrase

    @classmethod
    def from_text(cls, text: str) -> "VaultKey":
        """Raises VaultLocked for an empty or too short text."""
        text = text.strip()
        if _HEX.fullmatch(text):
            return cls(raw=bytes.fromhex(text))
        if _BASE64.fullmatch(text):
            try:
                raw = base64.b64decode(text.rstrip("=") + "=", altchars=b"-_" if not set(text) & set("+/") else b"+/")
            except (binascii.Error, ValueError):
                raw = b""
            if len(raw) == _KEEP:
                return cls(raw=raw)
        normal = unicodedata.normalize("NFC", text)
        if len(normal) < SHORTEST_PASSPHRASE:
            raise VaultLocked(
                f"the vault key is {'empty' if not normal else 'too short'}: use the output of `glassgate keygen`, "
                f"or a passphrase of at least {SHORTEST_PASSPHRASE} characters"
            )
        return cls(passphrase=normal)

    def __repr__(self) -> str:
        return f"VaultKey({self.kind})"

    __str__ = __repr__

    def __reduce__(self) -> Any:
        raise TypeError("a vault key is not to be pickled")

    @property
    def kind(self) -> str:
        """`rawkey` or `passphrase`, as slots name it."""
        return "rawkey" if self._raw is not None else "passphrase"

    def kek(self, vault_id: bytes, kdf: Mapping[str, Any] | None) -> bytes:
        """The key-encryption key for a slot. Raises VaultDamaged for parameters out of bounds, before deriving."""
        if self._raw is not None:
            return hkdf(self._raw, "gateway-vault/kek/v1", salt=vault_id)
        if kdf is None:
            raise VaultDamaged("slot kdf")
        assert self._passphrase is not None
        return _derive(self._passphrase.encode(), checked_kdf(kdf))


def hkdf(key: bytes, info: str, salt: bytes | None = None) -> bytes:
    """HKDF-SHA256, 32 bytes."""
    return HKDF(SHA256(), 32, salt, info.encode()).derive(key)


def new_kdf(random: Callable[[int], bytes], name: str = "argon2id") -> dict[str, Any]:
    """Fresh parameters for a passphrase slot: argon2id, scrypt or pbkdf2-sha256."""
    salt = b64(random(16))
    if name == "argon2id" and not _has_argon2id():
        name = "scrypt"
    return {
        "argon2id": {"name": "argon2id", "m_kib": 65536, "t": 3, "p": 4, "salt": salt},
        "scrypt": {"name": "scrypt", "n": 2**17, "r": 8, "p": 1, "salt": salt},
        "pbkdf2-sha256": {"name": "pbkdf2-sha256", "rounds": 600_000, "salt": salt},
    }[name]


_BOUNDS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    "argon2id": {"m_kib": (19 * 1024, 1024 * 1024), "t": (2, 16), "p": (1, 16)},
    "scrypt": {"n": (2**15, 2**20), "r": (8, 8), "p": (1, 16)},
    "pbkdf2-sha256": {"rounds": (600_000, 10_000_000)},
}
"""Least and most of each parameter. Below, a thief guesses cheaply (OWASP); above, opening is an attack on us."""


def checked_kdf(kdf: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters if they are complete and within bounds; else VaultDamaged, in no time."""
    bounds = _BOUNDS.get(str(kdf.get("name")))
    if bounds is None or set(kdf) != {"name", "salt", *bounds}:
        raise VaultDamaged("slot kdf")
    for name, (least, most) in bounds.items():
        value = kdf[name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise VaultDamaged(f"slot kdf {name} out of bounds")
    unb64(kdf["salt"], "slot kdf salt", 16)
    return kdf


def _derive(passphrase: bytes, kdf: Mapping[str, Any]) -> bytes:
    salt = unb64(kdf["salt"], "slot kdf salt", 16)
    match kdf["name"]:
        case "argon2id":
            lanes, memory = kdf["p"], kdf["m_kib"]
            return Argon2id(salt=salt, length=32, iterations=kdf["t"], lanes=lanes, memory_cost=memory).derive(
                passphrase
            )
        case "scrypt":
            return Scrypt(salt=salt, length=32, n=kdf["n"], r=kdf["r"], p=kdf["p"]).derive(passphrase)
        case _:
            return PBKDF2HMAC(SHA256(), 32, salt, kdf["rounds"]).derive(passphrase)


def _has_argon2id() -> bool:
    try:
        Argon2id(salt=bytes(16), length=32, iterations=2, lanes=1, memory_cost=19 * 1024)
    except UnsupportedAlgorithm:
        return False
    return True


def load_key(
    source: str,
    *,
    environ: MutableMapping[str, str],
    key_file: Path | None = None,
    prompt: Callable[[], str] | None = None,
) -> VaultKey:
    """The key from its one configured source; there is no second guess. Raises VaultLocked."""
    match source:
        case "env":
            text = environ.pop(ENV_NAME, None)  # once read, it need not stand in the environment any longer
            if not text:
                raise VaultLocked(f"{ENV_NAME} is not set; `glassgate keygen` makes a key for it (put it into .env)")
            return VaultKey.from_text(text)
        case "file":
            if key_file is None:
                raise VaultLocked("vault.key_file is not set")
            return VaultKey.from_text(read_private(key_file).decode("utf-8", "replace"))
        case "keyring":
            return VaultKey.from_text(_from_keyring())
        case _:
            if prompt is None:
                raise VaultLocked("the vault wants its passphrase from a terminal, and there is none")
            return VaultKey.from_text(prompt())


def _from_keyring() -> str:
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise VaultLocked("key_source: keyring needs the package 'keyring'; install it into .venv") from None
    text = keyring.get_password("glassgate", "vault")
    if not text:
        raise VaultLocked("the keyring has no entry 'glassgate' / 'vault'")
    return str(text)
