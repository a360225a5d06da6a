"""Pictures that tools gave, in a chat's form: no message of a tool may hold one, so the user shows them behind."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from providers.contract.chat import Message, Part, TextPart

_SHOWN: Final = "(shown below)"
_WHOSE: Final = "What the tools above gave besides words:"


def shown_behind(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages, parts of results that are no words in a message of the user's behind the row of results.

    Messages that came in this form are left as they came: what an API takes there is its own business.
    """
    return tuple(_moved(messages)) if any(map(_holds_more, messages)) else messages


def _holds_more(message: Message) -> bool:
    return (
        message.role == "tool"
        and message.raw is None
        and isinstance(message.content, tuple)
        and any(not isinstance(part, TextPart) for part in message.content)
    )


def _moved(messages: Sequence[Message]) -> Iterator[Message]:
    waiting: list[Part] = []
    for message in messages:
        if message.role != "tool" and waiting:
            yield Message("user", (TextPart(_WHOSE), *waiting))
            waiting = []
        if _holds_more(message):
            assert isinstance(message.content, tuple)
            waiting += (part for part in message.content if not isinstance(part, TextPart))
            message = replace(message, content=message.text() or _SHOWN)
        yield message
    if waiting:
        yield Message("user", (TextPart(_WHOSE), *waiting))
