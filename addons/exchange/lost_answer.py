"""An answer whose stream was lost before its end: what had come of it, and the rest of what its site has kept. Pure."""

from collections.abc import Sequence

from providers.contract.events import Citation, Event, Finish, Image, Reasoning, Text, Withdrawn


class CameSoFar:
    """The words of an answer, as they came from its provider's decoder."""

    __slots__ = ("_others", "_reasoning", "_text")

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._others: list[Event] = []

    def add(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Text):
                self._text.append(event.text)
            elif isinstance(event, Reasoning):
                self._reasoning.append(event.text)
            elif isinstance(event, Image | Citation):
                self._others.append(event)
            elif isinstance(event, Withdrawn):
                self._text, self._reasoning, self._others = [], [], []

    def rest(self, whole: Sequence[Event]) -> list[Event] | None:
        """What of the `whole` answer has not come; None where what has come is not its beginning.

        A site need not keep its model's thinking. What of that has not come is given while no text has.
        """
        text, reasoning = _joined(whole, Text), _joined(whole, Reasoning)
        had_text, had_reasoning = "".join(self._text), "".join(self._reasoning)
        known = not reasoning or reasoning.startswith(had_reasoning)
        if not text.startswith(had_text) or not known or not isinstance(whole[-1], Finish):
            return None
        found: list[Event] = []
        if not had_text and (more := reasoning[len(had_reasoning) :]):
            found.append(Reasoning(more))
        if more := text[len(had_text) :]:
            found.append(Text(more))
        return [*found, *(event for event in whole if not isinstance(event, Text | Reasoning) and self._is_new(event))]

    def _is_new(self, event: Event) -> bool:
        return event not in self._others


def _joined(events: Sequence[Event], kind: type[Text] | type[Reasoning]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))
