"""`glassgate status`: how a running gateway is, asked of itself.

The details are for who shows a client key. Another program could listen where the gateway is thought to be, and would
keep it. So the key is shown to a loopback address that has proved to know it (addons/ingress/key_proof.py), on that
very connection, and to anybody else on demand alone.
"""

import http.client
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import yaml
from pydantic import TypeAdapter, ValidationError

from addons.accounts.report import AccountLine, report_lines
from addons.app import address_file
from addons.app.configured_vault import vault_path
from addons.cli.base import CliContext, Problem, out, out_json
from addons.cli.gateway_http import NoObject, OtherCertificate, connect, get, is_ours
from addons.config.schema import Listen, url_of
from addons.config.tls_files import TlsProblem, read_certificate
from addons.ingress.key_proof import NONCE
from addons.words.commands import command, start

_CONFIG_LIMIT_BYTES: Final = 1024 * 1024
_LINES: Final = TypeAdapter(list[AccountLine])


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as /healthz gives it.")
@click.option("--url", help="Where the gateway is; config.yaml's listener when not given.")
@click.option("--send-key", is_flag=True, help="Show the first client key to whoever answers there, for the details.")
@click.pass_obj
def status(cli: CliContext, as_json: bool, url: str | None, send_key: bool) -> None:
    """How the running gateway is: its state, problems with configuration and vault, its accounts.

    Exit status 0 when it is well, 1 when it is degraded, draining or not there.
    """
    where = _where(cli)
    address, key, said = where.url, where.key, where.said
    base = url.rstrip("/") if url else address or Listen().url
    other = said if not url and said != base else None
    try:
        found, shown = _ask(base, where, anybody=send_key)
    except Problem as e:
        if other is None and (url or address):
            raise
        if other is None:
            raise Problem(e.message, f"that is the usual address: {cli.file} cannot be read to see another") from None
        base, asked = other, base
        found, shown = _ask(base, where, anybody=send_key)
        out(f"glassgate: the gateway listens at {base} since its start, not at {asked}, as {cli.file} says", err=True)
    lines = _lines(found, base)
    if as_json:
        out_json(found)
    else:
        out(f"the gateway is {found['status']}")
        out(*(f"  {problem}" for problem in str(found.get("problem", "")).splitlines()))
        out(*report_lines(lines, time.time()))
    if key and not shown:
        why = "no key was sent, as what answers there has not proved to be your gateway; --send-key sends it"
        out(f"glassgate: {why}", err=True)
    raise SystemExit(0 if found["status"] == "ok" else 1)


@dataclass(frozen=True, slots=True)
class _Where:
    """Where the gateway is thought to be, as far as it can be known."""

    url: str | None
    key: str | None = None
    """A client key."""
    said: str | None = None
    """Where a running one says that it listens."""
    certificate: bytes | None = None
    """Of listen.tls, where it is set."""


def _ask(base: str, where: _Where, *, anybody: bool) -> tuple[dict[str, Any], bool]:
    """What /healthz says, and whether the key was shown. Raises Problem."""
    key = where.key
    try:
        connection = connect(base, where.certificate)
        try:
            nonce = secrets.token_hex(32)
            found, proof = _healthz(connection, base, {NONCE: nonce})
            if key is None or not (anybody or is_ours(connection, proof, key, nonce)):
                return found, False
            connection.auto_open = int(anybody)  # on another connection somebody else could answer by now
            found, _ = _healthz(connection, base, {"authorization": f"Bearer {key}"})
            return found, True
        finally:
            connection.close()
    except OtherCertificate:
        advice = f"{command('reload')} takes a changed one up"
        raise Problem(
            f"what answers at {base} shows another certificate than the one of listen.tls; {advice}"
        ) from None
    except (http.client.HTTPException, OSError, ValueError):
        raise Problem(f"no gateway answers at {base}; start it: {start()}, or say where it is: --url") from None


def _healthz(
    connection: http.client.HTTPConnection, base: str, headers: dict[str, str]
) -> tuple[dict[str, Any], str | None]:
    """The answer, and the proof in its head."""
    try:
        got = get(connection, base, "/healthz", headers)
    except NoObject:
        raise Problem(f"what answers at {base} is no Glassgate") from None
    if not isinstance(got.value.get("status"), str):
        raise Problem(f"what answers at {base} is no Glassgate")
    return got.value, got.proof


def _lines(found: dict[str, Any], base: str) -> list[AccountLine]:
    try:
        return _LINES.validate_python(found.get("accounts", []))
    except ValidationError:
        raise Problem(f"what answers at {base} is no Glassgate") from None


def _where(cli: CliContext) -> _Where:
    """A file that is broken just now must not keep anybody from asking."""
    try:
        config = cli.needing(without=()).config()
    except Problem:
        return _where_by_hand(cli.file)
    said = address_file.find(vault_path(config).parent, config.file)
    listen, key = config.sections.listen, config.tokens[0] if config.tokens else None
    certificate = None
    if listen.tls is not None:
        try:
            certificate = read_certificate(config.path(listen.tls.cert))
        except TlsProblem as e:
            raise Problem(str(e)) from None
    return _Where(listen.url, key, said, certificate)


def _where_by_hand(file: Path) -> _Where:
    try:
        regular = file.is_file() and file.stat().st_size <= _CONFIG_LIMIT_BYTES
        raw = yaml.safe_load(file.read_text(encoding="utf-8")) if regular else None
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        raw = None
    key = os.environ.get("AUTH_TOKEN")
    if not isinstance(raw, dict):
        return _Where(None, key)
    listen = raw.get("listen")
    listen = listen if isinstance(listen, dict) else {}
    usual = Listen()
    return _Where(url_of(str(listen.get("host", usual.host)), listen.get("port", usual.port)), key)
