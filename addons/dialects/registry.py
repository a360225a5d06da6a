"""The client formats that are served: the one list of them. Another format is a module or folder and a line here."""

from collections.abc import Mapping
from typing import Final

from addons.dialects.base import Dialect, ParsedRequest
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.completions.dialect import Completions
from addons.errors import GatewayError

DIALECTS: Final[Mapping[str, Dialect]] = {dialect.name: dialect for dialect in (ChatCompletions(), Completions())}
"""By name. Bodies of unknown format are tried in this order."""


def parsed_as(name: str, body: bytes) -> tuple[Dialect, ParsedRequest]:
    """A body by the dialect of that name; one whose format nobody noted, by the first dialect that can read it.

    Raises GatewayError.
    """
    if (dialect := DIALECTS.get(name)) is not None:
        return dialect, dialect.parse(body)
    first: GatewayError | None = None
    for dialect in DIALECTS.values():
        try:
            return dialect, dialect.parse(body)
        except GatewayError as error:
            first = first or error
    assert first is not None
    raise first
