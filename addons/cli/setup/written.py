"""The two files that setup writes, .env and config.yaml, as texts. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from addons.config.env_file import read_env
from addons.config.file_reading import FileProblem

SCHEMA_FILE: Final = "config.schema.json"
_PROVIDERS: Final = re.compile(r"^providers:[ \t]*(?:#[^\n]*)?\n", re.MULTILINE)
_PLAIN_VALUE: Final = re.compile(r"[A-Za-z0-9_./:@+=-]{1,4096}")
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_TEMPLATE: Final = """\
# yaml-language-server: $schema={schema}
# Made by `glassgate setup`. Every key is explained in docs/configuration.md; a wrong one is named with its line.
# No secret stands here: keys of APIs and sessions are in the encrypted vault, the gateway's own keys in .env.

listen: {{host: 127.0.0.1, port: {port}}}

# Who may use the gateway: the key in .env. Names for people, limits: glassgate keys add ada
auth: {{tokens: ["${{AUTH_TOKEN}}"]}}

# Providers that serve the same model are tried in this order.
providers:
{providers}
"""


class Unwritable(ValueError):
    """A value that no .env file can hold as it is. The text does not repeat it."""


def env_with(text: str, values: Mapping[str, str]) -> str:
    """The .env file's text with variables added at its end. Raises Unwritable."""
    begun = text if not text or text.endswith("\n") else text + "\n"
    lines = "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())
    for name, value in values.items():
        try:
            read = read_env(f"{name}={_quoted(value)}\n", {})
        except FileProblem:
            read = {}
        if read != {name: value}:
            raise Unwritable(f"the value of {name} cannot stand in a .env file")
    return begun + lines


def _quoted(value: str) -> str:
    if _PLAIN_VALUE.fullmatch(value):
        return value
    inner = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"


def new_config(providers: Mapping[str, Mapping[str, Any]], port: int) -> str:
    """A configuration of these providers."""
    lines = "\n".join(provider_line(name, entry) for name, entry in providers.items())
    return _TEMPLATE.format(schema=SCHEMA_FILE, port=port, providers=lines)


def provider_line(name: str, entry: Mapping[str, Any]) -> str:
    """A provider as one line of `providers`."""
    flow = yaml.safe_dump(dict(entry), default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return f"  {name if _PLAIN_NAME.fullmatch(name) else json.dumps(name)}: {flow.strip()}"


def config_with(text: str, providers: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The configuration's text with providers added at the head of its list; None where the list is not written as
    setup writes it."""
    found = _PROVIDERS.search(text)
    if found is None:
        return None
    lines = "".join(provider_line(name, entry) + "\n" for name, entry in providers.items())
    return text[: found.end()] + lines + text[found.end() :]
