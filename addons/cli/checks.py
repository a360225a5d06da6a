"""The checks of `glassgate doctor`: each a finding in one line, with what to do about it.

A check gives Findings and raises nothing. `error` findings keep every request from succeeding, or some (`partly`);
`warning` ones do not.
"""

import http.client
import importlib.metadata
import os
import re
import shlex
import socket
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import mitmproxy.version

from addons.accounts.account import Account
from addons.accounts.health import Health
from addons.accounts.report import CAN_SERVE, AccountLine
from addons.accounts.way_in import way_in
from addons.app.listener_tls import with_certificate
from addons.app.port import asked
from addons.app.proxy_options import refused, warned
from addons.app.runtime import Running
from addons.app.unserved_names import unserved_of
from addons.config.configuration import Config
from addons.config.file_reading import FileProblem, NoFile, read_text
from addons.config.key_files import KeyFile
from addons.config.loader import ConfigError
from addons.config.yaml_reading import YamlProblem, read_yaml
from addons.keys.limits import shown_moment
from addons.mitm.compat import UnfitMitmproxy, check_mitmproxy
from addons.transport.httpx_carrier import HttpxCarrier
from addons.vault.store import Vault
from addons.words.commands import command, start
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Identity

type Status = Literal["ok", "warning", "error"]

_PATIENCE_S: Final = 3.0
SHORT_KEY: Final = 20
FEW_CHARACTERS: Final = 6
_PINNED: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]{0,100})==([0-9][0-9A-Za-z.+!-]{0,50})", re.MULTILINE)
_NUMBER: Final = re.compile(r"\d{1,9}")
LOCK: Final = Path(__file__).resolve().parents[2] / "requirements.lock"
_GUESSABLE: Final = ("test", "demo", "changeme", "secret", "password", "example", "12345")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `check` names what was looked at, `fix` says what to do where something is to be done."""

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
        yield Finding("mitmproxy", "error", str(e), f"install the locked packages: {_line_for(LOCK)}")
    else:
        yield Finding("mitmproxy", "ok", f"mitmproxy {version}")


def check_names(config: Config) -> Iterator[Finding]:
    """The findings about models that config.yaml names elsewhere: whether they are served."""
    for one in unserved_of(config):
        yield Finding("models", "error" if one.certain else "warning", one.words, partly=bool(config.providers))


def check_files(config: Config) -> Iterator[Finding]:
    """The findings about who else can read or change the files that hold or choose secrets."""
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


def check_keys(config: Config, now: float) -> Iterator[Finding]:
    """The findings about configured client keys that could be guessed, or are none any more."""
    if config.skip_auth:
        fix = "remove auth.skip (and SKIP_AUTH_TOKEN) and set AUTH_TOKEN"
        yield Finding("client keys", "warning", "every program of this machine may use the gateway without a key", fix)
    for key in config.keys:
        token = key.token
        weak = len(token) < SHORT_KEY or len(set(token)) < FEW_CHARACTERS or any(w in token.lower() for w in _GUESSABLE)
        named = f"client key {key.name} ({key.source})"
        if key.limits.expired(now):
            yield Finding("client keys", "warning", f"{named} has expired ({shown_moment(key.limits.expires or 0)})")
        elif weak:
            fix = f"{command('keygen', '--client')} makes one"
            yield Finding("client keys", "warning", f"{named} can be guessed", fix)
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
        if ask(f"{config.sections.listen.plain_url}/healthz") == 200:
            yield Finding("port", "ok", f"a gateway is serving at {shown}:{port}")
        else:
            fix = f"end the program that has it, change listen.port, or: {start('N')}"
            yield Finding("port", "error", f"{shown}:{port} cannot be listened on: {e.strerror}", fix)
    else:
        yield Finding("port", "ok", f"{shown}:{port} is free")
    if not config.sections.listen.is_loopback and config.sections.listen.tls is None:
        yield Finding(
            "port",
            "warning",
            f"the gateway listens beyond this machine ({shown})",
            "set listen.tls, or put TLS in front of it (docs/deployment.md)",
        )


def check_tls(config: Config, now: float) -> Iterator[Finding]:
    """The findings about the certificate of listen.tls, where it is set."""
    try:
        pair = with_certificate(config, now).tls
    except ConfigError as e:
        yield Finding("tls", "error", str(e), "the old certificate stays in force while a gateway runs")
        return
    if pair is None:
        return
    names = ", ".join(pair.names[:6]) or "no name: clients refuse it"
    words = f"the gateway speaks https; its certificate is for {names}"
    yield Finding(
        "tls", "ok" if pair.names else "warning", words, "" if pair.names else "make one with a subjectAltName"
    )
    if aged := pair.age_problem(now):
        yield Finding("tls", "warning", aged)


def check_inspector(folder: Path) -> Iterator[Finding]:
    """mitmproxy's own configuration, which `glassgate web` does not override everywhere."""
    file = folder / "config.yaml"
    try:
        options = read_yaml(read_text(file).text).value
    except NoFile:
        yield Finding(
            "mitmweb", "ok", "mitmproxy has no configuration of its own; the inspector gets a password at each start"
        )
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


def check_accounts(
    lines: Sequence[AccountLine],
    providers: Mapping[str, AnyProvider],
    refused: Collection[str],
    keyless: Collection[str] = (),
) -> Iterator[Finding]:
    """How each account is; an error when none can serve. `refused`: those (provider/account) that did not answer;
    `keyless`: those that need no session."""
    for line in lines:
        name = f"{line.provider}/{line.account}"
        if line.state is Health.OK:
            what = "session" if providers[line.provider].web_session else "key"
            has = f"needs no {what} (session: none)" if name in keyless else f"has a {what}"
            yield Finding("accounts", "ok", f"{name} {has}")
        else:
            words = f"{name} is {line.state.value}" + (f": {line.reason}" if line.reason else "")
            fix = _way_out(line, providers[line.provider])
            yield Finding("accounts", "warning", words, "" if fix in line.reason else fix)
    if len(out_of_service(lines, refused)) == len(lines):
        yield Finding("accounts", "error", "no account can serve, for the reasons above")


def out_of_service(lines: Sequence[AccountLine], refused: Collection[str]) -> list[str]:
    """The accounts that no request can succeed with, as provider/account."""
    named = {f"{line.provider}/{line.account}": line.state for line in lines}
    return [name for name, state in named.items() if state not in CAN_SERVE or name in refused]


def _way_out(line: AccountLine, provider: AnyProvider) -> str:
    match line.state:
        case Health.EXPIRED | Health.MISSING:
            return way_in(provider, line.account)
        case Health.ENDED:
            return f"{command('doctor', '--online')} tries it now"
        case Health.CHALLENGED if provider.web_session:
            return "open the site in your browser and pass its check, or use the official API"
        case Health.CHALLENGED:
            return "ask the API's operator, or try another network"
        case Health.LIMITED:
            return "wait, or add another account"
        case _:
            return "ask the provider's support"


def check_addresses(providers: Mapping[str, AnyProvider]) -> Iterator[Finding]:
    """The findings about settings of providers that can hardly be right."""
    for provider in providers.values():
        for said in provider.doubts():
            yield Finding("address", "warning", f"{provider.name} will not answer", said)


def check_packages(lock: Path, installed: Callable[[str], str | None]) -> Iterator[Finding]:
    """Packages older than the lock file wants them. `installed` gives a package's version, None where it is missing."""
    try:
        wanted = _PINNED.findall(read_text(lock).text)
    except (NoFile, FileProblem):
        return  # installed in another way
    older = [
        f"{name} {found} (locked: {version})"
        for name, version in wanted
        if (found := installed(name)) is not None and _numbers(found) < _numbers(version)
    ]
    if older:
        fix = _line_for(lock)
        yield Finding("packages", "warning", f"older than {lock.name} wants them: {', '.join(older)}", fix)
    else:
        yield Finding("packages", "ok", f"no package is older than {lock.name} wants it")


def _line_for(lock: Path) -> str:
    """The line that installs what the lock file names."""
    return f"{shlex.quote(sys.executable)} -m pip install --no-deps --require-hashes -r {shlex.quote(str(lock))}"


def installed_version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(version)[:8])


async def ask_all_sites(config: Config, vault: Vault | None, refused: set[str]) -> list[Finding]:
    """Asks the sites of a configuration's accounts, as `ask_sites` does."""
    async with HttpxCarrier() as carrier:
        running = Running(config, vault, carrier)
        try:
            return await ask_sites(running, refused)
        finally:
            await running.close()


async def ask_sites(running: Running, refused: set[str]) -> list[Finding]:
    """Asks every account's site whose session it is, and notes the answer; sessions about to end are renewed.

    `refused` is told of the accounts that no request can succeed with, as provider/account.
    """
    findings = []
    for account in running.pool.all():
        provider, name = running.providers[account.provider], f"{account.provider}/{account.name}"
        try:
            session = await running.pool.renewal.session(account)
            steps = provider.sign_in.identify(session, running.context.moment())
            identity = None if steps is None else await running.steps.run(provider, steps, session)
        except ProviderError as error:
            account.refused(error)
            refused.add(name)
            if account.session.needed and account.session.stored() is None:
                continue  # the site was not asked; `check_accounts` says what is missing
            fix = "" if error.advised or error.kind is not ErrorKind.SESSION_EXPIRED else way_in(provider, account.name)
            findings.append(Finding("sites", "warning", f"{name}: {error.message}", fix))
            continue
        account.known()
        findings.append(_of_a_known(running, account, f"{name}: {_known(provider, identity)}"))
    return findings


def _of_a_known(running: Running, account: Account, known: str) -> Finding:
    """An account whose session the site knows; what it said to its newest chat counts for more."""
    state = account.health.state
    if state is None or state.health is not Health.CHALLENGED:
        return Finding("sites", "ok", known)
    fix = way_in(running.providers[account.provider], account.name)
    return Finding("sites", "warning", f"{known}, but to the newest chat it said: {state.reason}", fix)


def _known(provider: AnyProvider, identity: Identity | None) -> str:
    if identity is None:
        return "there is no way to ask the site"
    if not identity.proven:
        return "the API has no list of models to ask for; what it thinks of the key shows with the first chat"
    whose = identity.email or identity.name or identity.user_id
    what = "the site knows this session" if provider.web_session else "the API takes the key"
    return f"{what} ({whose})" if whose else what


def status_of(url: str) -> int | None:
    """The status of a GET, or None when nobody answers HTTP there. What is said behind the head is not read."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE_S)) as connection:
        try:
            with asked(connection, parts.path, {}, _PATIENCE_S) as answer:
                return answer.status
        except (OSError, http.client.HTTPException, ValueError):
            return None


def mitmproxy_folder() -> Path:
    return Path(os.path.expanduser("~/.mitmproxy"))
