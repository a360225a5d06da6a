"""Facts learnt from an API's own answers: which fields it refuses, under which name it tells its reasoning.

Kept with the provider and by model (one address may stand for many APIs), for as long as the process lives; bounded.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_MODELS_LIMIT: Final = 512
_BODY_LIMIT_BYTES: Final = 64 * 1024

ADDED: Final = ("stream_options", "reasoning_content", "reasoning")
"""Fields the gateway puts into a request, or puts under another name, without the client's having sent them so."""
_PLAIN: Final = frozenset({"stream_options"})
_ALIASES: Final = {"include_usage": "stream_options", "streamoptions": "stream_options"}
_FIELDS: Final = re.compile(rf"(?<![\w-])(?:{'|'.join((*ADDED, *_ALIASES))})(?![\w-])", re.ASCII)
_REFUSAL: Final = re.compile(
    r"extra|not (?:permitted|allowed|supported|accepted|recogni[sz]ed|expected|a valid|known|have)|unsupported|unknown"
    r"|unrecogni[sz]ed|unexpected|additional propert|forbidden|invalid (?:field|param|key|argument|property)"
    r"|cannot|can't|does not (?:support|accept|exist)"
    r"|remove|only (?:allowed|supported|valid)|should not|must not|disallow|not implemented"
    r"|invalid|不支持|不支援|无效|未知"
)
_DEMAND: Final = re.compile(r"must be (?:passed|provided|present|included|sent)|missing|is required|required field")
"""DeepSeek's thinking models ask for reasoning_content in words that name it too."""


@dataclass(slots=True)
class Learnt:
    """The facts, by model."""

    refused: dict[str, frozenset[str]] = field(default_factory=dict)
    """Model → of ADDED, what it has refused; it is not sent any more."""
    reasoning: dict[str, str] = field(default_factory=dict)
    """Model → the name under which its answers tell their reasoning."""

    def learn_reasoning_name(self, model: str, name: str) -> None:
        """Remembers the name under which answers of the model tell its reasoning."""
        _remember(self.reasoning, model, name)

    def learn_refused(self, model: str, fields: frozenset[str]) -> None:
        """Remembers that the model has refused these fields."""
        _remember(self.refused, model, self.refused_by(model) | fields)

    def refused_by(self, model: str) -> frozenset[str]:
        return self.refused.get(model, frozenset())


def _remember[V](table: dict[str, V], model: str, value: V) -> None:
    """Puts the value in as the newest entry; the oldest makes room."""
    table.pop(model, None)
    while len(table) >= _MODELS_LIMIT:
        del table[next(iter(table))]
    table[model] = value


def refused_fields(body: bytes) -> frozenset[str]:
    """The fields of ADDED that a refusal (400, 422) names as what it does not take.

    To be named is enough for `stream_options`, of which nobody speaks otherwise; reasoning is a word of prompts too.
    """
    words = body[:_BODY_LIMIT_BYTES].decode("utf-8", "replace").lower()
    if _DEMAND.search(words):
        return frozenset()
    named = frozenset(_ALIASES.get(name, name) for name in _FIELDS.findall(words))
    return named if _REFUSAL.search(words) else named & _PLAIN
