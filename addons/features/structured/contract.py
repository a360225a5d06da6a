"""The words by which a model is asked for JSON, and asked once more. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from addons.features.structured.wanted import WantedJson
from providers.contract.chat import Message, TextPart

_REPEATED_CHARS: Final = 16_000
"""Of an answer that is held up to the model."""
_DESCRIPTION_CHARS: Final = 2000


def contract(wanted: WantedJson, mark: str, *, tools: bool) -> str:
    """The block that says what the answer has to be."""
    about = f" ({wanted.name})" if wanted.name else ""
    meant = [f"What it is for: {wanted.description[:_DESCRIPTION_CHARS]}"] if wanted.description else []
    calls = ["A call of a tool may stand in its place; then write the call alone."] if tools else []
    return "\n".join(
        (
            f"<format-{mark}>",
            "A program reads your answer to the message below. The whole answer must be one JSON value that fits the",
            f"schema{about}: nothing before it, nothing behind it, no code fence, no comment, no explanation.",
            *meant,
            *calls,
            f"schema: {wanted.told}",
            f"</format-{mark}>",
        )
    )


def placed(messages: tuple[Message, ...], block: str) -> tuple[Message, ...]:
    """The conversation with the block right before its newest words, in the user's own message where that is last."""
    if not messages or messages[-1].role != "user":
        return (*messages, Message("user", block))
    last = messages[-1]
    content = last.content
    if isinstance(content, tuple):
        return (*messages[:-1], replace(last, content=(TextPart(block), *content)))
    return (*messages[:-1], replace(last, content=f"{block}\n\n{content or ''}"))


def asked_again(said: str, why: str) -> tuple[Message, ...]:
    """What is said behind the conversation for another answer than the one that was `said`."""
    words = f"Your answer cannot be used: {why}. Answer once more, with the JSON alone, so that it fits the schema."
    asked: Sequence[Message] = (Message("user", words),)
    return (Message("assistant", said[:_REPEATED_CHARS]), *asked) if said.strip() else tuple(asked)
