"""What stands in a request already: a text that a model only repeats is no call of its own. Pure."""

from collections.abc import Sequence
from typing import Final

from providers.contract.chat import Message

SEARCHED_CHARS: Final = 64 * 1024 * 1024
"""Read for one answer; a question beyond it is answered with yes, which makes no call."""


class Quotes:
    """Asked with a text, says whether it stands in one of the messages. Bounded, however often it is asked."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._texts = [text for message in messages if (text := message.text())]
        self._length = sum(map(len, self._texts))
        self._left = SEARCHED_CHARS

    def __call__(self, text: str) -> bool:
        self._left -= self._length
        return self._left < 0 or any(text in said for said in self._texts)
