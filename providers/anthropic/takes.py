"""What a model takes, of the fields of a request in which models of the Messages form differ."""

from dataclasses import dataclass
from typing import Final, Literal

type Thinking = Literal["adaptive", "budget", "switch", "none"]
"""How a model is told to think: `{type: adaptive}` with an effort, `{type: enabled, budget_tokens}`, `{type: enabled |
disabled}` alone, or not at all."""
type Off = Literal["omit", "disabled", "between_tools", "never"]
"""How it is told not to: nothing said, by one of these words, or not at all (the lowest effort then)."""

EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
MAX_TOKENS: Final = 32_000
"""Most tokens of an answer where neither the client nor config.yaml names a number, which the form demands."""


@dataclass(frozen=True, slots=True)
class Takes:
    """The fields of one model."""

    thinking: Thinking = "adaptive"
    off: Off = "omit"
    efforts: tuple[str, ...] = EFFORTS
    """The values of `output_config.effort` there are, lowest first. Empty: the field is not known."""
    sampling: bool = True
    """`temperature`, `top_p`."""
    max_tokens: int = MAX_TOKENS


SWITCH: Final = Takes("switch", "disabled", efforts=())
"""What the models of most other vendors take."""
