"""What each of Anthropic's own models takes, as data: by the beginning of its name, wherever it is served.

Sources: Anthropic's pages on adaptive thinking, effort and each model, and what cloud platforms that serve them say
(2026-11). Models since Opus 4.7 refuse a budget of thinking and sampling parameters; those before 4.6 know no adaptive
thinking; some think always.
"""

from typing import Final

from providers.anthropic.takes import EFFORTS, Takes

_BUDGET: Final = Takes("budget", efforts=())
_FIRST_ADAPTIVE: Final = Takes(efforts=("low", "medium", "high", "max"))
_ADAPTIVE: Final = Takes(sampling=False)
_ALWAYS: Final = Takes(off="never", sampling=False)
_ON_UNLESS_SAID: Final = Takes(off="disabled", sampling=False)
_BETWEEN: Final = Takes(off="between_tools", sampling=False)
_TABLE: Final = (
    ("claude-3-7", _BUDGET),
    ("claude-3-5", Takes("none", efforts=(), max_tokens=8192)),
    ("claude-3", Takes("none", efforts=(), max_tokens=4096)),
    ("claude-opus-4-5", Takes("budget", efforts=EFFORTS[:3])),
    ("claude-sonnet-4-5", _BUDGET),
    ("claude-haiku-4", _BUDGET),
    ("claude-opus-4-6", _FIRST_ADAPTIVE),
    ("claude-sonnet-4-6", _FIRST_ADAPTIVE),
    ("claude-opus-4-7", _ADAPTIVE),
    ("claude-opus-4-8", _ADAPTIVE),
    ("claude-opus-4", _BUDGET),
    ("claude-sonnet-4", _BUDGET),
    ("claude-opus-5-5", _ALWAYS),
    ("claude-fable", _ALWAYS),
    ("claude-mythos", _ALWAYS),
    ("claude-sonnet-5-5", _BETWEEN),
    ("claude-haiku-5-5", _BETWEEN),
    ("claude-opus-5", _ON_UNLESS_SAID),
    ("claude-sonnet-5", _ON_UNLESS_SAID),
    ("claude-", _ADAPTIVE),
)
"""The first that fits counts."""


def takes_of(site_id: str, otherwise: Takes) -> Takes:
    """What a model takes; `otherwise` for one that is none of Anthropic's."""
    name = site_id.rpartition("/")[2].replace(".", "-").lower()
    return next((takes for begin, takes in _TABLE if name.startswith(begin)), otherwise)
