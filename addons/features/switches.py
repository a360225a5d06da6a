"""The feature of the switches of sites: thinking and search, by whatever field a client names them. Pure.

The site's own switches are set by `reasoning_effort` and `search` of the request, or by the suffix of the model's name.
Fields that contradict each other or the name are refused; those that say nothing of a known form are ignored, as all
unknown fields are.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from addons.errors import GatewayError
from addons.features.feature import Applied, Served
from providers.contract.chat import Message
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest, ModelRequest

type _Wish = tuple[str, bool]
"""A field, and whether it switches on or off."""

_OFF: Final = ("none", "minimal")
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _of_type(value: Any) -> bool | None:
    """Anthropic's and Z.AI's `{"type": "enabled" | "disabled"}`."""
    kind = value.get("type") if isinstance(value, Mapping) else value
    return {"enabled": True, "disabled": False, True: True, False: False}.get(kind) if _is_word(kind) else None


def _of_template(value: Any) -> bool | None:
    """vLLM's arguments of the chat template."""
    known = value if isinstance(value, Mapping) else {}
    return next((flag for key in ("enable_thinking", "thinking") if (flag := _flag(known.get(key))) is not None), None)


def _of_reasoning(value: Any) -> bool | None:
    """OpenRouter's `{"enabled": …}` or `{"effort": …}`."""
    known = value if isinstance(value, Mapping) else {}
    return _flag(known["enabled"]) if "enabled" in known else _of_effort(known.get("effort"))


def _of_effort(value: Any) -> bool | None:
    return False if value in _OFF else True if value in _EFFORTS else None


def _is_word(value: Any) -> bool:
    return isinstance(value, str | bool)


_THINKING: Final[Mapping[str, Callable[[Any], bool | None]]] = {
    "thinking": _of_type,
    "enable_thinking": _flag,
    "chat_template_kwargs": _of_template,
    "reasoning": _of_reasoning,
}
_SEARCH: Final[Mapping[str, Callable[[Any], bool | None]]] = {"enable_search": _flag, "web_search": _flag}
"""Fields beside OpenAI's own, which are `reasoning_effort` and `web_search_options`."""


NO_SEARCH: Final = "There is no web search here: say so, then answer from what you know, and name no sources."
"""To a model that was offered a search it does not have, so that it does not make up what it has found."""


class Switches:
    """The Feature of thinking and search."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        """Raises GatewayError (400) naming the field that cannot be had with another, or with the model."""
        if served.native is None or not isinstance(request, ChatRequest):
            return None
        thinking = _agreed([*_thinking_wishes(request)], served.model, "thinking")
        search = _agreed([*_search_wishes(request)], served.model, "search")
        if search and search[1] and served.model.search is False and search[0] != "web_search_options":
            raise _refused(search[0], f"model {served.model.id!r} has no search")
        if thinking is None and search is None:
            return None
        effort = request.reasoning_effort or (_effort(request.extra) if thinking is not None and thinking[1] else None)
        if thinking is not None and effort is None:
            effort = "medium" if thinking[1] else "none"
        found = replace(request, reasoning_effort=effort, search=search[1] if search is not None else request.search)
        if found.search and served.model.search is False:
            found = replace(found, search=None, messages=(Message("system", NO_SEARCH), *found.messages))
        return Applied(found, frozenset({"reasoning_effort"}))


def _thinking_wishes(request: ChatRequest) -> Iterator[_Wish]:
    if request.reasoning_effort is not None:
        yield "reasoning_effort", request.reasoning_effort not in _OFF
    yield from _wishes(request.extra, _THINKING)


def _search_wishes(request: ChatRequest) -> Iterator[_Wish]:
    if request.search is not None:
        yield "web_search_options", request.search
    yield from _wishes(request.extra, _SEARCH)


def _wishes(fields: Mapping[str, Any], readers: Mapping[str, Callable[[Any], bool | None]]) -> Iterator[_Wish]:
    for name, read in readers.items():
        if name in fields and (wish := read(fields[name])) is not None:
            yield name, wish


def _agreed(wishes: list[_Wish], model: Model, switch: str) -> _Wish | None:
    """The first wish, which all others agree with, and the model's name too."""
    for name, wish in wishes:
        if wish is not wishes[0][1]:
            raise _refused(name, f"{wishes[0][0]} says the opposite")
        if not wish and switch in model.id.casefold().split("-"):
            raise _refused(name, f"it switches off what the name of model {model.id!r} switches on")
    return wishes[0] if wishes else None


def _effort(fields: Mapping[str, Any]) -> str | None:
    """How much thinking, where a field other than OpenAI's says it."""
    reasoning = fields.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, Mapping) else None
    return effort if effort in _EFFORTS else None


def _refused(param: str, why: str) -> GatewayError:
    return GatewayError(400, f"{param} cannot be had: {why}.", param=param)
