"""Sending reasoning back: clients send the `reasoning_content` they were given with the answers before.

The gateway tells every API's reasoning under that one name; the API gets it under its own, or not at all where it takes
none. What the client says under another name is its own affair and is passed on.
"""

from typing import Any

from providers.openai.form import Form, ReasoningField
from providers.openai.learnt import Learnt


def reasoning_name(model: str, form: Form, learnt: Learnt) -> ReasoningField:
    """The name under which reasoning goes back to the API."""
    name = form.reasoning_field
    if name == "learn":
        learn_reasoning_name = learnt.reasoning.get(model, "reasoning_content")
        name = (
            "reasoning"
            if learn_reasoning_name == "reasoning"
            else "thinking"
            if learn_reasoning_name == "thinking"
            else "reasoning_content"
        )
    return "drop" if name in learnt.refused_by(model) else name


def with_reasoning(message: dict[str, Any], name: ReasoningField) -> dict[str, Any]:
    """The wire message with its reasoning under the API's name."""
    if name == "reasoning_content" or "reasoning_content" not in message or message.get("role") != "assistant":
        return message
    rest = dict(message)
    reasoning = rest.pop("reasoning_content")
    if not isinstance(reasoning, str) or not reasoning:
        return rest
    match name:
        case "reasoning":
            rest.setdefault("reasoning", reasoning)
        case "thinking":
            rest["content"] = [_thinking(reasoning), *_parts(rest.get("content"))]
        case "tags":
            rest["content"] = _tagged(reasoning, rest.get("content"))
        case _:
            pass
    return rest


def _thinking(reasoning: str) -> dict[str, Any]:
    """Mistral's part for it."""
    return {"type": "thinking", "thinking": [{"type": "text", "text": reasoning}]}


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _tagged(reasoning: str, content: Any) -> Any:
    """The tag in front of the text, where MiniMax's models want to see it again."""
    tag = f"<think>\n{reasoning}\n</think>\n\n"
    return [{"type": "text", "text": tag}, *content] if isinstance(content, list) else tag + (content or "")
