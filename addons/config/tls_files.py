"""The certificate and key of `listen.tls`: PEM files, read and judged before they are in force."""

import shlex
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from OpenSSL import SSL

from addons.config.file_reading import FileProblem, read_text
from addons.config.key_files import is_reachable

_LIMIT_BYTES: Final = 256 * 1024
MOST_CERTIFICATES: Final = 10
"""In one file; the web's chains have three."""
SOON_S: Final = 14 * 86_400.0
"""So long before its end a certificate is spoken of; whoever renews by a program does so earlier."""


class TlsProblem(Exception):
    """The pair cannot be used. The text says why, and names the file."""


@dataclass(frozen=True, slots=True)
class TlsPair:
    """A certificate with those it hangs on behind it, and its private key."""

    certificates: tuple[x509.Certificate, ...]
    key: Any
    """Of cryptography; one of its kinds of private keys."""

    @property
    def ends(self) -> float:
        """When the first of its certificates runs out, in seconds since 1970."""
        return min(found.not_valid_after_utc.timestamp() for found in self.certificates)

    @property
    def names(self) -> tuple[str, ...]:
        """The host names and addresses it is for, in its order."""
        try:
            found = self.certificates[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
            return ()
        return (*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress)))

    def age_problem(self, now: float) -> str | None:
        """A sentence when it has run out or soon will."""
        left = self.ends - now
        if left >= SOON_S:
            return None
        day = f"{datetime.fromtimestamp(self.ends, UTC):%Y-%m-%d %H:%M} UTC"
        if left < 0:
            return f"the certificate of listen.tls ran out on {day}: clients refuse it; renew it"
        return f"the certificate of listen.tls runs out on {day}: renew it; the files are read again when they change"


def read_pair(cert: Path, key: Path, now: float) -> TlsPair:
    """The pair of these files at the time `now` (seconds since 1970). Raises TlsProblem. Blocks on the disk."""
    certificates = _certificates(cert)
    pair = TlsPair(certificates, _private_key(key))
    _check_order(cert, key, pair)
    moment = datetime.fromtimestamp(now, UTC)
    for found in certificates:
        if not found.not_valid_before_utc <= moment <= found.not_valid_after_utc:
            since = "ran out on" if moment > found.not_valid_after_utc else "is not valid before"
            day = found.not_valid_after_utc if moment > found.not_valid_after_utc else found.not_valid_before_utc
            raise TlsProblem(f"listen.tls.cert: {cert}: {_which(certificates, found)} {since} {day:%Y-%m-%d %H:%M} UTC")
    try:
        server_context(pair)
    except (SSL.Error, ValueError, TypeError):
        raise TlsProblem(
            f"listen.tls.cert: {cert}: OpenSSL does not serve it: key or signature are too weak for today's clients; "
            "make a new one (RSA of 2048 bits or more, or an elliptic curve)"
        ) from None
    return pair


def read_certificate(cert: Path) -> bytes:
    """The server's own certificate of that file, as it stands in a handshake. Raises TlsProblem. Blocks on the disk."""
    return _certificates(cert)[0].public_bytes(Encoding.DER)


def server_context(pair: TlsPair) -> SSL.Context:
    """A context that serves this pair over TLS 1.2 and newer. Raises SSL.Error, ValueError, TypeError: it is weak."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.use_certificate(pair.certificates[0])
    for found in pair.certificates[1:]:
        context.add_extra_chain_cert(found)
    context.use_privatekey(pair.key)
    context.check_privatekey()
    return context


def _certificates(file: Path) -> tuple[x509.Certificate, ...]:
    text = _read(file, "cert").text
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        hint = "; PEM begins with -----BEGIN CERTIFICATE-----"
        raise TlsProblem(f"listen.tls.cert: {file} holds no certificate that can be read{hint}") from None
    if len(found) > MOST_CERTIFICATES:
        raise TlsProblem(
            f"listen.tls.cert: {file} holds {len(found)} certificates; at most {MOST_CERTIFICATES} are sent"
        )
    return tuple(found)


def _private_key(file: Path) -> Any:
    read = _read(file, "key")
    mode = stat.S_IMODE(read.found.st_mode)
    if mode & 0o022 or (mode & 0o004 and is_reachable(file)):
        raise TlsProblem(
            f"listen.tls.key: {file} can be read or changed by others (mode {mode:04o}); "
            f"run: chmod 600 {shlex.quote(str(file))}"
        )
    try:
        return load_pem_private_key(read.text.encode(), None)
    except TypeError:
        raise TlsProblem(
            f"listen.tls.key: {file} is locked with a passphrase, which nobody can type at a start; write it without: "
            f"openssl pkey -in {shlex.quote(str(file))} -out NEW"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        hint = "; PEM begins with -----BEGIN PRIVATE KEY-----"
        raise TlsProblem(f"listen.tls.key: {file} holds no private key that can be read{hint}") from None


def _check_order(cert: Path, key: Path, pair: TlsPair) -> None:
    """Raises TlsProblem unless the first certificate is the key's, and each hangs on the next."""
    public = pair.key.public_key()
    place = next((n for n, found in enumerate(pair.certificates) if _same(found, public)), None)
    if place is None:
        raise TlsProblem(f"listen.tls: {key} is not the key of the certificate in {cert}")
    if place:
        raise TlsProblem(
            f"listen.tls.cert: {cert}: the certificate of the key stands at place {place + 1}; it has to be the first, "
            "and behind it those it hangs on (as in fullchain.pem)"
        )
    for child, parent in zip(pair.certificates, pair.certificates[1:], strict=False):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise TlsProblem(
                f"listen.tls.cert: {cert}: {_which(pair.certificates, child)} is not signed by the one behind it; the "
                "order is: the server's, then the one that signed it, and so on (as in fullchain.pem)"
            ) from None


def _same(found: x509.Certificate, public: Any) -> bool:
    try:
        return bool(found.public_key() == public)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _which(certificates: Sequence[x509.Certificate], found: x509.Certificate) -> str:
    place = certificates.index(found) + 1
    return "the certificate" if len(certificates) == 1 else f"certificate {place} of {len(certificates)}"


def _read(file: Path, key: str) -> Any:
    try:
        return read_text(file, _LIMIT_BYTES)
    except FileProblem as e:
        verb = "" if str(e).startswith(("cannot", "is ")) else "cannot be read: "
        raise TlsProblem(f"listen.tls.{key}: {file} {verb}{e}") from None
