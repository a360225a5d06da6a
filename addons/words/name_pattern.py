"""A name with `*` for any letters, as config.yaml has them for models."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NamePattern:
    """Compared without regard to case. One without a star is the name alone."""

    text: str
    _pieces: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """What stands between the stars."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pieces", tuple(self.text.casefold().split("*")))

    @property
    def letters(self) -> int:
        """How much of a name it says: of several that match, the one with the most is meant."""
        return sum(map(len, self._pieces))

    def matches(self, name: str) -> bool:
        """In time linear in the name: the first and the last piece at the ends, the others in their order between."""
        folded = name.casefold()
        first, *middle = self._pieces
        if not middle:
            return folded == first
        last = middle.pop()
        if len(folded) < len(first) + len(last) or not folded.startswith(first) or not folded.endswith(last):
            return False
        at, end = len(first), len(folded) - len(last)
        for piece in middle:
            found = folded.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True
