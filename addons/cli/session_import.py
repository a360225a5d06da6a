"""`glassgate sessions import`: a session out of a file the person has."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import click

from addons.accounts.report import moment_text
from addons.accounts.sessions import material_of, record_of
from addons.cli.base import CliContext, Problem, known_provider, out, out_json
from addons.config.providers import make_providers
from addons.importing.detect import LIMIT_BYTES, read
from addons.importing.find import Candidate, find
from addons.importing.problem import Found, ImportProblem
from addons.vault.errors import VaultError, VaultMissing


@click.command("import")
@click.argument("file")
@click.option("--provider", help="The provider the file is about, where it does not say so itself.")
@click.option("--account", help="The account to store it under; the only one when not given.")
@click.option("--dry-run", is_flag=True, help="Say what was found and store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def import_session(
    lazy: CliContext, file: str, provider: str | None, account: str | None, dry_run: bool, as_json: bool
) -> None:
    """Store a session out of FILE (- for stdin): HAR, copied cURL, cookies.txt, mitmproxy flows, or a pasted token."""
    config = lazy.config()
    if provider is not None:
        known_provider(config, provider, account)
    try:
        found = read(_content(file), time.time())
        candidate = find(found, make_providers(config), provider)
    except ImportProblem as problem:
        raise Problem(f"{problem}; nothing was stored") from None
    settings = known_provider(config, candidate.provider, account)
    names = [entry.name for entry in settings.common.accounts]
    if account is None and len(names) > 1:
        raise Problem(f"{candidate.provider} has several accounts; say which with --account: {', '.join(names)}")
    name = account or names[0]
    _check(candidate, found)
    revision = None if dry_run else _store(lazy, candidate, name)
    _tell(candidate, found, name, revision, as_json)


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(LIMIT_BYTES + 1)
    try:
        with Path(file).open("rb") as source:
            return source.read(LIMIT_BYTES + 1)
    except OSError as e:
        raise Problem(f"{file} cannot be read: {e.strerror}") from None


def _check(candidate: Candidate, found: Found) -> None:
    """Raises Problem for a session that cannot serve."""
    if candidate.session is None:
        raise Problem(f"the {found.kind}'s session cannot serve: {candidate.problem} Nothing was stored.")
    ends = candidate.session.expires_at
    renewable = any(name in candidate.session.names for name in ("cookie:refresh_token", "password"))
    if ends is not None and ends <= time.time() and not renewable:
        when = moment_text(ends, time.time()) if ends else "long ago"
        raise Problem(f"the {found.kind}'s session ended {when}; sign in again and export anew. Nothing was stored.")


def _store(lazy: CliContext, candidate: Candidate, account: str) -> int:
    try:
        vault = lazy.vault(create=True)
        before = vault.get(candidate.provider, account)
        kept = material_of(before.material) if before else None
        material = candidate.material
        if kept is not None and kept.password:
            material = replace(material, email=kept.email, password=kept.password)
        return vault.put(candidate.provider, account, record_of(material)).rev
    except (VaultError, VaultMissing) as e:
        raise Problem(str(e)) from None


def _tell(candidate: Candidate, found: Found, account: str, revision: int | None, as_json: bool) -> None:
    assert candidate.session is not None
    ends = candidate.session.expires_at or None
    if as_json:
        told = {
            "provider": candidate.provider,
            "account": account,
            "kind": found.kind,
            "found": sorted(candidate.material.values()),
            "missing": list(candidate.missing),
            "expires_at": ends,
            "stored": revision is not None,
            "revision": revision,
        }
        out_json(told)
        return
    out(f"{found.kind}: a session of {candidate.provider}: {', '.join(sorted(candidate.material.values()))}")
    for words in candidate.missing:
        out(f"  missing: {words}")
    for note in filter(None, (found.note, candidate.note)):
        out(f"  note: {note}")
    if ends:
        out(f"  until {moment_text(ends, time.time())}")
    stored = f"stored as {candidate.provider}/{account} (revision {revision})"
    out(stored if revision is not None else "nothing was stored (--dry-run)")
