"""`glassgate config`: the configuration's check, and its schema for editors."""

import json

import click

from addons.cli.base import CliContext, out
from addons.cli.setup.config_schema import config_schema


@click.group("config")
def config_group() -> None:
    """The configuration: whether it is right, and its schema."""


@config_group.command("check")
@click.pass_obj
def check(cli: CliContext) -> None:
    """Say whether the configuration is right, or all that is wrong in it, with its line. Nothing is started."""
    out(f"{cli.needing(without=()).config().file} is right")


@config_group.command("schema")
def schema() -> None:
    """Print the JSON schema of config.yaml, for editors with yaml-language-server."""
    out(*json.dumps(config_schema(), indent=1).split("\n"))
