"""The other forms of a call: the older `function_call`, one a message and without an id; a custom tool's text. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from addons.features.tools.given import INPUT
from providers.contract.events import Event, Failure, Finish, Passthrough, ToolCallDelta
from providers.formats.jsontext import loads, mapping


class AsFunctionCall:
    """An EventFilter: the first tool call of an answer becomes the field that a client of `functions` reads, whole.

    Other calls have no place in that form; the model was told to write one.
    """

    done = ended = False

    def __init__(self) -> None:
        self._name: str | None = None
        self._arguments: list[str] = []

    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events as the client may have them."""
        out: list[Event] = []
        for event in events:
            if isinstance(event, ToolCallDelta):
                if event.index == 0:
                    self._name = self._name or event.name
                    self._arguments.append(event.arguments)
            elif isinstance(event, Finish) and self._name is not None:
                call = {"name": self._name, "arguments": "".join(self._arguments)}
                out.append(Passthrough("delta", {"function_call": call}))
                out.append(replace(event, reason="function_call") if event.reason == "tool_calls" else event)
            else:
                out.append(event)
        return out


class AsCustomCalls:
    """An EventFilter: calls of custom tools get the text that the model wrote as their one argument, whole."""

    done = ended = False

    def __init__(self, customs: frozenset[str]) -> None:
        self._customs = customs
        self._call: ToolCallDelta | None = None
        """The head of the custom call that is being written."""
        self._arguments: list[str] = []

    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events as the client may have them."""
        out: list[Event] = []
        for event in events:
            if isinstance(event, ToolCallDelta):
                if event.name is not None:
                    self._end(out)
                    self._call = event if event.name in self._customs else None
                if self._call is not None:
                    self._arguments.append(event.arguments)
                    continue
            elif isinstance(event, Finish | Failure):
                self._end(out)
            out.append(event)
        return out

    def _end(self, out: list[Event]) -> None:
        call, self._call = self._call, None
        if call is None:
            return
        written = "".join(self._arguments)
        self._arguments.clear()
        said = mapping(loads(written.encode("utf-8", "surrogatepass"))).get(INPUT, written)
        custom = {"name": call.name, "input": said if isinstance(said, str) else written}
        out.append(replace(call, arguments="", extra={"type": "custom", "custom": custom}))
