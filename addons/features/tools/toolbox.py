"""The tools a client gives with a request: found by name, bounded, their schemas compiled when first asked. Pure."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from addons.features.json_schemas import BadSchema, JsonSchema
from providers.formats.jsontext import dumps

TOOLS_LIMIT: Final = 512
"""Coding agents with many servers of tools send some 200."""
SCHEMAS_BYTES: Final = 2 * 1024 * 1024
"""Of all schemas together."""
NAME_CHARS: Final = 128
"""Of a name that is told to a model or looked for in its words."""
NEAR_RATIO: Final = 0.72
NEAR_DISTANCE: Final = 0.08
"""So much better than the next must the nearest name be."""
_NEAR_LIMIT: Final = 32
"""Names of one answer that are looked for among the near ones: each costs a comparison with every tool."""
_NEAR_COST: Final = 4_000_000
"""Of these comparisons together, in characters times characters: some 0.1 seconds."""
_JOINTS: Final = re.compile(r"[-. :]")


class BadToolbox(ValueError):
    """Tools that are too many or too large; the message says why, in words for the client."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as the client gives it. `alias` is what the model is told instead of its name."""

    name: str
    alias: str | None
    description: str
    parameters: Mapping[str, Any]
    """The JSON schema of its arguments; an empty one takes any object."""
    strict: bool = False

    @property
    def told(self) -> str:
        """The name that the model is told."""
        return self.alias or self.name


class Toolbox:
    """The tools of a request, `choice` ("auto", "required", "none" or a tool's name), whether several may be called.

    Raises BadToolbox.
    """

    def __init__(self, tools: Sequence[Tool], choice: str = "auto", parallel: bool = True) -> None:
        if len(tools) > TOOLS_LIMIT:
            raise BadToolbox(f"{len(tools)} tools are more than the {TOOLS_LIMIT} that can be told to a model")
        if sum(len(dumps(tool.parameters)) for tool in tools) > SCHEMAS_BYTES:
            raise BadToolbox(f"the schemas of the tools are larger than {SCHEMAS_BYTES // 1024} KB together")
        if long := next((tool.name for tool in tools if len(tool.told) > NAME_CHARS), None):
            raise BadToolbox(f"the name {long[:40]!r}… is longer than {NAME_CHARS} characters")
        self.tools, self.choice, self.parallel = tuple(tools), choice, parallel
        self._by_name = {tool.name: tool for tool in tools} | {tool.told: tool for tool in tools}
        self.beginnings = frozenset(name[:length] for name in self._by_name for length in range(1, len(name) + 1))
        """Whatever a name or an alias may begin with, itself too."""
        self._schemas: dict[str, JsonSchema | BadSchema] = {}
        self._near: dict[str, Tool | None] = {}
        self._near_room = _NEAR_COST

    def find(self, name: str) -> Tool | None:
        """The tool of exactly this name or alias."""
        return self._by_name.get(name)

    def near(self, name: str) -> Tool | None:
        """The one tool whose name is nearly this; None where there is none or it could be two."""
        if name not in self._near:
            if len(name) > NAME_CHARS or len(self._near) >= _NEAR_LIMIT:
                return None
            self._near_room -= len(name) * sum(map(len, self._by_name))
            if self._near_room < 0:
                return None
            self._near[name] = self._nearest(name)
        return self._near[name]

    def names(self) -> frozenset[str]:
        """All names and aliases."""
        return frozenset(self._by_name)

    def flaw(self, tool: Tool, arguments: Any) -> str | None:
        """What keeps arguments from fitting the tool's schema, as a sentence; None where they fit."""
        schema = self._schema(tool)
        if isinstance(schema, BadSchema):
            return f"the schema of {tool.name} {schema}"
        return schema.flaw(arguments)

    def fits(self, tool: Tool, arguments: Any) -> bool:
        schema = self._schema(tool)
        return not isinstance(schema, BadSchema) and schema.fits(arguments)

    def _schema(self, tool: Tool) -> JsonSchema | BadSchema:
        found = self._schemas.get(tool.name)
        if found is None:
            try:
                found = JsonSchema(tool.parameters)
            except BadSchema as bad:
                found = bad
            self._schemas[tool.name] = found
        return found

    def _nearest(self, name: str) -> Tool | None:
        small = _plain(name)
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(small)
        ratios: dict[str, float] = {}
        for known, tool in self._by_name.items():
            matcher.set_seq1(_plain(known))
            least = max(NEAR_RATIO - NEAR_DISTANCE, ratios.get(tool.name, 0.0))
            if matcher.real_quick_ratio() >= least and matcher.quick_ratio() >= least:
                ratios[tool.name] = max(ratios.get(tool.name, 0.0), matcher.ratio())
        best = sorted(ratios, key=ratios.__getitem__, reverse=True)[:2]
        if not best or ratios[best[0]] < NEAR_RATIO:
            return None
        if len(best) > 1 and ratios[best[0]] - ratios[best[1]] < NEAR_DISTANCE:
            return None
        return self._by_name[best[0]]


def _plain(name: str) -> str:
    """A name without what models change freely: case and joints."""
    return _JOINTS.sub("_", name.casefold())
