"""What a request names of what lies at an official API: files, and items of answers that are stored there. Pure.

An API that is asked in the client's own words would give what belongs to whoever has the account. Each id that it could
look up is named, so that a client key reaches its own alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.dialects.base import Named
from providers.formats.jsontext import mapping, text

ANSWER_PREFIX: Final = "resp_"
FILE: Final = "file"
ITEM: Final = "item"
_ITEM_ID: Final = re.compile(r"[a-z]{2,4}_([0-9a-f]{32})[0-9a-f]{2,4}")
_LISTS: Final = ("content", "output")


def referred(raw: Mapping[str, Any]) -> list[str]:
    """The ids of items that a request names, without saying them."""
    return [id for _, id in _references(raw)]


def answer_of(item: str) -> str:
    """The id of the answer that an item is of, which its own has in it; nothing for an id of another form."""
    found = _ITEM_ID.fullmatch(item)
    return f"{ANSWER_PREFIX}{found.group(1)}" if found else ""


def named_elsewhere(raw: Mapping[str, Any]) -> tuple[Named, ...]:
    """The files, and the items that have no id of the gateway's own, each with the field that names it."""
    items = ((f"input[{at}].id", id) for at, id in _references(raw) if not answer_of(id))
    return (*_files(raw), *(Named(ITEM, id, where) for where, id in items))


def _references(raw: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for at, item in enumerate(_listed(raw.get("input"))):
        if isinstance(item, dict) and item.get("type") == "item_reference":
            yield at, text(item.get("id"))


def _files(raw: Mapping[str, Any]) -> Iterator[Named]:
    for at, item in enumerate(_listed(raw.get("input"))):
        for name in _LISTS:
            given = item.get(name) if isinstance(item, dict) else None
            for part in (given,) if isinstance(given, dict) else _listed(given):
                for one in (mapping(part), mapping(mapping(part).get(FILE))):
                    if file_id := text(one.get("file_id")):
                        yield Named(FILE, file_id, f"input[{at}].{name}.file_id")
    for at, tool in enumerate(map(mapping, _listed(raw.get("tools")))):
        if file_id := text(mapping(tool.get("input_image_mask")).get("file_id")):
            yield Named(FILE, file_id, f"tools[{at}].input_image_mask.file_id")
        for one in _listed(mapping(tool.get("container")).get("file_ids")):
            if file_id := text(one):
                yield Named(FILE, file_id, f"tools[{at}].container.file_ids")


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
