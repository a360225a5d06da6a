"""The older form of calls, `function_call`: one call a message, without an id. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from providers.contract.events import Event, Finish, Passthrough, ToolCallDelta


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
