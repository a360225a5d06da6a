"""A group whose commands are imported when they are called: --help and shells list them without."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as it is listed. `words` are those of its line; a test compares them with the command's own."""

    where: str
    """`module:name` of the command."""
    words: str
    hidden: bool = False


class LazyGroup(click.Group):
    """`listed` are its commands by name. `commands` has a stand-in of each, which knows no more than its line."""

    def __init__(
        self,
        *args: Any,
        listed: Mapping[str, Listed],
        dress: Callable[[str, click.Command], None] = lambda name, command: None,
        **settings: Any,
    ) -> None:
        """`dress` is told of each command once, when it was imported."""
        super().__init__(*args, **settings)
        self._listed, self._dress = listed, dress
        self._imported: dict[str, click.Command] = {}
        for name, one in listed.items():
            self.add_command(click.Command(name, short_help=one.words, hidden=one.hidden))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported."""
        if cmd_name not in self._imported and (one := self._listed.get(cmd_name)) is not None:
            module, _, name = one.where.partition(":")
            found: click.Command = getattr(importlib.import_module(module), name)
            self._dress(cmd_name, found)
            self._imported[cmd_name] = found
        return self._imported.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        click.Group(commands=self.commands).format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=one.words)
            for name, one in self._listed.items()
            if name.startswith(incomplete) and not one.hidden
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]
