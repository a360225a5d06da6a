"""What dialects see of the items that are kept between the requests of a client key."""

from collections.abc import Sequence
from typing import Protocol


class KeptItems(Protocol):
    """What is kept between the requests of one client key, whatever key that is: no other's item can be reached.

    An item has a kind, an id of any characters, a value, and where a provider has what the id names the account there
    (provider, account). Items go when they are old or others need their room; nothing of it waits for a disk.
    """

    def get(self, kind: str, id: str) -> bytes | None:
        """The value; None for an id that is not known, or was another key's."""
        ...

    def place(self, kind: str, id: str) -> tuple[str, str] | None:
        """The account that has what the id names; None where it is not known, or lies at no provider."""
        ...

    def put(self, kind: str, id: str, value: bytes, place: tuple[str, str] | None = None) -> bool:
        """Keeps the item in the place of one of the same id; False where it is too large."""
        ...

    def delete(self, kind: str, id: str) -> bool:
        """Forgets the item; False where there was none."""
        ...

    def ids(self, kind: str) -> Sequence[str]:
        """The ids of a kind, the newest first."""
        ...
