"""The `glassgate` command line. Every problem is one clear line on stderr; no traceback, no secret.

Exit status: 0 done, 1 refused or failed, 2 wrong usage.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from addons.cli.accounts import accounts
from addons.cli.backup.backup import backup
from addons.cli.backup.restore import restore
from addons.cli.base import CliContext
from addons.cli.config_files import config_group
from addons.cli.config_option import take_config_everywhere
from addons.cli.doctor import doctor
from addons.cli.help import dress
from addons.cli.keys import keys
from addons.cli.login import login
from addons.cli.records import cases, drift, record, replay
from addons.cli.reload import reload
from addons.cli.run import run_program
from addons.cli.serve import capture, console, demo, serve, web
from addons.cli.session_import import import_session
from addons.cli.sessions import sessions
from addons.cli.setup.command import setup
from addons.cli.status import status
from addons.cli.tools import keygen, listen, models, sandbox
from addons.cli.upkeep import prune
from addons.cli.usage import usage
from addons.cli.vault import vault
from addons.words.commands import serves, usual_file_here
from addons.words.shown import shown


@contextmanager
def _printable_usage_errors() -> Iterator[None]:
    """click's own complaints repeat what stood on the command line, and names of files are among that."""
    try:
        yield
    except click.UsageError as e:
        if e.message.startswith("Got unexpected extra argument"):  # and repeats it: it may be a password
            raise click.UsageError("there are more words than the command takes", e.ctx) from None
        lines = e.format_message().split("\n")
        if all(line.isprintable() for line in lines):
            raise
        raise click.UsageError("\n".join(map(shown, lines)), e.ctx) from None


class CommandGroup(click.Group):
    """The group of all commands; usage errors are shown in printable characters."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _printable_usage_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _printable_usage_errors():
            return super().invoke(ctx)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    envvar="GLASSGATE_CONFIG",
    help="The configuration file (config.local.yaml or config.yaml here, else ~/.config/glassgate/config.yaml).",
)
@click.version_option(package_name="glassgate")
@click.pass_context
def main(context: click.Context, file: Path | None) -> None:
    """Glassgate: the OpenAI-compatible gateway you can see through."""
    umask = os.umask(0o077)
    logging.getLogger("glassgate").addHandler(logging.NullHandler())  # commands speak for themselves
    file, named = file or usual_file_here(), file is not None
    serves(file)
    context.obj = CliContext(file, umask=umask, named=named)


for command in (
    serve,
    web,
    console,
    demo,
    setup,
    capture,
    login,
    keys,
    sessions,
    accounts,
    usage,
    doctor,
    config_group,
    status,
    reload,
    backup,
    restore,
    run_program,
    vault,
    models,
    record,
    replay,
    cases,
    drift,
    keygen,
    sandbox,
    listen,
):
    main.add_command(command)
sessions.add_command(import_session)
sessions.add_command(prune)
take_config_everywhere(main)
dress(main)
