"""mitmproxy's check of field types at each making of a request or response, at a twentieth of its cost.

It asks each field of each message anew, and tells a field that may be None by TypeErrors, raised and swallowed: nine
for each exchange, which keep their whole call stack alive until the next collection. What it says hangs on the types
alone (the fields are texts, numbers and Headers), so a combination of types that has passed need not be asked again. A
message of wrong types, which only a person's script could make, fails as ever.
"""

import functools
from typing import Final

from mitmproxy.http import MessageData

_MOST: Final = 1000
"""Combinations that are remembered; the few there are come from None or not, whole times or not."""


def remember_message_checks() -> None:
    """Has mitmproxy's check, in the whole process, asked once for each combination of types."""
    check = getattr(MessageData.__post_init__, "__wrapped__", MessageData.__post_init__)  # once, however often loaded
    passed: set[tuple[type, ...]] = set()

    @functools.wraps(check)
    def remembered(message: MessageData) -> None:
        types = (type(message), *map(type, vars(message).values()))
        if types not in passed:
            check(message)
            if len(passed) < _MOST:
                passed.add(types)

    MessageData.__post_init__ = remembered  # type: ignore[method-assign]
