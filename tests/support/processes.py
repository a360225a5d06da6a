"""Real processes for the wire tests: the sandbox sites in a thread of the test, the gateway as mitmdump of its own."""

import asyncio
import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from addons.cli.demo import provider_entries
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.sandbox.run import Sandbox
from tests.support.drivers import listening
from tests.support.forked import Process, start
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
KEY = "sk-wire-test-key-0123456789"
HURRIED = ROOT / "tests" / "support" / "hurried.py"
NO_REST: Any = {"breaker": {"enabled": False}, "cooldown": {"enabled": False}, "retries": {"enabled": False}}
"""Configuration in which an account is asked again at once whatever happened, and once only."""


class SandboxThread:
    """The sandbox sites on a loop of their own; their objects can be looked at and switched from the test."""

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self.sandbox = sandbox or Sandbox()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def site(self, name: str) -> Any:
        return self.sandbox.site(name)

    def wait_for(self, name: str, check: Callable[[], bool], timeout_s: float = 60) -> None:
        """Until `check()` holds for the site; raises TimeoutError."""
        future = asyncio.run_coroutine_threadsafe(self.site(name).wait_for(check, timeout_s), self._loop)
        future.result(timeout_s + 1)

    def description(self) -> dict[str, Any]:
        return self.sandbox.description()

    def _run(self) -> None:
        self._loop.run_until_complete(self._main())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _main(self) -> None:
        async with self.sandbox:
            self._ready.set()
            await self._stop.wait()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Gateway:
    """One mitmdump with the gateway, its configuration and vault in `folder`.

    One that is `hurried` looks at its files, and writes its own, without a pause worth waiting for. One started
    `by_itself` is the command from the disk; the others are forked from a process that has imported the same.
    """

    project: Path = ROOT
    """The checkout that is run."""
    tools: Path = Path(sys.executable).parent
    """Where its mitmdump is."""

    def __init__(
        self,
        folder: Path,
        sites: dict[str, Any] | None = None,
        *,
        arguments: tuple[str, ...] = (),
        hurried: bool = False,
        by_itself: bool = False,
        **sections: Any,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.vault_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self.vault_path = folder / "sessions" / "vault.json"
        described = sites or {"base_urls": {}, "sessions": {}}
        entries = provider_entries(described["base_urls"])
        for name, entry in sections.pop("providers", {}).items():
            entries[name] = {**entries.get(name, {}), **entry}
        self.config: dict[str, Any] = {
            "listen": {"port": self.port},
            "auth": {"tokens": ["${AUTH_TOKEN}"]},
            "vault": {"path": str(self.vault_path)},
            "usage": {"enabled": False},
            "providers": entries,
            **sections,
        }
        self.vault = Vault.create(self.vault_path, VaultKey.from_text(self.vault_key), sync=False)
        for name in entries:
            site = "openai" if name == "official" else name
            if site in described["sessions"]:
                self.vault.put(name, "demo", described["sessions"][site])
        self.config_file = folder / "config.yaml"
        self.write_config()
        self.process: Process | None = None
        self.log_file = folder / "gateway.log"
        self.arguments = arguments
        self.hurried = hurried
        self.by_itself = by_itself
        self.cwd: Path | None = None

    def write_config(self) -> None:
        """Whole at once: a gateway that runs may look at any moment."""
        new = self.config_file.with_name("config.yaml.new")
        config = {**self.config, "listen": {**listening(), **self.config["listen"]}}
        new.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        new.replace(self.config_file)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {KEY}"}

    def post(self, body: object, path: str = "/v1/chat/completions", timeout: float = 60) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=body, headers=self.headers, timeout=timeout)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=self.headers, timeout=60)

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def memory_mb(self) -> float:
        """What the process holds now. On Linux."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def cpu_s(self) -> float:
        """Seconds that the process has worked so far, in steps of 0.01; others beside it change nothing. On Linux."""
        assert self.process
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def command(self) -> list[str]:
        return [
            str(self.tools / "mitmdump"),
            "--quiet",
            "-s",
            str(self.project / "addons" / "gateway.py"),
            *("--mode", "reverse:http://127.0.0.1:1"),
            *("--listen-host", "127.0.0.1", "--listen-port", str(self.port)),
            *("--set", f"gateway_config={self.config_file}", "--set", f"confdir={self.folder}"),
            *(("-s", str(HURRIED)) if self.hurried else ()),
            *self.arguments,
        ]

    def environ(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AUTH_", "SKIP_", "SESSION_"))
        }
        return {**kept, "AUTH_TOKEN": KEY, "SESSION_ENCRYPTION_KEY": self.vault_key}

    def __enter__(self) -> Self:
        with self.log_file.open("wb") as log:
            begin: Callable[..., Process] = subprocess.Popen if self.by_itself else start
            self.process = begin(
                self.command(),
                stdout=log,
                stderr=log,
                env=self.environ(),
                cwd=self.cwd,
                start_new_session=True,  # a service: a gateway of a terminal heeds SIGHUP otherwise
            )
        try:
            self._wait_ready()
        except AssertionError:
            self.__exit__()
            raise
        return self

    def _wait_ready(self) -> None:
        assert self.process
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended: {self.log}")
            try:
                if httpx.get(f"{self.url}/healthz", timeout=30).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"the gateway did not start: {self.log}")

    def __exit__(self, *exc: object) -> None:
        if self.process is not None:
            for patience_s in (0.5, 10):  # the second signal cuts the drain short
                self.process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(patience_s)
                    return
            self.process.kill()
            self.process.wait(60)
