"""Calls that a site gives as calls, in its model's native form: those of the client's tools are its calls. Pure."""

from collections import Counter
from collections.abc import Sequence

from addons.features.tools.contract import call_block
from addons.features.tools.toolbox import Toolbox
from providers.contract.events import Event, Failure, Finish, Text, ToolCallDelta
from providers.formats.jsontext import INVALID, loads

UNKNOWN_CALL = "a call of a tool that was not given"


class SiteCalls:
    """An EventFilter: each becomes the block that the model was asked to write, for the reader behind to judge.

    A call of any other tool is one of the site's own and is left out.
    """

    done = ended = False

    def __init__(self, toolbox: Toolbox, mark: str) -> None:
        self.unknown: Counter[str] = Counter()
        self._toolbox, self._mark = toolbox, mark
        self._calls: dict[int, tuple[str, list[str]]] = {}
        """Name and arguments of each, as they come."""

    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events, each call as text when the answer ends."""
        out: list[Event] = []
        for event in events:
            if isinstance(event, ToolCallDelta):
                call = self._calls.setdefault(event.index, (event.name or "", []))
                call[1].append(event.arguments)
                continue
            if isinstance(event, Finish | Failure):
                self._end(out)
            out.append(event)
        return out

    def _end(self, out: list[Event]) -> None:
        calls, self._calls = self._calls, {}
        for name, pieces in calls.values():
            if self._toolbox.find(name) is None:
                self.unknown[UNKNOWN_CALL] += 1
                continue
            written = "".join(pieces)
            value = loads(written.encode("utf-8", "surrogatepass")) if written.strip() else {}
            arguments = written if value is INVALID else value
            out.append(Text(call_block({"name": name, "arguments": arguments}, self._mark)))
