"""What a request names of what lies at an API of this form: files, containers, skills. Pure.

Such an API would give what belongs to whoever has the account. Each id that it could look up is named, so that a client
key reaches its own alone. What an answer of the model's says of its own files is no name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from addons.dialects.base import Named
from providers.formats.jsontext import mapping, text

FILE: Final = "file"
CONTAINER: Final = "container"
SKILL: Final = "skill"
_RUNS_CODE: Final = "code_execution"
_DEPTH: Final = 4
"""Lists of blocks in each other: a turn, a tool's result, a document, its blocks."""


def named_in(raw: Mapping[str, Any]) -> tuple[Named, ...]:
    """Each id with the field that names it."""
    turns = _listed(raw.get("messages"))
    in_turns = (
        one for at, turn in enumerate(turns) for one in _in_blocks(turn.get("content"), f"messages[{at}].content")
    )
    return (*in_turns, *_of_container(raw.get("container")))


def makes_things(raw: Mapping[str, Any]) -> bool:
    """Whether the answer may name what the API has made for it, a container or files in that."""
    tools = _listed(raw.get("tools"))
    return bool(raw.get("container")) or any(text(tool.get("type")).startswith(_RUNS_CODE) for tool in tools)


def _in_blocks(content: object, where: str, depth: int = _DEPTH) -> Iterator[Named]:
    for at, block in enumerate(_listed(content)):
        place, source = f"{where}[{at}]", mapping(block.get("source"))
        if id := text(source.get("file_id")):
            yield Named(FILE, id, f"{place}.source.file_id")
        if block.get("type") == "container_upload" and (id := text(block.get("file_id"))):
            yield Named(FILE, id, f"{place}.file_id")
        if depth:
            yield from _in_blocks(block.get("content"), f"{place}.content", depth - 1)
            yield from _in_blocks(source.get("content"), f"{place}.source.content", depth - 1)


def _of_container(given: object) -> Iterator[Named]:
    """The container that goes on, and the skills of the account's own in it. Anthropic's are everybody's."""
    if isinstance(given, str) and given:
        yield Named(CONTAINER, given, CONTAINER)
    told = mapping(given)
    if id := text(told.get("id")):
        yield Named(CONTAINER, id, "container.id")
    for at, skill in enumerate(_listed(told.get("skills"))):
        if skill.get("type") != "anthropic" and (id := text(skill.get("skill_id"))):
            yield Named(SKILL, id, f"container.skills[{at}].skill_id")


def _listed(value: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else ()
