"""What an API's own answers have taught of it: which fields it refuses, under which name it tells its reasoning.

Kept with the provider, for as long as the process lives; bounded.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_MODELS_LIMIT: Final = 512
_BODY_LIMIT_BYTES: Final = 64 * 1024

ADDED: Final = ("stream_options", "reasoning_content", "reasoning")
"""Fields the gateway puts into a request, or puts under another name, without the client's having sent them so."""
_ALIASES: Final = {"include_usage": "stream_options"}
_FIELDS: Final = re.compile(rf"(?<![\w-])(?:{'|'.join((*ADDED, *_ALIASES))})(?![\w-])")
_REFUSAL: Final = re.compile(
    r"extra|not (?:permitted|allowed|supported|accepted|recogni[sz]ed|expected|a valid|known|have)|unsupported|unknown"
    r"|unrecogni[sz]ed|unexpected|additional propert|forbidden|invalid (?:field|param|key|argument|property)"
    r"|cannot|can't|does not (?:support|accept|exist)"
    r"|remove|only (?:allowed|supported|valid)"
)
_DEMAND: Final = re.compile(r"must be (?:passed|provided|present|included|sent)|missing|is required|required field")
"""DeepSeek's thinking models ask for reasoning_content in words that name it too."""


@dataclass(slots=True)
class Learnt:
    refused: frozenset[str] = frozenset()
    """Of ADDED, what the API has refused; it is not sent any more."""
    reasoning: dict[str, str] = field(default_factory=dict)
    """Model → the name under which its answers tell their reasoning."""

    def heard(self, model: str, name: str) -> None:
        """An answer of the model tells its reasoning under this name."""
        self.reasoning.pop(model, None)
        while len(self.reasoning) >= _MODELS_LIMIT:
            del self.reasoning[next(iter(self.reasoning))]
        self.reasoning[model] = name


def refused_fields(body: bytes) -> frozenset[str]:
    """The fields of ADDED that a refusal (400, 422) names as what it does not take."""
    words = body[:_BODY_LIMIT_BYTES].decode("utf-8", "replace").lower()
    if _DEMAND.search(words) or not _REFUSAL.search(words):
        return frozenset()
    return frozenset(_ALIASES.get(name, name) for name in _FIELDS.findall(words))
