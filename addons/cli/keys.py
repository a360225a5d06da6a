"""`glassgate keys`: client keys with names and limits, in force in a running gateway within a second."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import click

from addons.app import address_file, control, managed_keys
from addons.app.configured_vault import vault_path
from addons.app.unfit_limits import unfit_without_asking
from addons.cli.base import CliContext, Problem, note_done, out, out_json
from addons.cli.key_options import changed, limit_options, told
from addons.config.client_keys import ClientKey
from addons.config.names import checked_name
from addons.keys.limits import NO_LIMITS, KeyLimits, shown_moment, span_of
from addons.keys.managed import NOTE_CHARS, KeysProblem, ManagedKey, hash_of, told_limits
from addons.keys.store import KeyStore, new_token
from addons.vault.errors import VaultError, VaultMissing
from addons.words.commands import command
from addons.words.near import hint
from addons.words.table import table

_PATIENCE_S: Final = 5.0
_LOOK_S: Final = 0.05
_UNHEARD: Final = "no gateway has answered; one that runs takes the keys up by itself within a second"
_HEAD: Final = ("NAME", "STATE", "MODELS", "RPM", "TOKENS/DAY", "BUDGET", "CONCURRENT", "EXPIRES", "FROM", "NOTE")


@click.group()
def keys() -> None:
    """Client keys with names and limits."""


def _note_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--note", callback=_checked_note, help="Words for yourself, such as whose it is.")(command)


def _checked_note(_context: click.Context, _option: click.Parameter, note: str | None) -> str | None:
    if note is not None and (len(note) > NOTE_CHARS or not note.isprintable()):
        raise click.BadParameter(f"must be at most {NOTE_CHARS} printable characters")
    return note


def _checked_name(_context: click.Context, _option: click.Parameter, name: str) -> str:
    try:
        return checked_name(name)
    except ValueError as e:
        raise click.BadParameter(f"a key's name {e}") from None


@keys.command("add")
@click.argument("name", callback=_checked_name)
@limit_options
@_note_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def add(cli: CliContext, /, name: str, note: str | None, as_json: bool, **given: Any) -> None:
    """Make a key. It is shown this once; only its hash is kept."""
    token, limits = new_token(), changed(NO_LIMITS, given)
    if any(key.name == name for key in _configured(cli)):
        raise Problem(f"there is a key named {name!r} in the configuration; choose another name")

    def more(known: tuple[ManagedKey, ...], secret: bytes) -> tuple[ManagedKey, ...]:
        if any(key.name == name for key in known):
            raise Problem(f"there is a key named {name!r}; change it with keys edit or keys rotate, or choose another")
        fresh = ManagedKey(name, os.urandom(16), hash_of(token, secret), _now(), limits, note or "")
        return (*known, fresh)

    key = _change(cli, "keys add", name, more, told(limits), create=True)
    _show_token(key, token, as_json=as_json)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_keys(cli: CliContext, as_json: bool) -> None:
    """All keys: those made here and those of the configuration. Never a secret."""
    rows = [_row(key) for key in _known(cli)] + [_configured_row(key) for key in _configured(cli)]
    if as_json:
        out_json(rows)
        return
    out(*table(_HEAD, [_cells(row) for row in rows]))
    if not rows:
        out(f"there is no key yet; make one: {command('keys', 'add', 'NAME')}")


@keys.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(cli: CliContext, name: str, as_json: bool) -> None:
    """One key: its limits, its end, its note."""
    rows = [_row(key) for key in _known(cli)] + [_configured_row(key) for key in _configured(cli)]
    row = next((row for row in rows if row["name"] == name), None)
    if row is None:
        raise _unknown(name, [one["name"] for one in rows])
    if as_json:
        out_json(row)
        return
    out(*table((), [[head.lower(), cell] for head, cell in zip(_HEAD, _cells(row), strict=True) if cell]))


@keys.command("edit")
@click.argument("name")
@limit_options
@_note_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def edit(cli: CliContext, /, name: str, note: str | None, as_json: bool, **given: Any) -> None:
    """Change what a key may do; `none` takes a limit away. What it has used stays counted."""
    if note is None and not any(given.values()):
        raise click.UsageError("say what to change, such as --rpm 60, or --budget none")

    def one(key: ManagedKey, _secret: bytes) -> ManagedKey:
        return replace(key, limits=changed(key.limits, given), note=key.note if note is None else note)

    key = _change(cli, "keys edit", name, _of_one(cli, name, one), lambda key: told(key.limits))
    out_json(_row(key)) if as_json else out(f"changed {name}: {_words(key.limits)}")


@keys.command("rotate")
@click.argument("name")
@click.option("--grace", default="24h", show_default=True, help="How long the old one stays good: 0s, 30m, 24h, 7d.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def rotate(cli: CliContext, name: str, grace: str, as_json: bool) -> None:
    """Give a key another secret. Its limits, what it has used and what is kept for it stay."""
    try:
        grace_s = span_of(grace)
    except ValueError as e:
        raise click.BadParameter(str(e), param_hint="--grace") from None
    token = new_token()

    def one(key: ManagedKey, secret: bytes) -> ManagedKey:
        return key.rotated(hash_of(token, secret), _now(), grace_s)

    key = _change(cli, "keys rotate", name, _of_one(cli, name, one), {"grace": grace})
    _show_token(key, token, as_json=as_json)


@keys.command("revoke")
@click.argument("name")
@click.pass_obj
def revoke(cli: CliContext, name: str) -> None:
    """End a key at once, with the answers that it is being given."""

    def rest(known: tuple[ManagedKey, ...], _secret: bytes) -> tuple[ManagedKey, ...]:
        _found(cli, known, name)
        return tuple(key for key in known if key.name != name)

    _change(cli, "keys revoke", name, rest, {})
    out(f"revoked {name}")


# -- changing ---------------------------------------------------------------------------------------------------------
type _Change = Callable[[tuple[ManagedKey, ...], bytes], tuple[ManagedKey, ...]]
type _About = dict[str, str] | Callable[[ManagedKey], dict[str, str]]


def _of_one(cli: CliContext, name: str, one: Callable[[ManagedKey, bytes], ManagedKey]) -> _Change:
    def change(known: tuple[ManagedKey, ...], secret: bytes) -> tuple[ManagedKey, ...]:
        _found(cli, known, name)
        return tuple(one(key, secret) if key.name == name else key for key in known)

    return change


def _change(
    cli: CliContext, action: str, name: str, change: _Change, about: _About, *, create: bool = False
) -> ManagedKey:
    """Changes the file, notes it, has a running gateway take it up; gives the key of that name as it was last."""
    with _problems_in_one_line():
        try:
            store = KeyStore(cli.vault(create=create))
        except VaultMissing:
            raise _not_managed(cli, name, []) from None
        before: list[ManagedKey] = []

        def noted(known: tuple[ManagedKey, ...], secret: bytes) -> tuple[ManagedKey, ...]:
            before.extend(known)
            return change(known, secret)

        after = store.change(noted)
    key = next(key for key in (*after, *before) if key.name == name)
    told_about = about(key) if callable(about) else about
    note_done(
        store.path.parent, action, key=name, **{word.replace(" ", "_"): told for word, told in told_about.items()}
    )
    limits = next((key.limits for key in after if key.name == name), NO_LIMITS)
    _have_taken_up(cli, name, limits)
    return key


def _have_taken_up(cli: CliContext, name: str, limits: KeyLimits) -> None:
    """Waits until a gateway that runs has the keys in force; says so where it has not, and what does not fit in limits:
    the gateway knows best which models are served."""
    folder = vault_path(cli.config()).parent
    file = cli.file.absolute()
    if address_file.find(folder, file) is None:
        _warn(unfit_without_asking(limits, cli.config()))
        if address_file.found_in(folder) is not None:  # of two gateways with one vault the last has said where it is
            _warn([_UNHEARD])
        return
    with suppress(OSError), control.held(control.folder_beside(vault_path(cli.config()))) as question:
        place = control.folder_beside(vault_path(cli.config()))
        control.ask(place, file, question, managed_keys.WHAT, name=name)
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if (answer := control.answer_to(place, question)) is not None:
                if not answer.done:
                    out(f"glassgate: the running gateway did not take it up: {answer.said}", err=True)
                    return
                _warn(answer.said.splitlines())
                return
            time.sleep(_LOOK_S)
    _warn([_UNHEARD])


def _warn(lines: Iterable[str]) -> None:
    out(*(f"glassgate: {line}" for line in lines), err=True)


@contextmanager
def _problems_in_one_line() -> Iterator[None]:
    try:
        yield
    except (KeysProblem, VaultError) as e:
        raise Problem(str(e)) from None
    except OSError as e:
        raise Problem(f"the file of managed keys cannot be written: {e.strerror or e}") from None


# -- reading ----------------------------------------------------------------------------------------------------------
def _known(cli: CliContext) -> tuple[ManagedKey, ...]:
    with _problems_in_one_line():
        try:
            return KeyStore(cli.vault()).read()
        except VaultMissing:
            return ()


def _configured(cli: CliContext) -> tuple[ClientKey, ...]:
    """The keys of the configuration; none where that cannot be read: it may still lack its first."""
    try:
        return cli.needing(without={"providers"}).config().keys
    except Problem:
        return ()


def _found(cli: CliContext, known: tuple[ManagedKey, ...], name: str) -> ManagedKey:
    """Raises Problem."""
    key = next((key for key in known if key.name == name), None)
    if key is None:
        raise _not_managed(cli, name, [one.name for one in known])
    return key


def _not_managed(cli: CliContext, name: str, known: list[str]) -> Problem:
    if (configured := next((one for one in _configured(cli) if one.name == name), None)) is not None:
        return Problem(f"the key {name!r} stands in {configured.source}; change it there")
    return _unknown(name, known)


def _unknown(name: str, known: list[str]) -> Problem:
    return Problem(f"there is no key {name[:100]!r}{hint(name, known) or '; see: ' + command('keys', 'list')}")


def _row(key: ManagedKey) -> dict[str, Any]:
    """A key in names and figures; never a secret."""
    previous = key.previous.until if key.previous is not None and key.previous.until > _now() else None
    return {
        "name": key.name,
        "state": "expired" if key.limits.expired(_now()) else "valid",
        "limits": told_limits(key.limits),
        "created": key.created,
        "old_key_until": previous,
        "from": "keys add",
        "note": key.note,
    }


def _configured_row(key: ClientKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "state": "expired" if key.limits.expired(_now()) else "valid",
        "limits": told_limits(key.limits),
        "created": None,
        "old_key_until": None,
        "from": key.source,
        "note": "",
    }


def _cells(row: dict[str, Any]) -> list[str]:
    limits, until = row["limits"], row["old_key_until"]
    state = f"{row['state']}, the old key until {shown_moment(until)}" if until is not None else row["state"]
    tokens, expires = limits.get("tokens_per_day"), limits.get("expires")
    return [
        row["name"],
        state,
        ",".join(limits.get("models", ())),
        str(limits.get("rpm", "")),
        f"{tokens:,}" if tokens else "",
        limits.get("budget", ""),
        str(limits.get("concurrent", "")),
        shown_moment(expires) if expires is not None else "",
        row["from"],
        row["note"],
    ]


def _words(limits: KeyLimits) -> str:
    return ", ".join(f"{name} {words}" for name, words in told(limits).items()) or "no limits"


def _show_token(key: ManagedKey, token: str, *, as_json: bool) -> None:
    if as_json:
        out_json({**_row(key), "key": token})
        return
    out(f"The key of {key.name} ({_words(key.limits)}), shown this once:", err=True)
    out(token)


def _now() -> float:
    return time.time()
