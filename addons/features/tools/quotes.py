"""What stands in a request already: a text that a model only repeats is no call of its own. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from providers.contract.chat import Message

SEARCHED_CHARS: Final = 64 * 1024 * 1024
"""Read for one answer; a question beyond it is answered with yes, which makes no call."""


class Quotes:
    """Asked with a text, says whether it stands in one of the messages, or in what else the request says. Bounded,
    however often it is asked.

    Blanks and escapes do not count: a page that a tool has fetched stands in its result as a string of JSON, and a
    model that repeats what it says writes it without the escapes.
    """

    def __init__(self, messages: Sequence[Message], others: Iterable[str] = ()) -> None:
        self._said: list[str] | None = [text for message in messages if (text := message.text())]
        self._said += others
        self._texts: list[str] = []
        self._length = sum(map(len, self._said))
        self._left = SEARCHED_CHARS

    def __call__(self, text: str) -> bool:
        if self._said is not None:  # most answers never ask
            self._texts, self._said = [_plain(said) for said in self._said], None
        self._left -= self._length
        wanted = _plain(text)
        return self._left < 0 or any(wanted in said for said in self._texts)


def _plain(text: str) -> str:
    """A text without blanks, back-slashes and the blanks that these stand for."""
    if "\\" in text:
        text = text.replace("\\n", "").replace("\\r", "").replace("\\t", "").replace("\\", "")
    return "".join(text.split())
