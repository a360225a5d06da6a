"""The plain ways to the provider: nobody between, nginx, mitmproxy as it comes."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.compare.processes import Unavailable, free_port, process
from benchmarks.compare.way import Start, Upstreams, Way

_REWRITES: Final = str(Path(__file__).with_name("bare_json.py"))


@contextmanager
def direct(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """Nobody between."""
    yield Way(upstreams.plain.port, upstreams.plain)


@contextmanager
def direct_tls(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """Nobody between, over TLS."""
    yield Way(upstreams.tls.port, upstreams.tls, certificate=upstreams.certificate)


@contextmanager
def nginx(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """nginx with one worker and kept connections to the provider. Raises Unavailable."""
    tool = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(tool).exists():
        raise Unavailable("nginx is not installed")
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"""daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder}; client_max_body_size 20m; keepalive_requests 1000000;
  upstream provider {{ server 127.0.0.1:{upstreams.plain.port}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    location / {{ proxy_pass http://provider; }}
  }}
}}
"""
    )
    with process([tool, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder / "log") as (pid, took):
        yield Way(port, upstreams.plain, (pid,), started_in_s=took)


def _bare(*arguments: str, tool: str = "mitmdump", tls: bool = False) -> Start:
    """mitmproxy in reverse mode, as it comes."""

    @contextmanager
    def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
        port, provider = free_port(), upstreams.tls if tls else upstreams.plain
        mode = f"reverse:{'https' if tls else 'http'}://127.0.0.1:{provider.port}@127.0.0.1:{port}"
        command = [str(Path(sys.executable).with_name(tool)), "--quiet", "--mode", mode, "--set", f"confdir={folder}"]
        command += ["--set", f"ssl_verify_upstream_trusted_ca={upstreams.certificate}", *arguments]
        if tool == "mitmweb":
            command += ["--no-web-open-browser", "--web-port", str(free_port()), "--set", "web_password=bench"]
        with process(command, port, folder / "log") as (pid, took):
            yield Way(port, provider, (pid,), started_in_s=took)

    return start


mitmdump = _bare("--set", "stream_large_bodies=1")
"""Passes everything through as it comes."""
mitmdump_json = _bare("-s", _REWRITES)
"""Reads and writes each event's JSON anew."""
mitmdump_json_tls = _bare("-s", _REWRITES, tls=True)
mitmweb_json = _bare("-s", _REWRITES, tool="mitmweb")
