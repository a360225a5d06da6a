"""The lists of files and batches: what the key has, a page at a time."""

import json
from typing import Any

import pytest

from addons.dialects.passed_on.lists import batches_answer, files_answer
from addons.dialects.routed_head import RoutedHead


class Kept:
    """KeptItems of one key, the newest first."""

    def __init__(self, **items: dict[str, bytes]) -> None:
        self._items = items

    def ids(self, kind: str) -> list[str]:
        return list(self._items.get(kind, ()))

    def get(self, kind: str, id: str) -> bytes | None:
        return self._items.get(kind, {}).get(id)


class OfOne:
    """The part of a Catalog that the lists read."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept


FILES = {
    f"file-{number}": json.dumps({"id": f"file-{number}", "purpose": "batch" if number % 2 else "user_data"}).encode()
    for number in (4, 3, 2, 1)
}
CATALOG: Any = OfOne(Kept(file=FILES | {"odd": b"[]", "torn": b"{", "empty": b""}, batch={"b": b'{"id": "b"}'}))


def listed(query: str = "") -> tuple[str, bool]:
    """The numbers of the page, and whether there is more."""
    told = json.loads(files_answer(RoutedHead(query=query), CATALOG).content or b"")
    assert (told["object"], told["first_id"]) == ("list", told["data"][0]["id"] if told["data"] else None)
    return "".join(value["id"][-1] for value in told["data"]), told["has_more"]


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("", ("4321", False)),
        ("limit=3", ("432", True)),
        ("limit=3&after=file-3", ("21", False)),
        ("after=unknown", ("", False)),
        ("order=asc&limit=1", ("1", True)),
        ("purpose=batch", ("31", False)),
        ("limit=0", ("4321", False)),
        ("limit=-1", ("4321", False)),
        ("limit=" + "9" * 5000, ("4321", False)),
        ("limit=x&order=up", ("4321", False)),
    ],
)
def test_a_page_is_what_is_asked_for(query: str, page: tuple[str, bool]) -> None:
    assert listed(query) == page


def test_batches_are_a_list_of_their_own() -> None:
    told = json.loads(batches_answer(RoutedHead(), CATALOG).content or b"")
    assert [value["id"] for value in told["data"]] == ["b"]
