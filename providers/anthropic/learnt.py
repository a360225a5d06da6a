"""Facts learnt from an API's own refusals: fields the gateway writes into a chat that a model does not take.

Kept with the provider and by model, for as long as the process lives; bounded.
"""

from typing import Final

ADDED: Final = ("cache_control", "output_config", "thinking", "metadata", "strict")
"""What a chat can be asked without: each only says how."""
_MODELS_LIMIT: Final = 512
_WORDS_LIMIT: Final = 4000
_REFUSALS: Final = (
    "extra inputs are not permitted",
    "not permitted",
    "not supported",
    "unsupported",
    "does not support",
    "doesn't support",
    "not allowed",
    "unknown",
    "unrecognized",
    "unexpected",
    "不支持",
    "expected `thinking`",
)
"""The last is of a turn whose thinking nobody has kept."""


def refused_fields(words: str) -> frozenset[str]:
    """The fields of ADDED that the words of a refusal name as what is not taken."""
    said = words[:_WORDS_LIMIT].lower()
    if not any(phrase in said for phrase in _REFUSALS):
        return frozenset()
    return frozenset(name for name in ADDED if name in said)


class Learnt:
    """The facts, by the API's name of a model."""

    def __init__(self) -> None:
        self._refused: dict[str, frozenset[str]] = {}

    def refused_by(self, model: str) -> frozenset[str]:
        return self._refused.get(model, frozenset())

    def learn(self, model: str, fields: frozenset[str]) -> None:
        """Remembers that the model has refused these fields; the oldest makes room."""
        known = self._refused.pop(model, frozenset())
        while len(self._refused) >= _MODELS_LIMIT:
            del self._refused[next(iter(self._refused))]
        self._refused[model] = known | fields
