"""Flattening a conversation into one text, for sites that take exactly one user message.

A conversation that is one user message is sent as it is. Otherwise each turn becomes a labelled block; the last block
is the turn to answer. Labels in the client's own text cannot be mistaken for turns of ours: the reader is a model, and
the last user text stands unchanged at the end, which is also where people's instructions count most. Files go beside
the text: where there could be doubt, their names in it say what belongs where.
"""

from collections.abc import Sequence

from providers.contract.chat import AttachedPart, Message, TextPart, attached

_LABELS = {
    "system": "System",
    "developer": "System",
    "user": "User",
    "assistant": "Assistant",
    "tool": "Tool result",
    "function": "Tool result",
}


def flatten(messages: Sequence[Message]) -> str:
    """The conversation as one text: `[Label]` blocks parted by blank lines, or the bare text of a lone user turn."""
    lone = len(messages) == 1 and messages[0].role == "user"
    if lone and len(attached(messages)) <= 1:
        return messages[0].text()
    if lone:
        return _words(messages[0])
    blocks = [_block(message) for message in messages]
    if messages and messages[-1].role == "assistant":
        blocks.append("[User]\nContinue.")
    return "\n\n".join(block for block in blocks if block)


def _block(message: Message) -> str:
    label = _LABELS[message.role]
    if message.name:
        label += f" {message.name}"
    lines = [_words(message)]
    lines += [f"(called {call.name} with {call.arguments})" for call in message.tool_calls]
    body = "\n".join(line for line in lines if line)
    return f"[{label}]\n{body}" if body else ""


def _words(message: Message) -> str:
    """The text of a message, with the names of its files where they stand."""
    parts = message.content
    if not isinstance(parts, tuple) or not any(isinstance(part, AttachedPart) for part in parts):
        return message.text()
    words = (
        part.text if isinstance(part, TextPart) else f"({part.kind}: {part.name})"
        for part in parts
        if isinstance(part, TextPart | AttachedPart)
    )
    return "\n".join(words)
