"""Command lines of Glassgate as pages and files write them, read as the command itself reads them."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import click

from addons.cli.main import main

_ENDS = ("<", ">", "|", "&&", "||", ";")


def understood(words: Sequence[str]) -> str:
    """The command that these words call, where `glassgate` is left out; empty for none.

    Raises click.UsageError for a command or an option that is not there. Values are not looked at: the files and
    accounts that they name are somebody else's.
    """
    command: click.Command = main
    parent: click.Context | None = None
    rest, called = list(words), list[str]()
    while True:
        settings: dict[str, Any] = dict(command.context_settings)
        with click.Context(command, info_name=command.name, parent=parent, **settings) as context:
            parser = command.make_parser(context)
            _, rest, _ = parser.parse_args(rest)
            if not isinstance(command, click.Group) or not rest:
                return " ".join(called)
            name, found, rest = command.resolve_command(context, rest)
            assert found is not None
            called.append(str(name))
            command, parent = found, context


def of_glassgate(text: str) -> Iterator[list[str]]:
    """The words of each line that calls `glassgate`, by whatever path, without what the shell does itself; the first
    word is the program as it stands there."""
    for line in text.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line.removeprefix("$ "), comments=True)
        except ValueError:  # a line of an output
            continue
        for at, word in enumerate(words):
            if word.endswith("/bin/glassgate") or (at == 0 and word in ("glassgate", "./run_proxy.sh")):
                rest = words[at:]
                yield rest[: min((at for at, one in enumerate(rest) if one in _ENDS), default=len(rest))]
                break
