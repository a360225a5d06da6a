"""Answers that are held back until their first call is whole and valid: where a call was asked for, or a strict one.

One that is not gets one repair round at the same account; what is said there names what was wrong.
"""

from collections.abc import Sequence
from typing import Final

from addons.features.feature import Flaw
from addons.features.tools.json_scan import JsonScan
from addons.features.tools.toolbox import Toolbox
from providers.contract.chat import Message, ToolCall
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Finish, Text, ToolCallDelta
from providers.formats.jsontext import INVALID, loads

_CUT: Final = ("length", "content_filter")
_QUOTED_CHARS: Final = 4000
"""Of an answer that is asked for anew: so much of it is said back."""


def is_held(toolbox: Toolbox) -> bool:
    """Whether an answer is worth nothing without a valid call, or a call without being valid."""
    return toolbox.choice != "auto" or any(tool.strict for tool in toolbox.tools)


class FirstCall:
    """The Check of such an answer, and an EventFilter that sees its calls as the reader gave them."""

    done = ended = False

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox
        self._name: str | None = None
        self._arguments: list[str] = []
        self._said: list[str] = []
        self._scan = JsonScan()
        self._whole = False
        """Nothing more belongs to the first call, or the answer has ended without one."""
        self._cut = False
        """The answer was ended by a limit: another would be as long."""
        self._passes: bool | None = None
        """None until that is so."""

    # -- the filter -----------------------------------------------------------------------------------------------
    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events as they are."""
        for event in events:
            if self._whole:
                break
            if isinstance(event, ToolCallDelta) and event.index == 0:
                self._name = self._name or event.name
                self._arguments.append(event.arguments)
                self._scan.feed(event.arguments, 0, len(event.arguments))
                self._whole = self._scan.over
            elif isinstance(event, Finish):
                self._whole, self._cut = True, event.reason in _CUT
            elif isinstance(event, Text):
                self._said.append(event.text)
        return list(events)

    # -- the check ------------------------------------------------------------------------------------------------
    def passes(self, events: Sequence[Event]) -> bool:
        """Whether the first call is whole and valid."""
        if self._passes is None and self._whole and self._name is not None:
            self._passes = self._fault() is None
        return bool(self._passes)

    def flaw(self, events: Sequence[Event]) -> Flaw | None:
        """The flaw of a whole answer; None for words alone where no call was asked for, and where a limit cut it."""
        if self._cut:
            return None
        if self._name is None:
            if self._toolbox.choice == "auto":
                return None
            return self._flaw("wrote no call", f"Your answer had no call in it. {self._demand()}")
        fault = self._fault()
        if fault is None:
            return None
        told = f"Your call of {self._told(self._name)} cannot be run: {fault}. Write the whole call anew, corrected."
        return self._flaw(f"wrote a call of {self._name} that does not fit: {fault}", told)

    def _fault(self) -> str | None:
        """What is wrong with the first call."""
        toolbox, name = self._toolbox, self._name or ""
        tool = toolbox.find(name)
        if tool is None:
            return f"there is no tool {name!r}"
        if toolbox.choice not in ("auto", "required", tool.name):
            return f"{self._told(toolbox.choice)} is to be called, not {self._told(name)}"
        value = loads("".join(self._arguments).encode("utf-8", "surrogatepass"))
        return "its arguments are no JSON" if value is INVALID else toolbox.flaw(tool, value)

    def _told(self, name: str) -> str:
        tool = self._toolbox.find(name)
        return name if tool is None else tool.told

    def _demand(self) -> str:
        choice = self._toolbox.choice
        if choice in ("auto", "required"):
            return "Call one of the tools now: write the block, nothing before it."
        return f"Call {self._told(choice)} now: write the block, nothing before it."

    def _flaw(self, what: str, told: str) -> Flaw:
        message = (
            f"the model {what}, and did no better when it was asked once more. This is the model's fault: try again, "
            "give it simpler tools, leave tool_choice at auto, or use another model."
        )
        error = ProviderError(ErrorKind.PROVIDER_DOWN, message, site_code="tool_call_missing", advised=True)
        return Flaw((*self._answer(), Message("user", told)), error)

    def _answer(self) -> tuple[Message, ...]:
        """What it said, as the model is shown it; nothing where it said nothing."""
        said, written = "".join(self._said)[:_QUOTED_CHARS], "".join(self._arguments)[:_QUOTED_CHARS]
        calls = () if self._name is None else (ToolCall("call_0", self._name, written),)
        return (Message("assistant", said, tool_calls=calls),) if said or calls else ()
