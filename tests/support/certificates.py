"""Certificates for tests: a chain of a root, one between and a server's, and files of them."""

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = 1_800_000_000.0
DAY = 86_400.0


class Issued:
    """A certificate, its key, and who signed it (itself, when nobody is given)."""

    def __init__(
        self,
        name: str,
        signer: "Issued | None" = None,
        *,
        hosts: Sequence[str] = (),
        since: float = NOW - DAY,
        until: float = NOW + 90 * DAY,
    ) -> None:
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(own)
            .issuer_name(signer.certificate.subject if signer else own)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_moment(since))
            .not_valid_after(_moment(until))
            .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        self.certificate: x509.Certificate = builder.sign((signer or self).key, hashes.SHA256())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self, password: bytes | None = None) -> str:
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        how = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
        return str(self.key.private_bytes(*how).decode())


def write_pair(folder: Path, *chain: Issued, key: Issued | None = None) -> tuple[Path, Path]:
    """The files of a chain and of its first key, or of another."""
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    for file, text in ((key_file, (key or chain[0]).key_pem()), (cert_file, "".join(one.pem for one in chain))):
        new = file.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o600)
        new.replace(file)
    return cert_file, key_file


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
