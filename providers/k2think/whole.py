"""Reader of K2Think's whole answer: one completion object of the OpenAI form, given out in pieces."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, FinishReason, Reasoning, Text, Usage
from providers.formats.json_tally import holds_more
from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, loads_glued, mapping, text, whole
from providers.k2think.errors import json_error, refusal
from providers.k2think.text import K2Text

PIECE_CHARS: Final = 400
PIECES_LIMIT: Final = 2000
"""A long answer comes in longer pieces."""
_MOST: Final = 2**53
"""Beyond it a number is no count, and no JSON reader agrees on it."""
_OPENING_TAG: Final = re.compile(r"\s*<think(?:\s[^>]{0,250})?>\s*")
_REASONS: Final[Mapping[str, FinishReason]] = {"length": "length", "content_filter": "content_filter"}


def read_body(body: bytes) -> list[Event]:
    """The events of a whole body (no byte order mark), its terminal included. Never raises."""
    if holds_more(body, EVENT_VALUES):
        words = f"K2Think's answer holds more than {EVENT_VALUES} values; it is not read."
        return [Failure(ProviderError(ErrorKind.PROVIDER_DOWN, words))]
    value = loads(body, EVENT_VALUES)
    if value is not INVALID:
        return read_completion(mapping(value))
    if body.lstrip().startswith(b"<"):
        return [Failure(refusal(200, {}, body))]
    first = mapping(next(iter(loads_glued(body)[0]), None))
    if isinstance(first.get("choices"), list):  # what follows the answer is none of it
        return read_completion(first)
    return [Failure(ProviderError(ErrorKind.INCOMPLETE, "K2Think's answer is no complete JSON: it was cut off."))]


def read_completion(completion: Mapping[str, Any]) -> list[Event]:
    """The events of a completion object; a refusal or an empty answer is a Failure."""
    choices = completion.get("choices")
    choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    message = mapping(choice.get("message"))
    if not message:
        return [Failure(json_error(completion))]
    reason = finish_reason(choice) or "stop"
    apart = text(message.get("reasoning_content")).strip()
    thought, answer = split(content_of(message), complete=reason != "length" or bool(apart))
    thought = apart or thought
    if not answer.strip() and reason == "stop":
        thinking: list[Event] = [Reasoning(piece) for piece in _pieces(thought)]
        return [*thinking, Failure(empty_answer(thought=bool(thought)), bool(thought))]
    out: list[Event] = [Reasoning(piece) for piece in _pieces(thought)]
    out += [Text(piece) for piece in _pieces(answer)]
    if usage := read_usage(completion.get("usage")):
        out.append(usage)
    return [*out, Finish(reason)]


def split(content: str, *, complete: bool) -> tuple[str, str]:
    """The (reasoning, answer) of a whole text.

    Without `</think>` it is all answer, an opening tag notwithstanding; cut off before that tag, all reasoning.
    """
    if complete and "</think>" not in content:
        opening = _OPENING_TAG.match(content)
        content = content[opening.end() :] if opening else content
    parts = K2Text()
    thought, answer = parts.add(content)
    more_thought, more_answer = parts.close(complete=complete)
    return thought + more_thought, answer + more_answer


def content_of(message: Mapping[str, Any]) -> str:
    """A message's text: a string, or the text parts of a list."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(text(mapping(part).get("text")) for part in content)
    return text(content)


def finish_reason(choice: Mapping[str, Any]) -> FinishReason | None:
    """The reason why a choice ended; None while it goes on."""
    reason = text(choice.get("finish_reason"))
    return _REASONS.get(reason, "stop") if reason else None


def empty_answer(*, thought: bool) -> ProviderError:
    """The error of an end without a word of an answer; `thought`: the model has thought before."""
    what = "thought, then answered nothing" if thought else "answered with nothing at all"
    return ProviderError(ErrorKind.PROVIDER_DOWN, f"K2Think {what}, which is a fault on its side. Try again.")


def read_usage(value: Any) -> Usage | None:
    """Token counts of the OpenAI form; None where there are none."""
    usage = mapping(value)
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if prompt is None or completion is None:
        return None
    total = _count(usage, "total_tokens")
    details = mapping(usage.get("completion_tokens_details"))
    cached = mapping(usage.get("prompt_tokens_details"))
    return Usage(
        prompt,
        completion,
        prompt + completion if total is None else total,
        reasoning_tokens=_count(details, "reasoning_tokens"),
        cached_tokens=_count(cached, "cached_tokens"),
    )


def _count(counts: Mapping[str, Any], name: str) -> int | None:
    found = whole(counts.get(name))
    return found if found is not None and 0 <= found <= _MOST else None


def _pieces(words: str) -> list[str]:
    size = max(PIECE_CHARS, len(words) // PIECES_LIMIT + 1)
    return [words[at : at + size] for at in range(0, len(words), size)]
