"""Threads: chats at a site that a conversation goes on in, one turn at a time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thread:
    """A place in a chat at a site, behind an answer. Its provider alone knows what the values mean."""

    chat_id: str
    parent_id: str
    """The answer behind which the next turn stands."""
    kind: str = ""
    """What the chat was made for, where a site has chats of several kinds."""
