"""`glassgate sessions prune`: ended sessions go, and what they were encrypted with goes too."""

import click

from addons.accounts.pruning import ended_for_good
from addons.app.configured_vault import vault_path
from addons.app.outside import moment_source
from addons.cli.accounts import stored_accounts
from addons.cli.base import CliContext, Problem, note_done, out, out_json
from addons.vault.errors import VaultError, VaultMissing, VaultRefused
from addons.words.commands import command


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def prune(cli: CliContext, dry_run: bool, as_json: bool) -> None:
    """Remove sessions that have ended for good. Their bytes cannot be read afterwards: the data key is made anew."""
    config = cli.config()
    try:
        vault = cli.vault()
    except VaultMissing as e:
        raise Problem(str(e)) from None
    ended = ended_for_good(stored_accounts(config, vault), moment_source()())
    from_cookies = True
    try:
        for one in ended if not dry_run else []:
            vault.remove(one.account.provider, one.account.name)
        if ended and not dry_run:
            vault.rotate_data_key()
    except VaultRefused:
        from_cookies = False
    except VaultError as e:
        raise Problem(str(e)) from None
    if ended and not dry_run:
        names = ", ".join(f"{one.account.provider}/{one.account.name}" for one in ended)
        note_done(vault_path(config).parent, "sessions prune", sessions=names)
    rows = [{"provider": one.account.provider, "account": one.account.name, "why": one.why} for one in ended]
    if as_json:
        out_json({"removed": not dry_run, "sessions": rows, "erased": from_cookies and not dry_run})
        return
    for row in rows:
        out(f"{'would remove' if dry_run else 'removed'} {row['provider']}/{row['account']}: {row['why']}")
    if not rows:
        out("every stored session can still serve")
    if not from_cookies:
        out(f"the vault has other slots: {command('vault', 'rotate-key')} makes the removed bytes unreadable")
