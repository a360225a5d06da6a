"""The capture proxy's own certificate authority: a private folder, made by mitmproxy when missing.

Who holds its key can pose as any site to a browser that trusts it. So it is never put into the system's store: the
browser that we start trusts it by its key, in a profile that is thrown away, and the key goes with the profile. Only a
person who imported it into a browser by hand finds it there again, for KEPT_DAYS.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from mitmproxy.certs import CertStore

from addons.cli.base import Problem
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.permissions import make_folder, read_private

_BASENAME: Final = "mitmproxy"
_KEY_BITS: Final = 2048
KEPT_DAYS: Final = 30
_LIMIT_BYTES: Final = 64 * 1024


def ca_folder(environ: Mapping[str, str]) -> Path:
    """The CA's folder (XDG Base Directory)."""
    base = environ.get("XDG_DATA_HOME", "")
    data = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".local" / "share"
    return data / "glassgate" / "capture-ca"


@dataclass(frozen=True, slots=True)
class Authority:
    """The CA of this run. `fresh`: it was made by this run, and nobody else trusts it yet."""

    certificate: Path
    fresh: bool


def prepare(folder: Path, now_s: float) -> Authority:
    """The CA, made with its key when it is missing or too old. `now_s` in Unix seconds. Raises Problem."""
    key = folder / f"{_BASENAME}-ca.pem"
    try:
        make_folder(folder)
        try:
            read_private(key, _LIMIT_BYTES)
            fresh = now_s - key.lstat().st_mtime > KEPT_DAYS * 86_400
            if fresh:
                remove(folder)
        except VaultMissing:
            fresh = True
            probe = folder / ".writable"
            probe.touch(0o600)
            probe.unlink()
        CertStore.from_store(folder, _BASENAME, _KEY_BITS)
    except (VaultError, OSError) as e:
        said = e.strerror if isinstance(e, OSError) else e
        raise Problem(f"the capture proxy's CA cannot be kept in {folder}: {said}") from None
    except ValueError:
        raise Problem(f"the capture proxy's CA in {folder} is damaged; remove the folder, a new one is made") from None
    return Authority(folder / f"{_BASENAME}-ca-cert.pem", fresh)


def remove(folder: Path) -> None:
    """Removes the CA's key and certificates; what else is in the folder stays. Raises OSError."""
    for file in folder.glob(f"{_BASENAME}-*"):
        file.unlink(missing_ok=True)


def key_hash(certificate: Path) -> str:
    """SHA-256 of the certificate's SubjectPublicKeyInfo in base64, as Chromium takes it (RFC 7469 2.4)."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    spki = found.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
