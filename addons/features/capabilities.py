"""The check of capabilities: what a provider cannot do is refused by name; what changes nothing is ignored.

For a web session each field of the request is one of: carried by the site (`native`), seen to by a feature (its
claims) or by the client's own format, a hint that may be ignored (`HINTS`), or refused unless its value
changes nothing. Official APIs get everything. Fields that OpenAI does not have are ignored for sites.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from addons.dialects.base import ParsedRequest
from addons.errors import GatewayError
from addons.features.media.check import SEEING
from addons.features.media.feature import CLAIM as FILES
from addons.features.media.parts import holds_file
from providers.contract.chat import ImagePart, Message, OtherPart
from providers.contract.native import NativeRequest
from providers.contract.operation import Serving
from providers.contract.pictures import ImageRequest
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest

type _ChangesNothing = Callable[[Any], bool]

HINTS: Final = frozenset(
    {
        "temperature",
        "top_p",
        "seed",
        "user",
        "metadata",
        "store",
        "service_tier",
        "parallel_tool_calls",
        "prediction",
        "moderation",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "verbosity",
        "reasoning_effort",
    }
)
"""An answer given without them is still an answer to what was asked."""

OF_THE_MODEL: Final = frozenset(
    {"model", "messages", "n", "tools", "tool_choice", "response_format", "web_search_options"}
)
"""Checked with the model's abilities in view."""


ELSEWHERE: Final = "Leave it out, or use an official API for it."
OUTPUTS: Final = "those with image among output_modalities at /v1/models"

_BY_FEATURE: Final = ("none", "emulated")
"""Models whose tools, if any, are a feature's to claim."""


def _empty(value: Any) -> bool:
    return not value


def _no_bias(value: Any) -> bool:
    return not value or not any(value.values())


def _no_choice(value: Any) -> bool:
    """Whether a tool choice asks for nothing: no tool, or the model's own choice."""
    return not value or (value.get("type") if isinstance(value, Mapping) else value) in ("none", "auto")


REFUSED: Final[Mapping[str, _ChangesNothing]] = {
    "logprobs": _empty,
    "top_logprobs": _empty,
    "logit_bias": _no_bias,
    # Unlike temperature these are sent only by who wants to be rid of repetition: without them it is another answer.
    "presence_penalty": _empty,
    "frequency_penalty": _empty,
    "functions": _empty,
    "function_call": _no_choice,
    "modalities": lambda value: value in (None, [], ["text"]),
    "audio": _empty,
}
"""Fields of `ChatRequest.extra` that change the answer's meaning, and when they do not."""


PICTURE_FORMS: Final[Mapping[str, tuple[object, ...]]] = {
    "background": (None, "", "auto", "opaque"),
    "output_format": (None, "", "png"),
}
"""Fields that change the form of pictures, with the values that change nothing. All others (`quality`, `style` …) are
hints."""

_OFFERED: Final = frozenset({"web_search_options"})


def check_support(
    parsed: ParsedRequest,
    serving: Serving[ModelRequest] | None,
    provider: str,
    model: Model,
    claims: frozenset[str] = frozenset(),
) -> None:
    """Raises GatewayError (400, `param` named) when the request's form is not ours or the provider cannot carry it.

    `serving` is how the provider takes the request, `claims` are fields that features see to.
    """
    if serving is None:
        raise GatewayError(
            400,
            f"provider {provider!r} serves no {parsed.request.kind}. Ask for a model of a provider that does.",
            param="model",
        )
    request, native = serving.request, serving.operation.native
    if native is None:
        if isinstance(parsed.request, NativeRequest) and request is not parsed.request and parsed.refusal is not None:
            raise parsed.refusal  # the chat that is asked instead does not hold what the request says
        if isinstance(parsed.request, CompletionRequest) and request is not parsed.request:
            raise unsupported("prompt", provider, "this API has no /completions", "Use /v1/chat/completions.")
        if isinstance(parsed.request, ImageRequest) and request is not parsed.request:
            raise draws_nothing(model.id, provider)
        return
    if parsed.refusal is not None:
        raise parsed.refusal
    if isinstance(parsed.request, ImageRequest):
        _check_pictures(parsed.request, provider)
    if isinstance(request, ChatRequest):
        _check_chat(request, native | claims | _left_out(parsed.request), provider, model)


def _left_out(asked: ModelRequest) -> frozenset[str]:
    """What is left out where a provider has none: the search among a server's tools, of which the model is told that it
    has none (switches.py). Clients of the Responses form send it with every request, whatever they ask for; Claude Code
    asks for its search what it takes for an answer, in words."""
    return _OFFERED if isinstance(asked, NativeRequest) else frozenset()


def _check_pictures(asked: ImageRequest, provider: str) -> None:
    if asked.stream:
        raise unsupported("stream", provider, "pictures come whole")
    if asked.mask is not None:
        raise unsupported("mask", provider, "say in the prompt what is to be changed")
    for name, neutral in PICTURE_FORMS.items():
        if asked.extra.get(name) not in neutral:
            raise unsupported(name, provider, "pictures are as the site makes them")


def _check_chat(chat: ChatRequest, native: frozenset[str], provider: str, model: Model) -> None:
    for param, refused in _own_fields(chat, model):
        if refused and param not in native:
            raise unsupported(param, provider)
    for name, changes_nothing in REFUSED.items():
        if name in chat.extra and name not in native and not changes_nothing(chat.extra[name]):
            raise unsupported(name, provider)
    for index, message in enumerate(chat.messages):
        where = f"messages[{index}]"
        if model.tools in _BY_FEATURE and "tools" not in native and _holds_tools(message):
            raise unsupported(where, provider, "tool calls and tool results are not carried yet")
        _check_parts(message, where, native, provider, model)


def _own_fields(chat: ChatRequest, model: Model) -> list[tuple[str, bool]]:
    kind = (chat.response_format or {}).get("type", "text")
    has_tools = model.tools not in _BY_FEATURE
    return [
        ("n", chat.n > 1),
        ("tools", bool(chat.tools) and chat.tool_choice != "none" and not has_tools),
        ("tool_choice", not _no_choice(chat.tool_choice) and not has_tools),
        ("response_format", kind != "text"),
        ("web_search_options", chat.search is True and model.search is False),
    ]


def _holds_tools(message: Message) -> bool:
    return bool(
        message.tool_calls or message.role in ("tool", "function") or message.extra.get("function_call") is not None
    )


def _check_parts(message: Message, where: str, native: frozenset[str], provider: str, model: Model) -> None:
    if message.extra.get("audio") is not None and "audio" not in native:
        raise unsupported(f"{where}.audio", provider, "spoken answers are not carried")
    for at, part in enumerate(message.content if isinstance(message.content, tuple) else ()):
        place = f"{where}.content[{at}]"
        if FILES in native and holds_file(part):
            continue
        if isinstance(part, ImagePart) and not ("images" in native and model.vision is not False):
            raise unsupported(place, provider, "pictures are not carried to this model", SEEING)
        if isinstance(part, OtherPart):
            raise unsupported(place, provider, f"a part of type {part.kind[:40]!r} is not carried")


def unsupported(param: str, provider: str, why: str = "", instead: str = ELSEWHERE) -> GatewayError:
    """The refusal of what a provider cannot do; `instead` says what to do."""
    reason = f" ({why})" if why else ""
    message = f"{param} is not supported by provider {provider!r}{reason}. {instead}"
    return GatewayError(400, message, param=param, code="unsupported_parameter")


def draws_nothing(model: str, provider: str) -> GatewayError:
    """The refusal of pictures that are asked of a model that makes none."""
    message = f"{model} of provider {provider!r} makes no pictures. Ask a model that does: {OUTPUTS}."
    return GatewayError(400, message, param="model", code="unsupported_parameter")
