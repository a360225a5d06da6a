"""A connection that did not come about is told with host, port, proxy and TLS, whoever dialled."""

import pytest

from addons.transport.unreachable import is_fault_of_tls, no_connection
from addons.upstream.port import Target

PLAIN = Target("127.0.0.1", 11434, False)
TLS = Target("api.example.com", 443, True)
HOME = Target("127.0.0.1", 8443, True)
SIX = Target("::1", 8443, True)
VIA = Target("api.example.com", 443, True, ("http", ("proxy.example", 3128)))

ROWS = [
    (PLAIN, "[Errno 111] Connect call failed ('127.0.0.1', 11434)", ("at 127.0.0.1:11434", "refused")),
    (PLAIN, "All connection attempts failed", ("at 127.0.0.1:11434", "refused")),
    (PLAIN, "[Errno 113] No route to host", ("at 127.0.0.1:11434", "No route to host")),
    (TLS, "[Errno -2] Name or service not known", ("api.example.com:443", "DNS", "looked up")),
    (TLS, "[Errno -3] Temporary failure in name resolution", ("api.example.com:443", "DNS", "Temporary failure")),
    (TLS, "connection closed", ("api.example.com:443", "TLS", "https:// is the other kind")),
    (HOME, "connection closed", ("127.0.0.1:8443", "TLS", "begins with http://")),
    (SIX, "The remote server does not speak TLS.", ("[::1]:8443", "does not speak TLS", "begins with http://")),
    (TLS, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)", ("443 does not speak TLS",)),
    (TLS, "Certificate verify failed: self-signed certificate", ("certificate at api.example.com", "nothing was sent")),
    (
        TLS,
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1000)",
        ("certificate at api.example.com:443", "(certificate verify failed: self-signed certificate)"),
    ),
    (VIA, "[Errno 111] Connect call failed ('10.0.0.1', 3128)", ("the proxy http://proxy.example:3128", "refused")),
    (VIA, "[Errno -2] Name or service not known", ("443", "the proxy http://proxy.example:3128", "looked up")),
    (
        VIA,
        "Upstream proxy 10.0.0.1:3128 refused HTTP CONNECT request: 407 Proxy Authentication Required",
        ("443", "the proxy http://proxy.example:3128 refuses", "(407 Proxy Authentication Required)"),
    ),
    (VIA, "407 Proxy Authentication Required", ("the proxy http://proxy.example:3128 refuses", "(407 Proxy")),
    (VIA, "connection closed", ("the proxy http://proxy.example:3128 closed the connection", "TLS")),
    (VIA, "Certificate verify failed: expired", ("certificate at api.example.com:443", "http://proxy.example:3128")),
]  # fmt: skip


@pytest.mark.parametrize(("target", "detail", "named"), ROWS)
def test_what_is_told(target: Target, detail: str, named: tuple[str, ...]) -> None:
    said = no_connection("alpha", target, detail)
    assert [word for word in ("alpha", *named) if word not in said] == []
    assert said.endswith(".")
    assert not {"Errno", "_ssl.c", ".."} & {word for word in ("Errno", "_ssl.c", "..") if word in said}


def test_time_ran_out() -> None:
    said = no_connection("alpha", VIA, "connection closed", in_time=False)
    assert "in time at api.example.com:443 through the proxy http://proxy.example:3128" in said


def test_no_long_word_of_others_is_repeated() -> None:
    assert len(no_connection("alpha", TLS, "x" * 100_000)) < 400


@pytest.mark.parametrize(("detail", "fault"), [("certificate verify failed", True), ("Connection refused", False)])
def test_a_wrong_tls_is_told_apart(detail: str, fault: bool) -> None:
    assert is_fault_of_tls(detail) is fault
