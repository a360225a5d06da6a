"""The request of the legacy completions to a ParsedRequest.

An official API gets the request as it is, at its own address for it: fill-in-the-middle, lists of prompts, token lists,
suffix, echo and logprobs are its own business. A web session knows no raw prompts: there one prompt becomes the one
message of a chat. Reasoning, tool calls and citations have no place in this form and are left out of answers; a
refusal's words are text. Without `max_tokens` the answer is as long as the model makes it.
"""

from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from addons.dialects.base import ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, bad_request, model_noted, read_object, validated
from addons.dialects.chat_completions.request import to_parsed
from addons.dialects.chat_completions.schema import FRACTIONLESS, Count
from addons.errors import GatewayError
from providers.contract.requests import ChatRequest, CompletionRequest

_CANDIDATES_LIMIT: Final = 1024
_NAMED: Final = frozenset({"model", "stream"})
"""Fields with a place of their own in a CompletionRequest."""
_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "suffix": (None, ""),
    "echo": (None, False),
    "best_of": (None, 1),
    "n": (None, 1),
    "logprobs": (None,),  # 0 asks for the chosen tokens' own
    "tools": (None, []),
    "functions": (None, []),
}
"""Fields that no chat model can honour in this form, with the values that change nothing."""


class OpenCompletion(BaseModel):
    """What the gateway itself has to know."""

    model_config = ConfigDict(extra="allow")

    model: StrictStr = Field(min_length=1, max_length=256)
    prompt: StrictStr | list[Any]
    stream: StrictBool | None = None


class CompletionBody(OpenCompletion):
    """What a web session needs."""

    prompt: StrictStr | Annotated[list[StrictStr], Field(min_length=1, max_length=1)]
    max_tokens: Count | None = None
    suffix: StrictStr | None = None
    echo: StrictBool | None = None
    best_of: Count | None = None
    n: Count | None = None
    logprobs: Annotated[int, Field(strict=True, ge=0), FRACTIONLESS] | None = None


def read_completion(body: bytes, most_values: int = VALUES_LIMIT) -> Reading[ParsedRequest]:
    """The request. Raises GatewayError (400) naming the field at fault."""
    raw = yield from read_object(body, most_values)
    with model_noted(raw):
        return (yield from _parsed(raw))


def _parsed(raw: dict[str, Any]) -> Reading[ParsedRequest]:
    prompt = validated(OpenCompletion, raw).prompt
    yield
    texts = [text for text in prompt if isinstance(text, str)] if isinstance(prompt, list) else [prompt]
    rest = {name: value for name, value in raw.items() if name != "prompt" and name not in _NEUTRAL}
    rest["messages"] = [{"role": "user", "content": "\n".join(texts)}]
    parsed = yield from to_parsed(rest, lambda chat: _going_on(raw, chat))
    return replace(parsed, refusal=_refusal(raw) or parsed.refusal, said=raw)


def _going_on(raw: dict[str, Any], chat: ChatRequest) -> CompletionRequest:
    """The request, and the chat that stands for it with whoever knows no raw prompts."""
    extra = {name: value for name, value in raw.items() if name not in _NAMED}
    chat = replace(chat, n=_candidates(raw))
    return CompletionRequest(chat.model, chat, stream=chat.stream, affinity=chat.affinity, extra=extra)


def _refusal(raw: dict[str, Any]) -> GatewayError | None:
    """Why a chat cannot be made of the request."""
    try:
        validated(CompletionBody, raw)
    except GatewayError as error:
        return error
    for name, neutral in _NEUTRAL.items():
        if raw.get(name) not in neutral:
            return bad_request(
                f"{name} is not supported by /v1/completions for chat models", name, "unsupported_parameter"
            )
    return None


def _candidates(raw: dict[str, Any]) -> int:
    """How many texts are asked for: `n` for each prompt. A list of numbers is one prompt. Raises GatewayError."""
    prompt, each = raw["prompt"], raw.get("n")
    prompts = len(prompt) if isinstance(prompt, list) and not all(isinstance(token, int) for token in prompt) else 1
    wanted = prompts * (each if isinstance(each, int) and each > 0 else 1)
    if wanted > _CANDIDATES_LIMIT:
        raise bad_request(f"{wanted} texts are asked for, more than {_CANDIDATES_LIMIT}", "prompt", "too_many_values")
    return wanted
