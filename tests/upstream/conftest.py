"""A server's side of TLS."""

import ssl
from pathlib import Path

import pytest

from tests.support.self_signed import make_certificate


@pytest.fixture
def server_side(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
