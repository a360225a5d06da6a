"""The nginx of deploy/proxy in front of a real gateway: a stream's first words pass while the rest is not there yet."""

import re
import shutil
import ssl
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from providers.sandbox.run import Sandbox
from tests.support.certificates import DAY, Issued, write_pair
from tests.support.faulty import MODEL, made
from tests.support.hostile import Hostile, held
from tests.support.ports import free_port
from tests.support.processes import ROOT, SandboxThread
from tests.support.waiting import until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx"),
]


def nginx_file(folder: Path, port: int, gateway_port: int) -> Path:
    """The example, with ports and a certificate of the test, as the whole configuration of an nginx."""
    own = (ROOT / "deploy/proxy/nginx.conf").read_text(encoding="utf-8")
    own = own.replace("127.0.0.1:8080;", f"127.0.0.1:{gateway_port};").replace("listen 443", f"listen 127.0.0.1:{port}")
    own = re.sub(r"/etc/ssl/gateway/fullchain.pem", str(folder / "cert.pem"), own)
    own = re.sub(r"/etc/ssl/gateway/privkey.pem", str(folder / "key.pem"), own)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temp = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;\n"
        f"events {{ worker_connections 64; }}\nhttp {{ access_log off;\n{temp}\n{own}\n}}\n"
    )
    return file


def test_streams_pass_word_by_word(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    now, site, let_go = time.time(), Hostile(), threading.Event()
    write_pair(tmp_path, Issued("gateway", hosts=["gateway.lan"], since=now - DAY, until=now + DAY))
    site.programs["held"] = held(let_go)
    with SandboxThread(Sandbox((), own={"hostile": site})) as thread:
        running = made(tmp_path, thread)
        listen = {"port": running.port, "allowed_hosts": ["gateway.lan"], "trusted_proxies": ["127.0.0.1"]}
        running.config["listen"] = listen
        running.write_config()
        port = free_port()
        file = nginx_file(tmp_path, port, running.port)
        with (
            running,
            subprocess.Popen(["nginx", "-c", str(file), "-p", str(tmp_path)], stderr=subprocess.PIPE) as proxy,
        ):
            try:
                until(lambda: (tmp_path / "nginx.pid").exists() or proxy.poll() is not None)
                assert proxy.poll() is None, (proxy.stderr and proxy.stderr.read(), "nginx ended")
                trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
                trust.check_hostname = False
                headers = {**running.headers, "host": "gateway.lan"}
                asked = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "held please"}]}
                base = f"https://127.0.0.1:{port}"
                with httpx.Client(verify=trust, headers=headers, timeout=60) as client:
                    with client.stream("POST", f"{base}/v1/chat/completions", json=asked) as answer:
                        assert answer.status_code == 200
                        lines = answer.iter_lines()
                        first = next(lines)
                        let_go.set()
                        text = "\n".join([first, *lines])
                    assert text.rstrip().endswith("data: [DONE]")
                    assert client.get(f"{base}/metrics").status_code == 404
            finally:
                let_go.set()
                proxy.terminate()
