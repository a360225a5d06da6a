"""The judge of what a model wrote: whether it is a call of a tool that was given, with arguments that fit. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from addons.features.broken_json import Mender
from addons.features.tools.arguments import NOT_READ, arguments_of, coerced
from addons.features.tools.toolbox import Tool, Toolbox
from providers.formats.jsontext import dumps

NEAR_NAME: Final = "a tool's name that is only nearly right"
"""The kind of drift that is counted for a call of a near name. The name itself is the client's."""
JUDGED_LIMIT: Final = 1000
"""Of one answer. Each costs a look at a schema and at the request, and a hostile answer holds a hundred thousand."""


class Said(NamedTuple):
    """A call as a model said it: `arguments` are an object, JSON text, or values as text by name."""

    name: str
    arguments: Any
    words: str = ""
    """What was said with it, in the same object: text of the answer."""


class JudgedCall(NamedTuple):
    """A call that counts; `arguments` is the JSON text of an object."""

    tool: Tool
    arguments: str


class Judge:
    """Judges the calls of one answer. `quoted` says whether a text stands verbatim in the request."""

    def __init__(self, toolbox: Toolbox, quoted: Callable[[str], bool]) -> None:
        self.toolbox, self._quoted = toolbox, quoted
        self.unknown: Counter[str] = Counter()
        self.read_json = Mender().read
        self._left = JUDGED_LIMIT

    @property
    def is_spent(self) -> bool:
        """Nothing more is judged: what follows in the answer is text."""
        return self._left <= 0

    def tool(self, name: str) -> Tool | None:
        """The tool that a name means, exactly or as the only one near."""
        return self.toolbox.find(name) or self.toolbox.near(name)

    def looks(self) -> bool:
        """Notes that a call is looked at; False where it is one too many."""
        self._left -= 1
        return self._left >= 0

    def counts(self, tool: Tool, name: str) -> None:
        """Notes that a call was taken: how its tool was named."""
        if self.toolbox.find(name) is None:
            self.unknown[NEAR_NAME] += 1

    def marked(self, said: Said) -> JudgedCall | None:
        """A call that bears the request's mark: its tool must be known, and its arguments be readable."""
        tool = self.tool(said.name) if self.looks() else None
        if tool is None:
            return None
        found = self._fitted(tool, said)
        if found is None:
            return None
        self.counts(tool, said.name)
        return JudgedCall(tool, dumps(found).decode())

    def unmarked(self, said: Said, source: str) -> JudgedCall | None:
        """A call in any other form; `source` is its text. Its arguments must fit, and nobody have written it before."""
        tool = self.tool(said.name) if self.looks() else None
        if tool is None:
            return None
        found = self._fitted(tool, said)
        if found is None or not self.toolbox.fits(tool, found) or self._quoted(source.strip()):
            return None
        self.counts(tool, said.name)
        return JudgedCall(tool, dumps(found).decode())

    def _fitted(self, tool: Tool, said: Said) -> Mapping[str, Any] | None:
        found = arguments_of(said.arguments, self.read_json)
        if found is NOT_READ:
            return None
        fitted: Mapping[str, Any] = coerced(found, tool.parameters, self.read_json)
        return fitted
