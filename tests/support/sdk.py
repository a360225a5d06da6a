"""Asking through the real SDK in its strict mode, and what comes of a stream."""

from collections.abc import Iterator
from typing import Any

import openai


def say(client: openai.OpenAI, model: str, prompt: str, **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}], **more)


def gathered(stream: Iterator[Any]) -> tuple[str, str, str | None]:
    """Text, reasoning and finish reason of a stream."""
    text = reasoning = ""
    reason = None
    for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            reason = choice.finish_reason or reason
    return text, reasoning, reason
