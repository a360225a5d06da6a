"""What a provider, an account or a client key may be called. Pure."""

import re

from addons.config.secret_looks import looks_random

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def is_name(value: str) -> bool:
    """Whether this can be a provider's or account's name."""
    return _NAME.fullmatch(value) is not None


def checked_name(value: str) -> str:
    """A provider's, account's or client key's name. Raises ValueError."""
    if not is_name(value):
        raise ValueError("must be 1 to 64 letters, digits, '_', '.' or '-', beginning with a letter or digit")
    if looks_random(value):
        raise ValueError("looks like a key or token, and names stand in the log; choose a word, such as main")
    return value
