"""What a client key allows one request: which models, and its part of the limits, taken before anything is sent."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from addons.cleaning.fields import Fields
from addons.features.token_estimate import estimated
from addons.ingress.key_limits import limit_headers, no_further_models, not_allowed, not_counted, over_limit
from addons.keys.limits import NO_LIMITS, KeyLimits
from addons.keys.meter import NO_USE, Estimate, OverLimit
from addons.keys.meters import KeyMeters, Use
from addons.routing.model_index import ModelRoute
from providers.contract.native import NativeRequest
from providers.contract.passed_on import (
    BatchRequest,
    EmbeddingRequest,
    TranscriptionRequest,
    TranslationRequest,
    VariationRequest,
)
from providers.contract.pictures import ImageRequest
from providers.contract.price import Rates
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest

USUAL_ANSWER: Final = 1024
"""Tokens that are reserved for an answer whose client names no most, for a picture, and for what is said in a sound."""

FURTHER_MODELS: Final = ("models", "fallbacks", "preset")
"""Fields of OpenRouter and its like, which are passed on to official APIs."""
_CLIENTS_TOOLS: Final = ("function", "custom", "namespace", None)
"""Kinds of tools that the client itself runs; their parameters may be called anything."""
_DRAWING_TOOLS: Final = ("image_generation", "openrouter:image_generation")
"""Kinds of tools that ask a model for pictures which the API chooses where the tool names none."""
TOOLS_BYTES: Final = 512 * 1024
"""Of a request's body; in a larger one tools are taken for half of it, at four bytes a token."""

type RatesOf = Callable[[str, str], Rates | None]
"""Provider, model → what its tokens cost; None where no price is known."""


@dataclass(slots=True)
class Allowances:
    """The meters of all keys, and what tokens cost. One for the process; `rates` is of the configuration in force."""

    meters: KeyMeters = field(default_factory=lambda: KeyMeters(time.monotonic, time.time))
    rates: RatesOf = lambda provider, model: None

    def estimate(
        self, request: ModelRequest, limits: KeyLimits, routes: Sequence[ModelRoute], size: int = 0
    ) -> Estimate:
        """What a request of so many bytes may use, at the dearest of who may serve it."""
        if limits.tokens_per_day is None and limits.budget is None:
            return NO_USE
        prompt, answer = _tokens_of(request, size)
        if limits.budget is None:
            return Estimate(prompt, answer)
        prompt_cost = cost = 0
        for route in routes:
            if (rates := self.rates(route.provider, route.model.id)) is not None:
                of_it = rates.of_prompt(prompt)
                prompt_cost = max(prompt_cost, prompt * of_it.input)
                cost = max(cost, prompt * of_it.input + answer * of_it.output)
        return Estimate(prompt, answer, prompt_cost, cost)


@dataclass(slots=True, eq=False)
class Allowance:
    """Of one request. `key` is the key's name."""

    key: str = ""
    limits: KeyLimits = NO_LIMITS
    identity: bytes = b""
    of: Allowances = field(default_factory=Allowances, repr=False)
    use: Use | None = None

    def permitted(self, routes: Sequence[ModelRoute], model: str) -> Sequence[ModelRoute]:
        """Those of the routes of a model that the key may go. Raises GatewayError (403) where that is none."""
        if self.limits.models is None or not routes:
            return routes
        found = [route for route in routes if self.limits.permits(route.provider, route.model.id)]
        if not found:
            raise not_allowed(model, self.key, self.limits)
        return found

    def take(
        self, request_id: str, request: ModelRequest, routes: Sequence[ModelRoute], size: int = 0, *, free: bool
    ) -> None:
        """Counts a request of so many bytes in; `free`: its answer is there already. Raises GatewayError (403, 429)."""
        if self.limits.models is not None:
            self._check_models(request, routes)
        if not self.limits.metered:
            return
        if self._is_uncounted(request):
            raise not_counted(self.key)
        estimate = NO_USE if free else self.of.estimate(request, self.limits, routes, size)
        try:
            self.use = self.of.meters.take(self.identity, self.limits, request_id, estimate)
        except OverLimit as over:
            raise over_limit(over, self.key, self.limits) from None

    def _check_models(self, request: ModelRequest, routes: Sequence[ModelRoute]) -> None:
        """Raises GatewayError (403) where the request leads to further models, and not all of them may be asked."""
        field_name = _further_models(request)
        creates = isinstance(request, BatchRequest) and request.action == "create"
        if not (field_name or creates):
            return
        if routes and all(self.limits.permits(route.provider, "") for route in routes):
            return
        if field_name:
            raise no_further_models(field_name, self.key, self.limits)
        raise not_allowed("", self.key, self.limits)  # `model` says whom to ask; its file names what it likes

    def _is_uncounted(self, request: ModelRequest) -> bool:
        """Whether nobody would learn here what the request uses: a batch is worked off at the provider."""
        counts = self.limits.tokens_per_day is not None or self.limits.budget is not None
        return counts and isinstance(request, BatchRequest) and request.action == "create"

    def give_back(self) -> None:
        """The request is over before its answer has begun."""
        if self.use is not None:
            self.of.meters.settle(self.use.request, 0, 0)

    def headers(self) -> Fields:
        """What the client is told of what is left."""
        if not self.limits.metered:
            return ()
        return limit_headers(self.use.figures if self.use else self.of.meters.figures(self.identity, self.limits))


UNLIMITED: Final = Allowance()
"""Of a key without limits: it keeps nothing, so it is of all requests."""


def allowance_of(of: Allowances, key: str, identity: bytes | None, limits: KeyLimits) -> Allowance:
    """What a key allows a request."""
    limited = identity and (limits.metered or limits.models is not None)
    return Allowance(key, limits, identity or b"", of) if limited else UNLIMITED


def _further_models(request: ModelRequest) -> str:
    """The field by which a request has an API choose among further models, if it has one."""
    fields = request.fields if isinstance(request, NativeRequest) else request.extra
    chat = _chat_of(request)
    tools = chat.tools if chat is not None else ()
    if not fields and not tools:
        return ""
    for name in FURTHER_MODELS:
        if fields.get(name):
            return name
    tools = fields.get("tools") or tools
    if tools and any(_asks(tool) for tool in _objects(tools) if tool.get("type") not in _CLIENTS_TOOLS):
        return "tools"
    return "plugins" if any(map(_asks, _objects(fields.get("plugins")))) else ""


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list | tuple) else iter(())


def _asks(tool: Mapping[str, Any]) -> bool:
    """Whether a tool or plugin that the API runs itself asks a model: one that it names, or one that draws."""
    settings = (tool, *(value for value in tool.values() if isinstance(value, Mapping)))
    return tool.get("type") in _DRAWING_TOOLS or any("model" in str(name).lower() for one in settings for name in one)


def _tokens_of(request: ModelRequest, size: int) -> tuple[int, int]:
    """The estimate of its prompt's tokens, and how many its answer may have."""
    prompt = estimated(request.words())
    if (chat := _chat_of(request)) is not None:
        if chat.tools:
            prompt += _of_tools(chat.tools, size)
        answer = (USUAL_ANSWER if chat.max_tokens is None else max(0, chat.max_tokens)) * chat.n
        return (prompt + _numbers(request), answer) if request is not chat else (prompt, answer)
    answer = 0
    if isinstance(request, ImageRequest):
        answer = USUAL_ANSWER * max(1, request.n)
    elif isinstance(request, TranscriptionRequest | TranslationRequest | VariationRequest):
        answer = USUAL_ANSWER
    return prompt + _numbers(request), answer


def _numbers(request: ModelRequest) -> int:
    """Tokens of a prompt that is sent as their numbers, in a list or in lists."""
    match request:
        case EmbeddingRequest():
            value = request.fields.get("input")
        case CompletionRequest():
            value = request.extra.get("prompt")
        case _:
            return 0
    if not isinstance(value, list):
        return 0
    return sum(len(one) if isinstance(one, list) else isinstance(one, int) for one in value)


def _of_tools(tools: Sequence[Mapping[str, Any]], size: int) -> int:
    """The estimate for tools, which are written once more only where that takes no time worth the name."""
    return estimated(json.dumps(tool, ensure_ascii=False) for tool in tools) if size <= TOOLS_BYTES else size // 8


def _chat_of(request: ModelRequest) -> ChatRequest | None:
    if isinstance(request, ChatRequest):
        return request
    return request.chat if isinstance(request, NativeRequest | CompletionRequest) else None
