"""What a provider cannot do is refused by name; what changes nothing is ignored.

For a web session each field of the request is one of: carried by the site (`native`), kept by the gateway itself
(`stop`, `max_tokens`), a hint (ignored), or refused unless its value changes nothing. Official APIs get everything.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from addons.core.errors import GatewayError
from addons.dialects.base import ParsedRequest
from providers.chat import ChatRequest, ImagePart, OtherPart
from providers.contract import Model

type _ChangesNothing = Callable[[Any], bool]


def _empty(value: Any) -> bool:
    return not value


_REFUSED: Final[Mapping[str, _ChangesNothing]] = {
    "logprobs": _empty,
    "top_logprobs": _empty,
    "logit_bias": _empty,
    "presence_penalty": _empty,
    "frequency_penalty": _empty,
    "functions": _empty,
    "function_call": lambda value: value in (None, "none", "auto"),
    "modalities": lambda value: value in (None, [], ["text"]),
    "audio": lambda value: value is None,
}
"""Fields of `ChatRequest.extra` that change the answer's meaning; all others there are hints."""


def check_support(parsed: ParsedRequest, native: frozenset[str] | None, provider: str, model: Model) -> None:
    """Raises GatewayError (400 unsupported_parameter, `param` named) when the provider cannot carry the request."""
    if native is None:
        return
    chat = parsed.chat
    for param, refused in _own_fields(chat, model):
        if refused and param not in native:
            raise _unsupported(param, provider)
    for name, changes_nothing in _REFUSED.items():
        if name in chat.extra and name not in native and not changes_nothing(chat.extra[name]):
            raise _unsupported(name, provider)
    _check_messages(chat, native, provider, model)


def _own_fields(chat: ChatRequest, model: Model) -> list[tuple[str, bool]]:
    kind = (chat.response_format or {}).get("type", "text")
    has_tools = model.tools != "none"
    return [
        ("n", chat.n > 1),
        ("tools", bool(chat.tools) and not has_tools),
        ("tool_choice", chat.tool_choice not in (None, "none", "auto") and not has_tools),
        ("response_format", kind != "text"),
    ]


def _check_messages(chat: ChatRequest, native: frozenset[str], provider: str, model: Model) -> None:
    for index, message in enumerate(chat.messages):
        if model.tools == "none" and "tools" not in native and (message.tool_calls or message.role == "tool"):
            raise _unsupported(f"messages[{index}]", provider, "tool calls and tool results are not carried yet")
        for at, part in enumerate(message.content if isinstance(message.content, tuple) else ()):
            where = f"messages[{index}].content[{at}]"
            if isinstance(part, ImagePart) and not ("images" in native and model.vision):
                raise _unsupported(where, provider, "pictures are not carried to this model")
            if isinstance(part, OtherPart):
                raise _unsupported(where, provider, f"a part of type {part.kind[:40]!r} is not carried")


def _unsupported(param: str, provider: str, why: str = "") -> GatewayError:
    reason = f" ({why})" if why else ""
    message = f"{param} is not supported by provider {provider!r}{reason}. Leave it out, or use an official API for it."
    return GatewayError(400, message, param=param, code="unsupported_parameter")
