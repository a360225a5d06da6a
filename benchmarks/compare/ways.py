"""The ways to the provider that are compared: each is a process (or none) between the load and the upstream."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from providers.sandbox.tokens import jwt
from tests.support.processes import KEY, Gateway

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = ROOT / "benchmarks" / ".peers"
"""Where benchmarks/run.sh has put the peers."""
_TOKEN: Final = "bench-token-0123456789abcdef"
_STARTS_IN_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Ports of the providers: of plain HTTP, and over TLS with the certificate that signs for it."""

    plain: int
    tls: int
    certificate: Path


@dataclass(frozen=True, slots=True)
class Way:
    """A way that runs. `pids`: its processes, whose CPU and memory are counted; their children count too."""

    name: str
    port: int
    pids: tuple[int, ...] = ()
    model: str = "bench"
    path: str = "/v1/chat/completions"
    headers: Mapping[str, str] = field(default_factory=dict)
    form: str = "openai"
    started_in_s: float = 0.0


type Start = Callable[[Path, Upstreams], AbstractContextManager[Way]]
"""Starts a way with a folder of its own."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Unavailable(Exception):
    """A way that is not to be had on this machine; the message says why."""


@contextmanager
def process(command: list[str], port: int, log: Path, **environ: str) -> Iterator[tuple[int, float]]:
    """A process that listens on the port: its id, and how long its start took. Raises Unavailable."""
    began = time.perf_counter()
    with log.open("wb") as out:
        started = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **environ}, cwd=log.parent, start_new_session=True
        )
    try:
        while not _listens(port):
            if started.poll() is not None or time.perf_counter() - began > _STARTS_IN_S:
                raise Unavailable(f"{command[0]} did not start: {log.read_text(errors='replace')[-400:]}")
            time.sleep(0.02)
        yield started.pid, time.perf_counter() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


# -- the ways ---------------------------------------------------------------------------------------------------------
@contextmanager
def direct(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """Nobody between."""
    yield Way("direct", upstreams.plain)


@contextmanager
def nginx(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
    """nginx with one worker and kept connections to the upstream. Raises Unavailable."""
    tool = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(tool).exists():
        raise Unavailable("nginx is not installed")
    port = free_port()
    (folder / "nginx.conf").write_text(
        f"""daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder}; client_max_body_size 20m;
  upstream provider {{ server 127.0.0.1:{upstreams.plain}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    location / {{ proxy_pass http://provider; }}
  }}
}}
"""
    )
    with process([tool, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder / "log") as (pid, took):
        yield Way("nginx", port, (pid,), started_in_s=took)


def bare(*arguments: str, name: str) -> Start:
    """mitmdump as it comes."""

    @contextmanager
    def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
        port = free_port()
        tool = Path(sys.executable).with_name("mitmdump")
        mode = f"reverse:http://127.0.0.1:{upstreams.plain}@127.0.0.1:{port}"
        command = [str(tool), "--quiet", "--mode", mode, "--set", f"confdir={folder}", *arguments]
        with process(command, port, folder / "log") as (pid, took):
            yield Way(name, port, (pid,), started_in_s=took)

    return start


bare_passing = bare("--set", "stream_large_bodies=1", name="mitmdump, passing through")
bare_json = bare("-s", str(Path(__file__).with_name("bare_json.py")), name="mitmdump, JSON again")


def glassgate(name: str = "glassgate", *, tls: bool = False, **sections: Any) -> Start:
    """The gateway in front of the official form."""

    @contextmanager
    def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
        port = upstreams.tls if tls else upstreams.plain
        base_url = f"{'https://127.0.0.1' if tls else 'http://127.0.0.1'}:{port}/v1"
        entry = {
            "type": "openai_compatible",
            "base_url": base_url,
            "models": ["bench"],
            "accounts": [{"name": "bench", "max_concurrent": 5000}],
        }
        arguments = ("--set", f"ssl_verify_upstream_trusted_ca={upstreams.certificate}") if tls else ()
        with _gateway(
            name, "bench", folder, {"api": entry}, {("api", "bench"): {"api_key": _TOKEN}}, arguments, sections
        ) as way:
            yield way

    return start


def glassgate_zai(name: str, *, create_chat: bool) -> Start:
    """The gateway in front of Z.AI's form. `create_chat`: a chat is made for each request."""

    @contextmanager
    def start(folder: Path, upstreams: Upstreams) -> Iterator[Way]:
        entry = {
            "type": "zai",
            "base_url": f"http://127.0.0.1:{upstreams.plain}",
            "create_chat": create_chat,
            "accounts": [{"name": "bench", "max_concurrent": 5000}],
        }
        session = {"token": jwt({"id": "bench", "email": "bench@example.com"})}
        with _gateway(name, "GLM-4.6", folder, {"zai": entry}, {("zai", "bench"): session}, (), {}) as way:
            yield way

    return start


@contextmanager
def _gateway(
    name: str,
    model: str,
    folder: Path,
    providers: Mapping[str, Any],
    sessions: Mapping[tuple[str, str], Mapping[str, str]],
    arguments: tuple[str, ...],
    sections: Mapping[str, Any],
) -> Iterator[Way]:
    folder.chmod(0o700)
    limits = {"requests": 5000}
    gateway = Gateway(folder, arguments=arguments, by_itself=True, providers=providers, limits=limits, **sections)
    for place, material in sessions.items():
        gateway.vault.put(*place, dict(material))
    began = time.perf_counter()
    with gateway:
        assert gateway.process
        took = time.perf_counter() - began
        headers = {"authorization": f"Bearer {KEY}"}
        yield Way(name, gateway.port, (gateway.process.pid,), model, headers=headers, started_in_s=took)
