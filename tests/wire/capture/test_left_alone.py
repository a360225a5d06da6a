"""What the capture proxy leaves as it is: other hosts, bad certificates, streams."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from providers.sandbox.server import Request, Wire
from providers.sandbox.zai.site import ZaiSite
from tests.support.capturing import PAGE, CaptureRun, TlsSites
from tests.support.self_signed import SelfSignedServer


def test_other_hosts_pass_undecrypted(run: CaptureRun, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run.by_hand("zai")
    with SelfSignedServer(other) as server, socket.create_connection(("127.0.0.1", run.port), 10) as tunnel:
        tunnel.sendall(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        assert tunnel.recv(4096).startswith(b"HTTP/1.1 200")
        context = ssl.create_default_context(cafile=str(other / "self-signed.pem"))
        with context.wrap_socket(tunnel, server_hostname="127.0.0.1") as tls:
            origin_own = ssl.PEM_cert_to_DER_cert((other / "self-signed.pem").read_text())
            assert tls.getpeercert(binary_form=True) == origin_own
    run.interrupt()
    run.end()


def test_a_site_whose_certificate_is_not_trusted_is_not_reached(folder: Path, sites: TlsSites) -> None:
    with CaptureRun(folder, sites.entries()) as run:
        run.by_hand("zai")
        with run.person() as client:
            assert client.get(sites.url("zai"), headers=PAGE).status_code == 502
        run.until("no trusted connection to the site")
        run.interrupt()
        assert run.end() == 130
    assert sites.site("zai").requests == []


@dataclass
class SlowSite(ZaiSite):
    """Streams half of an answer, and the rest once another request came."""

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.path == "/api/v1/auths/slow":
            await wire.begin("text/event-stream")
            await wire.send(b"first half")
            await self.wait_for(lambda: any(r.path == "/go-on" for r in self.requests))
            await wire.send(b", second half")
            await wire.end()
        else:
            await super().handle(request, wire)


def test_an_answer_that_streams_is_not_held_back(folder: Path, tmp_path: Path) -> None:
    with (
        TlsSites(tmp_path, zai=SlowSite()) as sites,
        CaptureRun(folder, sites.entries(), sites.ca_file) as run,
    ):
        run.by_hand("zai")
        url = sites.url("zai")
        with run.person() as client, client.stream("GET", f"{url}/api/v1/auths/slow") as answer:
            pieces = answer.iter_raw()
            assert next(pieces) == b"first half"
            with run.person() as second:
                second.get(f"{url}/go-on")
            assert b"".join(pieces) == b", second half"
        run.interrupt()
        assert run.end() == 130
