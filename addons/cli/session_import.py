"""`glassgate sessions import`: a session out of a file the person has."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import click

from addons.accounts.report import moment_text
from addons.accounts.sessions import credentials_of, record_of
from addons.app.configured_vault import vault_path
from addons.cli.base import CliContext, Problem, known_provider, note_done, out, out_json
from addons.config.providers import make_providers
from addons.importing.contents import FileContents, ImportProblem
from addons.importing.detect import LIMIT_BYTES, read
from addons.importing.find import FoundSession, find
from addons.vault.errors import VaultError, VaultMissing


@click.command("import")
@click.argument("file")
@click.option("--provider", help="The provider the file is about, where it does not say so itself.")
@click.option("--account", help="The account to store it under; the only one when not given.")
@click.option("--dry-run", is_flag=True, help="Say what was found and store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def import_session(
    cli: CliContext, file: str, provider: str | None, account: str | None, dry_run: bool, as_json: bool
) -> None:
    """Store a session out of FILE (- for stdin): HAR, copied cURL, cookies.txt, mitmproxy flows, or a pasted token."""
    config = cli.config()
    if provider is not None:
        known_provider(config, provider, account)
    try:
        found = read(_content(file), time.time())
        found_session = find(found, make_providers(config), provider)
    except ImportProblem as problem:
        raise Problem(f"{problem}; nothing was stored") from None
    settings = known_provider(config, found_session.provider, account)
    names = [entry.name for entry in settings.common.accounts]
    if account is None and len(names) > 1:
        raise Problem(f"{found_session.provider} has several accounts; say which with --account: {', '.join(names)}")
    name = account or names[0]
    _check(found_session, found)
    revision = None if dry_run else _store(cli, found_session, name)
    if revision is not None:
        note_done(vault_path(config).parent, "sessions import", session=f"{found_session.provider}/{name}")
    _print_result(found_session, found, name, revision, as_json)


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(LIMIT_BYTES + 1)
    try:
        with Path(file).open("rb") as source:
            return source.read(LIMIT_BYTES + 1)
    except OSError as e:
        raise Problem(f"{file} cannot be read: {e.strerror}") from None


def _check(found_session: FoundSession, found: FileContents) -> None:
    """Raises Problem for a session that cannot serve."""
    if found_session.session is None:
        raise Problem(f"the {found.kind}'s session cannot serve: {found_session.problem} Nothing was stored.")
    ends = found_session.session.expires_at
    renewable = any(name in found_session.session.names for name in ("cookie:refresh_token", "password"))
    if ends is not None and ends <= time.time() and not renewable:
        when = moment_text(ends, time.time()) if ends else "long ago"
        raise Problem(f"the {found.kind}'s session ended {when}; sign in again and export anew. Nothing was stored.")


def _store(cli: CliContext, found_session: FoundSession, account: str) -> int:
    try:
        vault = cli.vault(create=True)
        before = vault.get(found_session.provider, account)
        kept = credentials_of(before.material) if before else None
        credentials = found_session.credentials
        if kept is not None and kept.password:
            credentials = replace(credentials, email=kept.email, password=kept.password)
        return vault.put(found_session.provider, account, record_of(credentials)).rev
    except (VaultError, VaultMissing) as e:
        raise Problem(str(e)) from None


def _print_result(
    found_session: FoundSession, found: FileContents, account: str, revision: int | None, as_json: bool
) -> None:
    assert found_session.session is not None
    ends = found_session.session.expires_at or None
    if as_json:
        info = {
            "provider": found_session.provider,
            "account": account,
            "kind": found.kind,
            "found": sorted(found_session.credentials.values()),
            "missing": list(found_session.missing),
            "expires_at": ends,
            "stored": revision is not None,
            "revision": revision,
        }
        out_json(info)
        return
    out(f"{found.kind}: a session of {found_session.provider}: {', '.join(sorted(found_session.credentials.values()))}")
    for words in found_session.missing:
        out(f"  missing: {words}")
    for note in filter(None, (found.note, found_session.note)):
        out(f"  note: {note}")
    if ends:
        out(f"  until {moment_text(ends, time.time())}")
    stored = f"stored as {found_session.provider}/{account} (revision {revision})"
    out(stored if revision is not None else "nothing was stored (--dry-run)")
