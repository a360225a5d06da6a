"""Flattening a conversation into one text, for sites that take exactly one user message.

A conversation that is one user message is sent as it is. Otherwise each turn becomes a labelled block; the last block
is the turn to answer. Labels in the client's own text cannot be mistaken for turns of ours: the reader is a model, and
the last user text stands unchanged at the end, which is also where people's instructions count most.
"""

from collections.abc import Sequence

from providers.contract.chat import Message

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
    if len(messages) == 1 and messages[0].role == "user":
        return messages[0].text()
    blocks = [_block(message) for message in messages]
    if messages and messages[-1].role == "assistant":
        blocks.append("[User]\nContinue.")
    return "\n\n".join(block for block in blocks if block)


def _block(message: Message) -> str:
    label = _LABELS[message.role]
    if message.name:
        label += f" {message.name}"
    lines = [message.text()]
    lines += [f"(called {call.name} with {call.arguments})" for call in message.tool_calls]
    body = "\n".join(line for line in lines if line)
    return f"[{label}]\n{body}" if body else ""
