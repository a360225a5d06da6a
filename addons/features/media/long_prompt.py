"""A conversation too long for its site: which of it goes as a file, and which stays. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from providers.contract.chat import AttachedPart, Message, TextPart, attached
from providers.shared.flatten import flatten


@dataclass(frozen=True, slots=True)
class Parted:
    """A conversation in two parts."""

    older: tuple[Message, ...]
    """To be a file."""
    instructions: tuple[Message, ...]
    """System messages at its beginning, which stay before everything."""
    newest: tuple[Message, ...]

    def text(self) -> bytes:
        """The file."""
        return flatten(self.older).encode("utf-8", "replace")

    def with_file(self, file: AttachedPart) -> tuple[Message, ...]:
        """The messages to send: in the place of the older ones stands where they are."""
        told = (
            f"The conversation before this message is in the attached file {file.name}. Read all of it: it belongs to "
            "what follows."
            if self.newest
            else f"Our conversation with my newest message at its end is in the attached file {file.name}. Read all of "
            "it, then answer that message."
        )
        note = Message("user", (TextPart(told), file, *attached(self.older)))
        return (*self.instructions, note, *self.newest)


def parted(messages: Sequence[Message], most_chars: int) -> Parted | None:
    """How a conversation of more than `most_chars` characters is parted; None for one that is short enough.

    Half of them may stay: the newest messages, and instructions at the beginning where these are short.
    """
    sizes = [_size(message) for message in messages]
    if sum(sizes) <= most_chars:
        return None
    first = 0
    while first < len(messages) and messages[first].role in ("system", "developer"):
        first += 1
    if sum(sizes[:first]) > most_chars // 4:
        first = 0
    room = most_chars // 2 - sum(sizes[:first])
    last = len(messages)
    while last > first and sizes[last - 1] <= room:
        last -= 1
        room -= sizes[last]
    return Parted(tuple(messages[first:last]), tuple(messages[:first]), tuple(messages[last:]))


def _size(message: Message) -> int:
    """The characters of a message, as flattened (or nearly)."""
    return len(message.text()) + sum(len(call.name) + len(call.arguments) + 20 for call in message.tool_calls) + 20
