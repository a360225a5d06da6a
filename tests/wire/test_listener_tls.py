"""listen.tls over real sockets: what is served, how it is renewed under a running stream, who may speak plain http."""

import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509

from addons.cli.main import main
from tests.support.certificates import DAY, Issued, write_pair
from tests.support.faulty import MODEL, made
from tests.support.hostile import Hostile, held
from tests.support.processes import Gateway, SandboxThread
from tests.support.waiting import until


def issued(name: str, days: float = 90) -> Issued:
    now = time.time()
    return Issued(name, hosts=["127.0.0.1", "gw.lan"], since=now - DAY, until=now + days * DAY)


@pytest.fixture
def gateway(thread: SandboxThread, folder: Path) -> Iterator[Gateway]:
    cert, key = write_pair(folder, issued("first"))
    running = made(folder, thread, hurried=True)
    running.config["listen"] = {"port": running.port, "tls": {"cert": cert.name, "key": key.name}}
    running.write_config()
    with running:
        yield running


def greeted(gateway: Gateway, *protocols: str) -> tuple[str, str | None]:
    """The name of the certificate that a new connection is shown, and the protocol that is spoken."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    with (
        socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as plain,
        context.wrap_socket(plain) as tls,
    ):
        shown = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        return str(shown.subject.rfc4514_string()), tls.selected_alpn_protocol()


def test_https_that_is_renewed_under_a_running_stream(gateway: Gateway, site: Hostile) -> None:
    folder = gateway.folder
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    assert greeted(gateway, "h2", "http/1.1") == ("CN=first", "h2")
    assert greeted(gateway, "http/1.1")[1] == "http/1.1"
    assert f"base URL   https://127.0.0.1:{gateway.port}/v1" in gateway.log
    let_go = threading.Event()
    site.programs["held"] = held(let_go)
    https = f"https://127.0.0.1:{gateway.port}"
    trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    with httpx.Client(verify=trust, headers=gateway.headers, timeout=60) as client:
        asked = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "held please"}]}
        assert client.get(f"{https}/v1/models", headers={"host": "gw.lan"}).status_code == 200, "a name of its own"
        with client.stream("POST", f"{https}/v1/chat/completions", json=asked) as answer:
            lines = answer.iter_lines()
            first = next(lines)
            write_pair(folder, issued("second"))
            until(lambda: greeted(gateway)[0] == "CN=second")
            let_go.set()
            text = "\n".join([first, *lines])
        assert text.rstrip().endswith("data: [DONE]")
        assert client.get(f"{https}/v1/models").status_code == 200, "the old connection is still there"

    (folder / "key.pem").write_text("no key\n")
    until(lambda: httpx.get(f"{gateway.url}/healthz", headers=gateway.headers).json()["status"] == "degraded")
    assert "holds no private key that can be read" in gateway.log
    assert greeted(gateway)[0] == "CN=second"
    write_pair(folder, issued("third"))
    until(lambda: greeted(gateway)[0] == "CN=third")
    result = CliRunner(env=gateway.environ()).invoke(main, ["--config", str(gateway.config_file), "status"])
    assert result.exit_code == 0, result.output
    assert "hostile/key" in result.output
    write_pair(folder, issued("fourth"), key=issued("another"))
    result = CliRunner(env=gateway.environ()).invoke(main, ["--config", str(gateway.config_file), "status"])
    assert "shows another certificate than the one of listen.tls" in result.output


def trusting() -> ssl.SSLContext:
    """A client that looks at no name: the tests look at what it was shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def shown_name(tls: ssl.SSLSocket) -> str:
    return str(x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"").subject.rfc4514_string())


def test_no_handshake_fails_while_certificates_are_renewed(gateway: Gateway) -> None:
    """Some greet without a pause while it is renewed again and again, certificate and key one after the other."""
    over = threading.Event()
    seen: set[str] = set()
    failed: list[str] = []

    def greet() -> None:
        while not over.is_set():
            try:
                seen.add(greeted(gateway)[0])
            except OSError as e:
                failed.append(repr(e))

    greeting = [threading.Thread(target=greet) for _ in range(4)]
    for thread in greeting:
        thread.start()
    try:
        for number in range(3):
            write_pair(gateway.folder, issued(f"renewed {number}"))
            until(lambda name=f"CN=renewed {number}": name in seen)  # type: ignore[misc]
    finally:
        over.set()
        for thread in greeting:
            thread.join()
    assert failed == []
    assert seen - {"CN=first"} == {"CN=renewed 0", "CN=renewed 1", "CN=renewed 2"}


def test_a_pair_that_is_half_renewed_is_not_shown(gateway: Gateway) -> None:
    """The certificate is there, its key is not yet: the old pair stays, until both are."""
    new = issued("second")
    write_pair(gateway.folder, new, key=issued("another"))
    until(lambda: httpx.get(f"{gateway.url}/healthz", headers=gateway.headers).json()["status"] == "degraded")
    assert greeted(gateway)[0] == "CN=first"
    (gateway.folder / "key.new").write_text(new.key_pem())
    (gateway.folder / "key.new").chmod(0o600)
    (gateway.folder / "key.new").replace(gateway.folder / "key.pem")
    until(lambda: greeted(gateway)[0] == "CN=second")
    until(lambda: httpx.get(f"{gateway.url}/healthz", headers=gateway.headers).json()["status"] == "ok")


def test_a_handshake_that_was_begun_before_is_ended_after(gateway: Gateway) -> None:
    """One client has connected and said nothing, another has sent its greeting and reads no answer yet."""
    silent = socket.create_connection(("127.0.0.1", gateway.port), timeout=60)
    begun, arriving, leaving = trusting(), ssl.MemoryBIO(), ssl.MemoryBIO()
    half = begun.wrap_bio(arriving, leaving)
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    with silent, socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as slow:
        slow.sendall(leaving.read())
        write_pair(gateway.folder, issued("second"))
        until(lambda: greeted(gateway)[0] == "CN=second")
        while True:
            try:
                half.do_handshake()
                break
            except ssl.SSLWantReadError:
                slow.sendall(leaving.read())
                piece = slow.recv(65536)
                assert piece, "the gateway has hung up"
                arriving.write(piece)
        slow.sendall(leaving.read())
        assert shown_name(half) in ("CN=first", "CN=second")  # type: ignore[arg-type]
        with trusting().wrap_socket(silent) as late:
            late.sendall(b"GET /healthz/live HTTP/1.1\r\nHost: gw.lan\r\nConnection: close\r\n\r\n")
            assert late.recv(65536).startswith(b"HTTP/1.1 200")
            assert shown_name(late) == "CN=second", "who greets after it is shown the new one"
