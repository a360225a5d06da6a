"""What a request names of what lies at an official API: files, containers, stores, and items of answers that are stored
there. Pure.

An API that is asked in the client's own words would give what belongs to whoever has the account. Each id that it could
look up is named, so that a client key reaches its own alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from addons.dialects.base import ANSWERS, Named
from addons.dialects.responses.schema import all_tools
from providers.formats.jsontext import mapping, text

ANSWER_PREFIX: Final = "resp_"
FILE: Final = "file"
ITEM: Final = "item"
CONTAINER: Final = "container"
STORE: Final = "vector_store"
SKILL: Final = "skill"
_ITEM_ID: Final = re.compile(r"[a-z]{2,4}_([0-9a-f]{32})[0-9a-f]{2,4}")
_LOOKED_UP: Final = re.compile(r"rs_[0-9a-f]{40,}")
"""The ids of OpenAI's own reasoning, which it looks up whatever stands beside them; an API without a store takes what
stands there."""
_OWN_SKILL: Final = "skill_"
"""How the ids of an account's own skills begin; the others are everybody's."""
_LISTS: Final = ("content", "output")
_RUN_CODE: Final = ("code_interpreter", "shell")
_SAYS_NOTHING: Final = frozenset({"id", "type", "status"})
"""Fields of an item without which it says as much."""


def referred(raw: Mapping[str, Any]) -> list[str]:
    """The ids of items that a request names, without saying them."""
    return [id for _, id in _references(raw)]


def answer_of(item: str) -> str:
    """The id of the answer that an item is of, which its own has in it; nothing for an id of another form."""
    found = _ITEM_ID.fullmatch(item)
    return f"{ANSWER_PREFIX}{found.group(1)}" if found else ""


def named_elsewhere(raw: Mapping[str, Any]) -> tuple[Named, ...]:
    """What is named that the gateway itself has not: of items those without an id of its own. Each with its field."""
    items = (Named(ITEM, id, where) for where, id in (*_references(raw), *_by_id_alone(raw)) if not answer_of(id))
    return (*_files(raw), *_in_tools(raw), *items, *_compared(raw))


def is_reference(item: object) -> bool:
    """Whether this is an `item_reference`, whose type may be left out."""
    told = mapping(item)
    return told.get("type") == "item_reference" or (told.get("type") is None and told.keys() <= _SAYS_NOTHING)


def makes_things(raw: Mapping[str, Any]) -> bool:
    """Whether the answer may name a container that the API has made for it."""
    return any(mapping(tool).get("type") in _RUN_CODE for _, tool in all_tools(raw))


def _references(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for at, item in enumerate(_listed(raw.get("input"))):
        if isinstance(item, dict) and is_reference(item):
            yield f"input[{at}].id", text(item.get("id"))


def _by_id_alone(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Items that an API has to look up, because what they say does not stand there; a request to a tool's server whose
    approval it is."""
    items = [mapping(item) for item in _listed(raw.get("input"))]
    said = {id for item in items if (id := text(item.get("id"))) and not is_reference(item)}
    stores = raw.get("store") is not False
    for at, item in enumerate(items):
        if (asked := text(item.get("approval_request_id"))) and asked not in said:
            yield f"input[{at}].approval_request_id", asked
        if (id := text(item.get("id"))) and text(item.get("type")) and _is_looked_up(item, id, stores=stores):
            yield f"input[{at}].id", id


def _is_looked_up(item: Mapping[str, Any], id: str, *, stores: bool) -> bool:
    says = any(value for name, value in item.items() if name not in _SAYS_NOTHING)
    match item.get("type"):
        case "item_reference":
            return False  # which is told as one
        case "reasoning" if not item.get("encrypted_content") and _LOOKED_UP.fullmatch(id):
            return True
        case "reasoning":
            return stores and not says  # who stores nothing has it of an API without a store
        case "image_generation_call":
            return not item.get("result")
    return not says


def _files(raw: Mapping[str, Any]) -> Iterator[Named]:
    for at, item in enumerate(_listed(raw.get("input"))):
        for name in _LISTS:
            given = item.get(name) if isinstance(item, dict) else None
            for part in (given,) if isinstance(given, dict) else _listed(given):
                for one in (mapping(part), mapping(mapping(part).get(FILE))):
                    if file_id := text(one.get("file_id")):
                        yield Named(FILE, file_id, f"input[{at}].{name}.file_id")


def _in_tools(raw: Mapping[str, Any]) -> Iterator[Named]:
    """What tools are to work on or in."""
    for at, (_, given) in enumerate(all_tools(raw)):
        tool, where = mapping(given), f"tools[{at}]"
        if file_id := text(mapping(tool.get("input_image_mask")).get("file_id")):
            yield Named(FILE, file_id, f"{where}.input_image_mask.file_id")
        for id in filter(None, map(text, _listed(tool.get("vector_store_ids")))):
            yield Named(STORE, id, f"{where}.vector_store_ids")
        if id := text(tool.get("container")):
            yield Named(CONTAINER, id, f"{where}.container")
        for name in ("container", "environment"):
            yield from _in_place(mapping(tool.get(name)), f"{where}.{name}")


def _in_place(place: Mapping[str, Any], where: str) -> Iterator[Named]:
    """What is named of a place in which code runs."""
    if id := text(place.get("container_id")):
        yield Named(CONTAINER, id, f"{where}.container_id")
    for id in filter(None, map(text, _listed(place.get("file_ids")))):
        yield Named(FILE, id, f"{where}.file_ids")
    for skill in map(mapping, _listed(place.get("skills"))):
        if (id := text(skill.get("skill_id"))).startswith(_OWN_SKILL):
            yield Named(SKILL, id, f"{where}.skills")


def _compared(raw: Mapping[str, Any]) -> Iterator[Named]:
    """The answer that what is cached is compared with."""
    if id := text(mapping(raw.get("prompt_cache_options")).get("comparison_response_id")):
        yield Named(ANSWERS, id, "prompt_cache_options.comparison_response_id")


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
