"""A value that does not show itself: not in a log line, a traceback's repr, a format string or a pickle."""

from typing import NoReturn


class Secret[T]:
    """Holds one secret; only `reveal` gives it out."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be pickled or copied")
