"""What is right and what is wrong with this installation, each in one line with what to do about it.

A check gives Findings and raises nothing. `error` findings keep every request from succeeding, or some (`partly`);
`warning` ones do not.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import mitmproxy.version

from addons.account_report import AccountLine
from addons.core.account_state import Health
from addons.core.config import Config
from addons.core.file_reading import FileProblem, NoFile, read_text
from addons.core.key_files import KeyFile
from addons.core.yaml_reading import YamlProblem, read_yaml
from addons.proxy_options import refused, warned
from addons.served_names import unserved_of
from addons.setup import Running
from addons.stream.fitting import UnfitMitmproxy, check_mitmproxy
from providers.errors import ProviderError

type Status = Literal["ok", "warning", "error"]

SHORT_KEY: Final = 20
FEW_CHARACTERS: Final = 6
_GUESSABLE: Final = ("test", "demo", "changeme", "secret", "password", "example", "12345")


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` names what was looked at, `fix` says what to do where something is to be done."""

    check: str
    status: Status
    message: str
    fix: str = ""
    partly: bool = False
    """Of an error: only some requests meet it."""


def check_python(version: tuple[int, ...]) -> Iterator[Finding]:
    text = ".".join(map(str, version[:3]))
    if version >= (3, 12):
        yield Finding("python", "ok", f"Python {text}")
    else:
        yield Finding("python", "error", f"Python {text} is too old", "install Python 3.12 or newer")


def check_proxy() -> Iterator[Finding]:
    version = mitmproxy.version.VERSION
    try:
        check_mitmproxy()
    except UnfitMitmproxy as e:
        yield Finding("mitmproxy", "error", str(e), "install the locked packages: ./run_proxy.sh does it at its start")
    else:
        yield Finding("mitmproxy", "ok", f"mitmproxy {version}")


def check_names(config: Config) -> Iterator[Finding]:
    """Whether the models that config.yaml names elsewhere are served."""
    for one in unserved_of(config):
        yield Finding("models", "error" if one.certain else "warning", one.words, partly=bool(config.providers))


def check_files(config: Config) -> Iterator[Finding]:
    """Who else can read or change the files that hold or choose secrets."""
    files = list(config.files)
    if (key_file := config.sections.vault.key_file) is not None:
        with suppress(OSError):
            files.append(KeyFile.of(config.path(key_file), config.path(key_file).stat(), only_keys=True))
    for file in files:
        if file.open_words is None:
            yield Finding("files", "ok", f"{file.path} is yours alone to {'read' if file.holds_keys else 'change'}")
        else:
            words, _, fix = file.open_words.partition("; run: ")
            refused = file.gives_keys_away and not config.sections.listen.is_loopback  # by the start: exposure.judge
            yield Finding("files", "error" if refused else "warning", words, fix)


def check_keys(config: Config) -> Iterator[Finding]:
    """How easily a client key could be guessed."""
    if config.skip_auth:
        fix = "remove auth.skip (and SKIP_AUTH_TOKEN) and set AUTH_TOKEN"
        yield Finding("client keys", "warning", "every program of this machine may use the gateway without a key", fix)
    for key in config.keys:
        token = key.token
        weak = len(token) < SHORT_KEY or len(set(token)) < FEW_CHARACTERS or any(w in token.lower() for w in _GUESSABLE)
        named = f"client key {key.name} ({key.source})"
        if weak:
            yield Finding("client keys", "warning", f"{named} can be guessed", "glassgate keygen --client makes one")
        else:
            yield Finding("client keys", "ok", f"{named} is strong")


def check_port(config: Config, ask: Callable[[str], int | None]) -> Iterator[Finding]:
    """Whether the gateway can listen. `ask` gives the status of a GET, or None when nobody answers."""
    host, port = config.sections.listen.host, config.sections.listen.port
    shown = f"[{host}]" if ":" in host else host
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as e:
        if ask(f"{config.sections.listen.url}/healthz") == 200:
            yield Finding("port", "ok", f"a gateway is serving at {shown}:{port}")
        else:
            fix = "end the program that has it, or choose another listen.port"
            yield Finding("port", "error", f"{shown}:{port} cannot be listened on: {e.strerror}", fix)
    else:
        yield Finding("port", "ok", f"{shown}:{port} is free")
    if not config.sections.listen.is_loopback:
        yield Finding("port", "warning", f"the gateway listens beyond this machine ({shown})", "put TLS in front of it")


def check_inspector(folder: Path) -> Iterator[Finding]:
    """mitmproxy's own configuration, which run_proxy.sh does not override everywhere."""
    file = folder / "config.yaml"
    try:
        options = read_yaml(read_text(file).text).value
    except NoFile:
        yield Finding("mitmweb", "ok", "mitmproxy has no configuration of its own; run_proxy.sh --web sets a password")
        return
    except (FileProblem, YamlProblem) as e:
        yield Finding("mitmweb", "warning", f"{file} cannot be read: {e}", "mend or remove it")
        return
    found = list(_exposed(options if isinstance(options, dict) else {}))
    for what in found:
        yield Finding("mitmweb", "warning", f"{file}: {what}", "remove that line")
    if not found:
        yield Finding("mitmweb", "ok", f"{file} opens nothing")


def _exposed(options: Mapping[Any, Any]) -> Iterator[str]:
    named = {str(name): value for name, value in options.items()}
    yield from refused(named)
    yield from warned(named)
    if options.get("save_stream_file"):
        yield "save_stream_file: every exchange is written to disk (without secrets, but with the words)"


def check_accounts(lines: Sequence[AccountLine]) -> Iterator[Finding]:
    for line in lines:
        name = f"{line.provider}/{line.account}"
        if line.state is Health.OK:
            yield Finding("accounts", "ok", f"{name} has a session")
        else:
            words = f"{name} is {line.state.value}" + (f": {line.reason}" if line.reason else "")
            yield Finding("accounts", "warning", words, _way_out(line))
    if not any(line.state in (Health.OK, Health.REFRESHING) for line in lines):
        yield Finding("accounts", "error", "no account can serve", "glassgate login PROVIDER")


def _way_out(line: AccountLine) -> str:
    match line.state:
        case Health.EXPIRED | Health.MISSING:
            return f"glassgate login {line.provider} {line.account}"
        case Health.CHALLENGED:
            return "open the site in your browser and pass its check, or use the official API"
        case Health.LIMITED:
            return "wait, or add another account"
        case _:
            return "ask the provider's support"


async def ask_sites(running: Running) -> list[Finding]:
    """Asks every account's site whose session it is, and notes the answer; sessions about to end are renewed."""
    findings = []
    for account in running.accounts.all():
        provider, name = running.providers[account.provider], f"{account.provider}/{account.name}"
        try:
            session = await running.renewal.session(account)
            steps = provider.identify(session, running.context.moment())
            identity = None if steps is None else await running.steps.run(provider, steps, session)
        except ProviderError as error:
            running.renewal.failed(account, error)
            findings.append(Finding("sites", "warning", f"{name}: {error.message}"))
            continue
        running.renewal.succeeded(account)
        whose = identity and (identity.email or identity.name or identity.user_id)
        findings.append(
            Finding("sites", "ok", f"{name}: the site knows this session" + (f" ({whose})" if whose else ""))
        )
    return findings


def status_of(url: str) -> int | None:
    """The status of a GET, or None when nobody answers HTTP there."""
    try:
        return httpx.get(url, timeout=3, trust_env=False).status_code
    except httpx.HTTPError:
        return None


def mitmproxy_folder() -> Path:
    return Path(os.path.expanduser("~/.mitmproxy"))
