"""The mark of a request: what encloses everything that the gateway tells a model in its own words. Pure.

It is made of the request's random id, so nobody who writes a message knows it beforehand: a block that is quoted, out
of a web page or an earlier request, bears another mark or none. Whoever has the id finds it again.
"""

import hashlib
import string
from collections.abc import Callable
from itertools import count
from typing import Final

from addons.features.feature import Served

MARK_CHARS: Final = 8
_ALPHABET: Final = string.ascii_lowercase + string.digits
_SALT: Final = b"glassgate mark"


def mark_of(served: Served) -> str:
    """Eight of a-z and 0-9, the same for all attempts of one client request."""
    digest = hashlib.blake2b(served.request_id.encode(), digest_size=16, person=_SALT).digest()
    number, found = int.from_bytes(digest), ""
    for _ in range(MARK_CHARS):
        number, at = divmod(number, len(_ALPHABET))
        found += _ALPHABET[at]
    return found


def call_ids(served: Served) -> Callable[[], str]:
    """Gives ids for the calls of one answer, each another: no other call of the conversation has the same."""
    numbers = count()

    def new_id() -> str:
        text = f"{served.request_id}/{next(numbers)}"
        return "call_" + hashlib.blake2b(text.encode(), digest_size=12, person=_SALT).hexdigest()

    return new_id
