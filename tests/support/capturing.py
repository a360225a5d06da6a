"""A capture as a process of its own, against sandbox sites that speak TLS."""

import base64
import contextlib
import os
import secrets
import signal
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import yaml

from addons.accounts.sessions import credentials_of
from addons.cli.demo import provider_entries
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.session import Credentials
from providers.contract.sign_in import SignIn
from providers.registry import provider_class
from providers.sandbox.run import Sandbox
from tests.support.forked import Forked, start
from tests.support.ports import free_port
from tests.support.processes import ROOT, SandboxThread
from tests.support.self_signed import make_certificate

PAGE: Mapping[str, str] = {
    "accept": "text/html,application/xhtml+xml",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}
"""What a browser says when it asks for a page to show."""


def reads_sessions(name: str) -> bool:
    cls = provider_class(name)
    return type(cls(name, cls.Options.model_validate({})).sign_in).extract is not SignIn.extract


signs_in = pytest.mark.skipif(not reads_sessions("zai"), reason="the provider reads no sessions")


class TlsSites:
    """Sandbox sites behind a certificate that only `ca_file` vouches for."""

    def __init__(self, folder: Path, *names: str, **own: Any) -> None:
        self.ca_file, key = make_certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self.thread = SandboxThread(Sandbox(names, own=own, tls=context))

    def __enter__(self) -> Self:
        self.thread.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.thread.__exit__()

    def site(self, name: str) -> Any:
        return self.thread.site(name)

    def url(self, name: str) -> str:
        return self.thread.sandbox.base_url(name)

    def entries(self) -> dict[str, Any]:
        return provider_entries(self.thread.description()["base_urls"])


class CaptureRun:
    """`./run_proxy.sh capture` in `folder`, which holds its configuration, vault, CA and temporary files."""

    def __init__(self, folder: Path, entries: dict[str, Any], ca_file: Path | None = None) -> None:
        self.folder = folder
        self.ca_file = ca_file
        self.port = free_port()
        self.vault_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self.vault_path = folder / "sessions" / "vault.json"
        self.tmp = folder / "tmp"
        self.tmp.mkdir(mode=0o700)
        self.own_ca = folder / "data" / "glassgate" / "capture-ca" / "mitmproxy-ca-cert.pem"
        self.write_config(entries)
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AUTH_", "SESSION_"))},
            "SESSION_ENCRYPTION_KEY": self.vault_key,
            "XDG_DATA_HOME": str(folder / "data"),
            "XDG_STATE_HOME": str(folder / "state"),
            "TMPDIR": str(self.tmp),
        }
        self.process: Forked | subprocess.Popen[str] | None = None
        self.by_itself = False
        """Whether it is started from the disk, not forked (tests/support/forked.py)."""
        self.said = ""
        """What it said on stderr up to `until`, all of it after `end`."""
        self.stdout = ""

    def write_config(self, entries: dict[str, Any]) -> None:
        config = {"vault": {"path": str(self.vault_path)}, "providers": entries}
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    def start(self, *arguments: str) -> Self:
        config = str(self.folder / "config.yaml")
        command = [sys.executable, "-m", "addons.capturing", *arguments, "--config", config]
        if "--port" not in arguments:
            command += ["--port", str(self.port)]
        if self.ca_file is not None:
            command += ["--upstream-ca", str(self.ca_file)]
        pipe = subprocess.PIPE
        if self.by_itself:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=pipe, stderr=pipe, text=True)
        else:
            self.process = start(command, cwd=ROOT, env=self.environ, stdout=pipe, stderr=pipe)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()  # so that it can end its browser
            try:
                self.process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()

    def until(self, words: str) -> None:
        """Reads on until it has said `words`."""
        assert self.process is not None
        assert self.process.stderr is not None
        while words not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line

    def by_hand(self, *arguments: str) -> Self:
        """Started without a browser, and ready."""
        self.start(*arguments, "--no-browser").until("set the HTTP and HTTPS proxy")
        return self

    def interrupt(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Waits for the end; the exit status."""
        assert self.process is not None
        self.stdout, rest = self.process.communicate(timeout=60)
        self.said += rest
        return self.process.wait()

    def person(self) -> httpx.Client:
        """A browser as the person would set it up: with the proxy, and with its CA trusted."""
        context = ssl.create_default_context(cafile=str(self.own_ca))
        return httpx.Client(proxy=f"http://127.0.0.1:{self.port}", verify=context, trust_env=False, timeout=60)

    def new_vault(self) -> Vault:
        return Vault.create(self.vault_path, VaultKey.from_text(self.vault_key), sync=False)

    def vault(self) -> Vault:
        return Vault.open(self.vault_path, VaultKey.from_text(self.vault_key))

    def files_with(self, word: str) -> list[Path]:
        """Every file of the run that holds `word`."""
        return [path for path in self.folder.rglob("*") if path.is_file() and word.encode() in _content(path)]


def sign_in(client: httpx.Client, sites: TlsSites) -> str:
    """What the Z.AI page does with e-mail and password; the token."""
    site, url = sites.site("zai"), sites.url("zai")
    form = {"email": site.email, "password": site.password, "captcha_verify_param": "solved by the person"}
    token: str = client.post(f"{url}/api/v1/auths/signin", json=form).raise_for_status().json()["token"]
    who = client.get(f"{url}/api/v1/auths/", headers={"authorization": f"Bearer {token}"})
    assert who.json()["email"] == site.email
    return token


def read_the_end(client: httpx.Client, sites: TlsSites) -> None:
    """The next page of the site tells the person; then the proxy ends."""
    assert "you may close this window" in client.get(sites.url("zai"), headers=PAGE).text


def kept(run: CaptureRun, provider: str = "zai") -> Credentials:
    record = run.vault().get(provider, "demo")
    assert record is not None
    return credentials_of(record.material)


def command_lines() -> bytes:
    """The command lines of all processes."""
    return b"\n".join(_content(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _content(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""
