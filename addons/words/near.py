"""The nearest known name to a misspelt one. Pure."""

import difflib
from collections.abc import Iterable

_OTHER_WORDS = {
    "verbose": "debug",
    "trace": "debug",
    "fatal": "error",
    "critical": "error",
    "quiet": "error",
    "random": "weighted",
    "roundrobin": "round_robin",
    "url": "base_url",
    "baseurl": "base_url",
    "endpoint": "base_url",
    "api_base": "base_url",
}
"""What other programs call things of ours."""


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, or means the same; None when there is none."""
    names = {each.casefold(): each for each in known}
    small = name[:100].casefold().replace("-", "_").replace(" ", "_")
    if (other := _OTHER_WORDS.get(small)) in names:
        return names[other]
    found = difflib.get_close_matches(small, names, n=1)
    return names[found[0]] if found else None


def hint(name: str, known: Iterable[str]) -> str:
    """The hint `; did you mean 'x'?`, or an empty string."""
    found = near(name, known)
    return f"; did you mean {found!r}?" if found else ""
