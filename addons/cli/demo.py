"""The demo: the sandbox sites, a throw-away vault and a configuration for them, then the gateway.

Nothing is kept: the folder with vault and configuration goes when the gateway ends.
"""

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from addons.app.port import DEMO, INSPECTOR, is_gateway, port_problem
from addons.app.welcome import QUIET_START
from addons.cli.base import Problem, out
from addons.cli.proxy_tools import WebDoor, other_folder
from addons.config.exposure import SHORTEST_TOKEN
from addons.mitm.web_link import WEB_URL
from addons.vault.keys import ENV_NAME, VaultKey
from addons.vault.store import Vault
from addons.words.commands import command as command_line
from addons.words.commands import serves
from providers.registry import type_names

_PROGRAM = Path(__file__).resolve().with_name("__main__.py")
_MORE = {"anthropic": {"schemas": True, "caches": True}}
"""What a site can, as those can that it stands in for."""
_OFFICIAL = {
    "models": ["sandbox-large", "sandbox-small", "vendor/sandbox-slash"],
    "operations": [
        "chat",
        "completions",
        "responses",
        "images",
        "variations",
        "embeddings",
        "speech",
        "transcriptions",
        "translations",
        "moderations",
        "rerank",
        "files",
        "batches",
    ],
}


_OF_THE_PERSONS_OWN = frozenset(
    {
        "AUTH_TOKENS_FILE",
        "GLASSGATE_CONFIG",
        "LOG_LEVEL",
        "LONGCAT_PASSPORT_TOKEN",
        "LONGCAT_TOKENS_FILE",
        "SKIP_AUTH_TOKEN",
        WEB_URL,
    }
)
"""Variables of a gateway of the person's own: the demo has nothing to do with its keys, files and sessions."""


def provider_entries(urls: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The `providers` section for the sandbox sites: each site under its own name, the official form as `official`."""
    entries: dict[str, dict[str, Any]] = {}
    for name in type_names():
        if name in urls:
            entries[name] = {
                "type": name,
                "base_url": urls[name],
                "accounts": [{"name": "demo"}],
                **_MORE.get(name, {}),
            }
            if f"{name}-auth" in urls:
                entries[name]["auth_url"] = urls[f"{name}-auth"]
            if f"{name}-oss" in urls:
                entries[name]["upload_urls"] = [urls[f"{name}-oss"]]
    if "openai" in urls:
        base_url = f"{urls['openai']}/v1"
        entries["official"] = {"type": "openai_compatible", "base_url": base_url, **_OFFICIAL}
        entries["official"]["accounts"] = [{"name": "demo"}]
    return entries


def write_demo(folder: Path, sites: dict[str, Any], host: str, port: int, vault_key: str) -> Path:
    """The demo's configuration and vault in `folder`; gives the configuration's path."""
    entries = provider_entries(sites["base_urls"])
    config = {
        "listen": {"host": host, "port": port},
        "auth": {"tokens": ["${AUTH_TOKEN}"]},
        "vault": {"path": "sessions/vault.json", "rollback_guard": False},
        "providers": entries,
    }
    vault = Vault.create(folder / "sessions" / "vault.json", VaultKey.from_text(vault_key), sync=False)
    for name in entries:
        material = sites["sessions"]["openai" if name == "official" else name]
        vault.put(name, "demo", material)
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return file


def start_sites() -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """The sandbox as a process of its own, and what it says of itself."""
    command = [sys.executable, "-P", str(_PROGRAM), "sandbox", "--json"]
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        sys.exit("the sandbox sites did not start")
    return process, json.loads(line)


def welcome(host: str, port: int, key: str, model: str, web_url: str | None, agent: str) -> str:
    """The text a newcomer is shown. `agent`: the command that starts a coding agent."""
    base_url = f"http://{host}:{port}/v1"
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello!"}]})
    inspector = web_url or "run again with --web to see every exchange in mitmweb"
    return f"""
Glassgate demo: sandbox sites, no account needed.

  base URL   {base_url}
  key        {key}
  models     curl -s {base_url}/models -H 'Authorization: Bearer {key}'
  inspector  {inspector}
  agents     {agent}   (or codex, opencode, aider, qwen …)

Try it:

curl -N {base_url}/chat/completions -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{body}'

With accounts of your own: official API keys are the main road; a web session (Z.AI, Qwen) may meet the site's check
for humans at the first request. README.md says what to do then.

Ctrl-C ends it; nothing is kept.
"""


def _own_key(written: str) -> str:
    """The key that the person wants the demo to have, where it can be one; else it gets one as any."""
    return written if len(written) >= SHORTEST_TOKEN and written.isprintable() else ""


def serve_demo(host: str, port: int, door: WebDoor | None, command: list[str]) -> int:
    """Runs the demo to its end; gives the exit status. `{config}` in `command` stands for its configuration file.

    Raises Problem when nobody can listen there.
    """
    problems = [port_problem(host, port, DEMO, is_gateway)]
    if door:
        problems.append(port_problem("127.0.0.1", door.port, INSPECTOR, lambda url: False))
    if said := [problem for problem in problems if problem]:
        raise Problem(*said)
    os.umask(0o077)
    folder = Path(tempfile.mkdtemp(prefix="glassgate-demo-"))
    key = _own_key(os.environ.get("AUTH_TOKEN", "")) or f"sk-demo-{secrets.token_urlsafe(18)}"
    vault_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    sites: subprocess.Popen[str] | None = None
    gateway: subprocess.Popen[bytes] | None = None

    def stop(number: int, frame: object) -> None:
        if gateway is not None:
            gateway.send_signal(number)
        else:
            raise KeyboardInterrupt

    hung_up = False

    def hang_up(number: int, frame: object) -> None:
        """The terminal has gone, which is told more than once; the gateway, in a session of its own, hears nothing."""
        nonlocal hung_up
        if not hung_up:
            hung_up = True
            stop(signal.SIGTERM, frame)

    try:
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, hang_up)
        sites, described = start_sites()
        config = write_demo(folder, described, host, port, vault_key)
        around = {name: value for name, value in os.environ.items() if name not in _OF_THE_PERSONS_OWN}
        environ = {**around, "AUTH_TOKEN": key, ENV_NAME: vault_key, QUIET_START: "1"}
        serves(config)
        agent = command_line("run", "claude")
        out(*welcome(host, port, key, "GLM-4.6-Thinking", door.link if door else None, agent).split("\n"))
        command = [*(word.replace("{config}", str(config)) for word in command), *other_folder(command, folder)]
        gateway = subprocess.Popen(command, env=environ, start_new_session=True)  # noqa: S603
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        return gateway.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        for process in (gateway, sites):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(10)
        if sites is not None and sites.stdout is not None:
            sites.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)
