"""The files of an official API that the messages of a chat name by their ids. Pure."""

from collections.abc import Sequence
from typing import Final

from addons.dialects.base import Named
from providers.contract.chat import Message, OtherPart

FILE: Final = "file"


def named_files(messages: Sequence[Message]) -> tuple[Named, ...]:
    """Each file that a part names and does not bring along, with the field that names it."""
    found: list[Named] = []
    for index, message in enumerate(messages):
        for at, part in enumerate(message.content) if isinstance(message.content, tuple) else ():
            if not isinstance(part, OtherPart) or part.kind != FILE:
                continue
            held = part.data.get(FILE)
            if isinstance(held, dict) and isinstance(held.get("file_id"), str) and not held.get("file_data"):
                found.append(Named(FILE, held["file_id"], f"messages[{index}].content[{at}].file.file_id"))
    return tuple(found)
