"""The `glassgate` command line. Every problem is one clear line on stderr; no traceback, no secret.

Exit status: 0 done, 1 refused or failed, 2 wrong usage.
"""

import itertools
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from addons.cli.config_option import take_config_everywhere
from addons.cli.help import dress
from addons.cli.lazy_group import LazyGroup, Listed
from addons.words.commands import serves, usual_file_here
from addons.words.shown import shown

_WORDS: Final = "glassgate.words"
COMMANDS: Final[Mapping[str, Listed]] = {
    "serve": Listed("addons.cli.serve:serve", "Serve the configuration, without an inspector, until Ctrl-C"),
    "web": Listed("addons.cli.serve:web", "Serve the configuration, with mitmweb: every exchange in the browser"),
    "console": Listed(
        "addons.cli.serve:console", "Serve the configuration, with mitmproxy's console: every exchange in this terminal"
    ),
    "demo": Listed("addons.cli.serve:demo", "Serve the sandbox sites: no account needed, nothing is kept"),
    "setup": Listed("addons.cli.setup.command:setup", "Make keys and a configuration, add an API's key, prove it"),
    "capture": Listed("addons.cli.serve:capture", "Sign in with your own browser; the session goes into the vault"),
    "login": Listed("addons.cli.login:login", "Sign in at a site and store the session"),
    "keys": Listed("addons.cli.keys:keys", "Client keys with names and limits"),
    "sessions": Listed("addons.cli.session_commands:sessions", "The sessions in the vault"),
    "accounts": Listed(
        "addons.cli.accounts:accounts",
        "How every account is: ok, expired, challenged, limited until …, blocked, missing",
    ),
    "usage": Listed("addons.cli.usage:usage", "What was used and what it cost, by key, model, account or day"),
    "doctor": Listed(
        "addons.cli.doctor:doctor", "Check Python, mitmproxy, configuration, vault, accounts, port, keys and file modes"
    ),
    "config": Listed("addons.cli.config_files:config_group", "The configuration: whether it is right, and its schema"),
    "status": Listed(
        "addons.cli.status:status",
        "How the running gateway is: its state, problems with configuration and vault, its accounts",
    ),
    "reload": Listed(
        "addons.cli.reload:reload",
        "Have the running gateway take its configuration up now, whatever it makes of SIGHUP",
    ),
    "backup": Listed(
        "addons.cli.backup.backup:backup",
        "Write the vault, keys, states of accounts, ledger and configuration into FILE (0600), as they are now",
    ),
    "restore": Listed(
        "addons.cli.backup.restore:restore",
        "Put back what `glassgate backup` has written: in the place of --config, or of the usual configuration",
    ),
    "run": Listed(
        "addons.cli.run:run_program",
        "Start a coding agent that asks this gateway: claude, codex, opencode, aider, qwen, cline, continue, goose, "
        "crush, llm",
    ),
    "vault": Listed("addons.cli.vault:vault", "The vault's file and the keys that open it"),
    "models": Listed("addons.cli.tools:models", "The public models of the configured providers"),
    "record": Listed("addons.cli.records:record", "How the recording of provider exchanges stands"),
    "replay": Listed(
        "addons.cli.records:replay", "Serve recorded exchanges as a provider, or check that they are still read alike"
    ),
    "cases": Listed("addons.cli.records:cases", "Recordings kept as regression tests"),
    "drift": Listed(
        "addons.cli.records:drift",
        "What the adapters met and did not know: event kinds, phases, fields, codes, by provider",
    ),
    "keygen": Listed(
        "addons.cli.tools:keygen", "Print a fresh key: for SESSION_ENCRYPTION_KEY, or with --client for AUTH_TOKEN"
    ),
    "sandbox": Listed(
        "addons.cli.tools:sandbox", "Run stand-ins of the sites on loopback, for trying out and testing, until Ctrl-C"
    ),
    "listen": Listed("addons.cli.tools:listen", "", hidden=True),
}


@contextmanager
def _told(words: Sequence[str]) -> Iterator[None]:
    """Tells failures as they are wanted: printable, since click's own complaints repeat what stood on the command line;
    for programs that asked for JSON an object with `error`, too."""
    try:
        yield
    except click.ClickException as e:
        told = _printable(e)
        if _wants_json(words, told):
            from addons.cli.base import out_json  # what reads configurations

            out_json({"error": told.format_message()})
        raise told from None


def _printable(error: click.ClickException) -> click.ClickException:
    if not isinstance(error, click.UsageError):
        return error  # our own, which are
    if error.message.startswith("Got unexpected extra argument"):  # and repeats it: it may be a password
        return click.UsageError("there are more words than the command takes", error.ctx)
    lines = error.format_message().split("\n")
    return error if all(map(str.isprintable, lines)) else click.UsageError("\n".join(map(shown, lines)), error.ctx)


def _wants_json(words: Sequence[str], error: click.ClickException) -> bool:
    context: click.Context | None = getattr(error, "ctx", None)
    knows_it = context is not None and any(param.name == "as_json" for param in context.command.params)
    return knows_it and "--json" in itertools.takewhile(lambda word: word != "--", words)


class CommandGroup(LazyGroup):
    """The group of all commands."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **settings: Any) -> click.Context:
        words = tuple(args)
        with _told(words):
            context = super().make_context(info_name, args, *more, **settings)
        context.meta[_WORDS] = words
        return context

    def invoke(self, ctx: click.Context) -> Any:
        with _told(ctx.meta.get(_WORDS, ())):
            return super().invoke(ctx)


def _dressed(name: str, command: click.Command) -> None:
    take_config_everywhere(name, command)
    dress(name, command)


@click.group(
    cls=CommandGroup, listed=COMMANDS, dress=_dressed, context_settings={"help_option_names": ["-h", "--help"]}
)
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
    from addons.cli.base import CliContext  # what reads configurations: --help and shells that complete words need none

    _check_folder()
    umask = os.umask(0o077)
    logging.getLogger("glassgate").addHandler(logging.NullHandler())  # commands speak for themselves
    file, named = file or usual_file_here(), file is not None
    serves(file)
    context.obj = CliContext(file, umask=umask, named=named)


def _check_folder() -> None:
    """Raises ClickException: paths count from the folder one is in."""
    try:
        os.getcwd()
    except OSError:
        raise click.ClickException("the folder that you are in is not there any more; change to another one") from None


dress("", main)
