"""Whether a word that was to be a name looks like a key: people paste one in the wrong place. Pure."""

from itertools import pairwise
from typing import Final

from addons.cleaning.patterns import without_credentials

SHORTEST: Final = 20


def looks_random(word: str) -> bool:
    """Whether no person chose this: at least 20 letters and digits whose kind (small, great, digit) keeps changing.

    Of a random text of letters and digits more than half of the neighbours differ, in hexadecimal nearly half; of words
    put together, even with a year behind them, few.
    """
    kinds = [kind_of(character) for character in word if character.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds))
    return len(kinds) >= SHORTEST and 3 * changes > len(kinds)


def looks_secret(word: str) -> bool:
    """Whether it should rather not be repeated."""
    return looks_random(word) or without_credentials(word) != word


def kind_of(character: str) -> int:
    return 0 if character.isdigit() else 1 if character.isupper() else 2
