"""The pair of listen.tls: what is refused, and in which words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from addons.config.tls_files import MOST_CERTIFICATES, TlsProblem, read_certificate, read_pair
from tests.support.certificates import DAY, NOW, Issued, write_pair

ROOT = Issued("root")
BETWEEN = Issued("between", ROOT)
SERVER = Issued("server", BETWEEN, hosts=["gw.lan", "*.gw.lan", "192.168.1.5"])
LONE = Issued("lone", hosts=["gw.lan"])
OLD = Issued("old", hosts=["gw.lan"], since=NOW - 9 * DAY, until=NOW - DAY)
NEW = Issued("new", hosts=["gw.lan"], since=NOW + DAY)


def test_a_chain_and_its_key(tmp_path: Path) -> None:
    pair = read_pair(*write_pair(tmp_path, SERVER, BETWEEN, ROOT), NOW)
    assert len(pair.certificates) == 3
    assert pair.names == ("gw.lan", "*.gw.lan", "192.168.1.5")
    assert pair.age_problem(NOW) is None
    assert "runs out on 2027-04-15" in str(pair.age_problem(pair.ends - DAY))
    assert "ran out on" in str(pair.age_problem(pair.ends + 1))
    assert read_certificate(tmp_path / "cert.pem") == SERVER.certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("chain", "key", "words"),
    [
        pytest.param([LONE], SERVER, "key.pem is not the key of the certificate in", id="another key"),
        pytest.param([BETWEEN, SERVER], SERVER, "stands at place 2; it has to be the first", id="wrong way round"),
        pytest.param([SERVER, ROOT], SERVER, "certificate 1 of 2 is not signed by the one behind it", id="a gap"),
        pytest.param([OLD], OLD, "the certificate ran out on 2027-01-14", id="too old"),
        pytest.param([NEW], NEW, "is not valid before 2027-01-16", id="too new"),
        pytest.param([LONE] * (MOST_CERTIFICATES + 1), LONE, "holds 11 certificates", id="too many"),
    ],
)
def test_pairs_that_are_refused(tmp_path: Path, chain: list[Issued], key: Issued, words: str) -> None:
    files = write_pair(tmp_path, *chain, key=key)
    with pytest.raises(TlsProblem, match=words):
        read_pair(*files, NOW)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no certificate that can be read; PEM begins with"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate"),
        (LONE.key_pem(), "holds no certificate"),
        (None, "cannot be read: there is no such file"),
    ],
    ids=["empty", "garbage", "a key", "nothing"],
)
def test_certificates_that_are_none(tmp_path: Path, text: str | None, words: str) -> None:
    cert, key = write_pair(tmp_path, LONE)
    cert.unlink() if text is None else cert.write_text(text)
    with pytest.raises(TlsProblem, match=words):
        read_pair(cert, key, NOW)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no private key that can be read"),
        (LONE.pem, "holds no private key"),
        (LONE.key_pem(b"secret"), "is locked with a passphrase, which nobody can type at a start"),
    ],
    ids=["empty", "a certificate", "locked"],
)
def test_keys_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    cert, key = write_pair(tmp_path, LONE)
    key.write_text(text)
    with pytest.raises(TlsProblem, match=words) as found:
        read_pair(cert, key, NOW)
    assert "secret" not in str(found.value)


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o640, False), (0o644, True), (0o660, True)])
def test_a_key_that_others_can_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, refused: bool) -> None:
    monkeypatch.setattr("addons.config.tls_files.is_reachable", lambda file: True)
    cert, key = write_pair(tmp_path, LONE)
    key.chmod(mode)
    if not refused:
        assert read_pair(cert, key, NOW)
        return
    with pytest.raises(TlsProblem, match=r"others \(mode 06.0\)|others \(mode 0644\); run: chmod 600"):
        read_pair(cert, key, NOW)


def test_a_certificate_that_names_its_hosts_twice_is_served_and_known_by_none(tmp_path: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.90"), b"\x04\x00")
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 5, now - timedelta(1), now + timedelta(90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
        .add_extension(other, critical=False)
        .sign(key, hashes.SHA256())
    )
    twice = made.public_bytes(Encoding.DER).replace(b"\x06\x03\x55\x1d\x5a", b"\x06\x03\x55\x1d\x11")
    (tmp_path / "c.pem").write_text(DER_cert_to_PEM_cert(twice))
    (tmp_path / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "k.pem").chmod(0o600)
    assert read_pair(tmp_path / "c.pem", tmp_path / "k.pem", now.timestamp()).names == ()
