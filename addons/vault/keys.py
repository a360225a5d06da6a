"""Vault keys: from an environment variable, a file or a passphrase to the key that wraps the vault's own keys.

A text that decodes to exactly 32 bytes (64 hex digits, or base64 as Fernet keys are) is a raw key and goes through
HKDF. Anything else is a passphrase of 12 characters or more and goes through a slow KDF (kdf.py).
"""

import base64
import binascii
import os
import re
import unicodedata
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, NoReturn

from addons.vault.encoding import canonical
from addons.vault.errors import VaultDamaged, VaultLocked, VaultMissing
from addons.vault.kdf import checked_kdf, derive, hkdf
from addons.vault.permissions import check_handed_over, check_private, read_private
from addons.vault.secret import Secret
from addons.words.commands import command

ENV_NAME: Final = "SESSION_ENCRYPTION_KEY"
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the folder of a service's credentials."""
SHORTEST_PASSPHRASE: Final = 12
_KEY_FILE_LIMIT_BYTES: Final = 64 * 1024
_KEPT_KEKS: Final = 32
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_WHITE: Final = " \t\r\n\v\f"
_KEYRINGS: Final = tuple(f"keyring.backends.{name}" for name in ("macOS", "SecretService", "libsecret", "kwallet"))
"""Keyrings that keep what they hold encrypted; the plain-text file backend is not among them."""


class VaultKey:
    """A key that opens a vault: 32 raw bytes, or a passphrase. Shows nothing of itself."""

    def __init__(self, *, raw: bytes | None = None, passphrase: str | None = None) -> None:
        self.allow_weak = False
        """Leave to open a vault whose passphrase slots are cheap to guess; the person's to give (kdf.py)."""
        if (raw is None) == (passphrase is None) or (raw is not None and len(raw) != 32):
            raise ValueError("a vault key is either 32 raw bytes or a passphrase")
        self._raw = None if raw is None else Secret(raw)
        self._passphrase = None if passphrase is None else Secret(_normal(passphrase))
        self._keks: dict[bytes, Secret[bytes]] = {}

    @classmethod
    def from_text(cls, text: str) -> "VaultKey":
        """Raises VaultLocked for an empty or too short text."""
        text = text.strip(_WHITE)
        raw = _raw_key(text)
        if raw is not None:
            return cls(raw=raw)
        if len(unicodedata.normalize("NFC", text)) < SHORTEST_PASSPHRASE:
            raise VaultLocked(
                f"the vault key is {'too short' if text else 'empty'}: use the output of `{command('keygen')}`, "
                f"or a passphrase of at least {SHORTEST_PASSPHRASE} characters"
            )
        return cls(passphrase=text)

    def __repr__(self) -> str:
        return f"VaultKey({self.kind})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault key is not to be pickled")

    @property
    def kind(self) -> str:
        """The kind of the key as slots name it: `rawkey` or `passphrase`."""
        return "rawkey" if self._raw is not None else "passphrase"

    def kek(self, vault_id: bytes, kdf: Mapping[str, Any] | None) -> bytes:
        """The key-encryption key for a slot. Raises VaultDamaged for parameters out of bounds, before deriving."""
        if self._raw is not None:
            return hkdf(self._raw.reveal(), "gateway-vault/kek/v1", salt=vault_id)
        if kdf is None:
            raise VaultDamaged("slot kdf")
        assert self._passphrase is not None
        name = canonical(checked_kdf(kdf, allow_weak=self.allow_weak))
        known = self._keks.get(name)
        if known is None:  # a slow KDF runs once for a slot, not at every reading of the file
            known = Secret(derive(self._passphrase.reveal().encode(), kdf))
            if len(self._keks) >= _KEPT_KEKS:
                self._keks.clear()
            self._keks[name] = known
        return known.reveal()


def _raw_key(text: str) -> bytes | None:
    """The 32 bytes that a text spells in hex or canonical base64 (either alphabet, with or without `=`)."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if len(text) not in (43, 44):
        return None
    body = text.removesuffix("=").replace("+", "-").replace("/", "_")
    try:
        raw = base64.b64decode(body + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    same = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == body
    return raw if same and len(raw) == 32 else None


def _normal(passphrase: str) -> str:
    """NFC, so that the same words open from any keyboard. Raises VaultLocked for what is not text."""
    if any(0xD800 <= ord(char) <= 0xDFFF for char in passphrase):  # bytes of another encoding, as the shell gave them
        raise VaultLocked("the vault key is not UTF-8 text; set it anew in a UTF-8 terminal")
    return unicodedata.normalize("NFC", passphrase)


def load_key(
    source: str,
    *,
    environ: MutableMapping[str, str],
    key_file: Path | None = None,
    prompt: Callable[[], str] | None = None,
    made: bool = False,
) -> VaultKey:
    """The key from its one configured source (env, file, keyring, prompt); no second guess. Raises VaultError.

    `made`: there is a vault already, which a fresh key would not open.
    """
    match source:
        case "env":
            text = environ.pop(ENV_NAME, None)  # once read, it need not stand in the environment any longer
            if not text:
                fresh = f"`{command('keygen')}` makes a key for it (put it into .env)"
                again = "put the key that the vault was made with back into .env: a new one does not open it"
                raise VaultLocked(f"{ENV_NAME} is not set; {again if made else fresh}")
            return VaultKey.from_text(text)
        case "file":
            return VaultKey.from_text(read_key_file(key_file, environ.get(CREDENTIALS, ""), made=made))
        case "keyring":
            return VaultKey.from_text(_from_keyring())
        case "prompt":
            if prompt is None:
                raise VaultLocked("the vault wants its passphrase from a terminal, and there is none")
            return VaultKey.from_text(prompt())
        case _:
            raise VaultLocked(f"vault.key_source: {source!r} is none of env, file, keyring, prompt")


def read_key_file(path: Path | None, credentials: str = "", *, made: bool = False) -> str:
    """The text of a key file. Raises VaultLocked, or VaultPermissions when others could read it.

    `credentials` is the folder in which a service manager hands files over, if one does.
    """
    if path is None:
        raise VaultLocked("vault.key_file is not set")
    handed_over = os.path.isabs(credentials) and path.parent == Path(credentials)
    try:
        data = read_private(path, _KEY_FILE_LIMIT_BYTES, check_handed_over if handed_over else check_private)
    except VaultMissing:
        again = "put back the one that the vault was made with: a new one does not open it"
        advice = again if made else f"`{command('keygen')}` makes a key for it"
        raise VaultLocked(f"the key file {path} is missing; {advice}") from None
    text = None if len(data) > _KEY_FILE_LIMIT_BYTES else _decoded(data)
    if text is None:
        raise VaultLocked(f"the key file {path} does not hold a key: one line of UTF-8 text is wanted")
    return text


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:  # replacing what is odd would make one key of many
        return None


def _from_keyring() -> str:
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]
        from keyring.errors import KeyringError  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise VaultLocked(
            "vault.key_source: keyring needs the package 'keyring': .venv/bin/pip install 'keyring>=25'"
        ) from None
    backend = keyring.get_keyring()
    for part in getattr(backend, "backends", None) or [backend]:  # a chain has parts, each of which may answer
        if not type(part).__module__.startswith(_KEYRINGS):
            raise VaultLocked(
                f"the keyring {type(part).__module__} is not one of the system's own; use another key_source"
            )
    try:
        text = keyring.get_password("glassgate", "vault")
    except KeyringError as e:
        raise VaultLocked(f"the keyring does not answer ({type(e).__name__}); unlock it") from None
    if not text:
        raise VaultLocked("the keyring has no entry 'glassgate' / 'vault'; run: keyring set glassgate vault")
    return str(text)
