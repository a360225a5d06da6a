"""The option --config of every command: `glassgate serve --config FILE` is `glassgate --config FILE serve`."""

from pathlib import Path
from typing import Final

import click

from addons.cli.help import below
from addons.words.commands import serves

READ_NONE: Final = frozenset({"demo", "keygen", "sandbox", "config schema"})
"""Commands that read no configuration, so that a file of it would be taken for one that counts."""


def take_config_everywhere(name: str, command: click.Command) -> None:
    """Gives a command of this name, and those below it, the option that `main` has where they read the configuration;
    the one nearer to the end counts."""
    for words, one in below(name, command):
        if words not in READ_NONE:
            option = click.Option(
                ["--config"],
                type=click.Path(path_type=Path),
                metavar="FILE",
                expose_value=False,
                is_eager=True,
                callback=_use,
                help="The configuration file; may stand before the command too.",
            )
            one.params.append(option)


def _use(context: click.Context, _option: click.Parameter, file: Path | None) -> None:
    if file is None or context.resilient_parsing:
        return
    from addons.cli.base import CliContext  # who asks for --help needs nothing that reads configurations

    serves(file)
    context.obj = CliContext(file, umask=context.find_object(CliContext).umask, named=True)  # type: ignore[union-attr]
