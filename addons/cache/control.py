"""What a client says of the cache in its own header `cache-control`. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from addons.dialects.client_session import CACHE

_CHARS: Final = 200
"""Of the header that is looked at; a longer one is a request not to keep anything."""


class CacheControl(NamedTuple):
    """What of the cache is wanted."""

    reads: bool = True
    """A kept answer may be given."""
    keeps: bool = True
    """The answer may be kept."""


_USUAL: Final = CacheControl()
_ANEW: Final = CacheControl(reads=False)
_NEITHER: Final = CacheControl(reads=False, keeps=False)


def control_of(headers: Mapping[str, str]) -> CacheControl:
    """`no-store` wants neither, `no-cache` an answer that is asked for anew, and kept; others change nothing."""
    if not (said := headers.get(CACHE)):
        return _USUAL
    words = {word.strip().lower() for word in said.split(",")} if len(said) <= _CHARS else {"no-store"}
    if "no-store" in words:
        return _NEITHER
    return _ANEW if "no-cache" in words else _USUAL
