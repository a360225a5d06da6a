"""The option --config of every command: `glassgate serve --config FILE` is `glassgate --config FILE serve`."""

from pathlib import Path
from typing import Final

import click

from addons.cli.base import CliContext
from addons.cli.help import commands_in
from addons.words.commands import serves

READ_NONE: Final = frozenset({"demo", "keygen", "sandbox", "config schema"})
"""Commands that read no configuration, so that a file of it would be taken for one that counts."""


def take_config_everywhere(main: click.Group) -> None:
    """Gives every command that reads the configuration the option that `main` has; the one nearer to the end counts."""
    for words, command in commands_in(main):
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
            command.params.append(option)


def _use(context: click.Context, _option: click.Parameter, file: Path | None) -> None:
    if file is None or context.resilient_parsing:
        return
    serves(file)
    context.obj = CliContext(file, umask=context.find_object(CliContext).umask, named=True)  # type: ignore[union-attr]
