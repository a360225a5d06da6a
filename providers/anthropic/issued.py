"""The ids in an answer of the Messages form by which later requests name what the API has made: containers, and files
in them. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.contract.events import Issued
from providers.formats.jsontext import mapping, text

_ID: Final = re.compile(r"[\x21-\x7e]{1,256}")
_FILES_LIMIT: Final = 100
"""Of one block."""
_RESULT: Final = "_tool_result"


def container_in(value: Mapping[str, Any]) -> Iterator[Issued]:
    """The container of a message, or of the delta that ends a stream."""
    if _ID.fullmatch(id := text(mapping(value.get("container")).get("id"))):
        yield Issued("container", id)


def files_in(block: Mapping[str, Any]) -> Iterator[Issued]:
    """The files that code has made, which the block with its result names."""
    if not text(block.get("type")).endswith(_RESULT):
        return
    made = mapping(block.get("content")).get("content")
    for one in made[:_FILES_LIMIT] if isinstance(made, list) else ():
        if _ID.fullmatch(id := text(mapping(one).get("file_id"))):
            yield Issued("file", id)
