"""The capture proxy's own certificate authority: a private folder, kept between runs, made by mitmproxy when missing.

Who holds its key can pose as any site to a browser that trusts it. So it is never put into the system's store: the
browser that we start trusts it by its key, in a profile that is thrown away.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
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
_LIMIT_BYTES: Final = 64 * 1024


def ca_folder(environ: Mapping[str, str]) -> Path:
    """Where the CA is kept (XDG Base Directory)."""
    base = environ.get("XDG_DATA_HOME", "")
    data = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".local" / "share"
    return data / "glassgate" / "capture-ca"


def prepare(folder: Path) -> Path:
    """The CA's certificate file, made with its key when it is missing. Raises Problem."""
    try:
        make_folder(folder)
        try:
            read_private(folder / f"{_BASENAME}-ca.pem", _LIMIT_BYTES)
        except VaultMissing:
            probe = folder / ".writable"
            probe.touch(0o600)
            probe.unlink()
        CertStore.from_store(folder, _BASENAME, _KEY_BITS)
    except (VaultError, OSError) as e:
        said = e.strerror if isinstance(e, OSError) else e
        raise Problem(f"the capture proxy's CA cannot be kept in {folder}: {said}") from None
    except ValueError:
        raise Problem(f"the capture proxy's CA in {folder} is damaged; remove the folder, a new one is made") from None
    return folder / f"{_BASENAME}-ca-cert.pem"


def key_hash(certificate: Path) -> str:
    """SHA-256 of the certificate's SubjectPublicKeyInfo in base64, as Chromium takes it (RFC 7469 2.4)."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    spki = found.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
