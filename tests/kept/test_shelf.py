"""The bounded shelf: against a plain list of what should be on it, and what each call costs."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from addons.kept.shelf import OVERHEAD_BYTES, Bounds, Item, ItemKey, Shelf, size_of
from tests.support.counting import work_of

ROOMY = Bounds(items=1000, item_bytes=10_000, owner_bytes=100_000, all_bytes=1_000_000, keep_s=100)


def key(name: str, owner: bytes = b"a") -> ItemKey:
    return ItemKey(owner, "response", name)


def item(since: float = 0, size: int = 0) -> Item:
    return Item(b"x" * size, since)


def test_an_item_is_there_until_its_time_is_over() -> None:
    shelf = Shelf(ROOMY)
    one = item(5)
    assert shelf.put(key("1"), one, 5)
    assert shelf.get(key("1"), 104.9) is one
    assert shelf.get(key("1"), 105) is None
    assert len(shelf) == 1  # nobody looked since
    shelf.trim(105)
    assert (len(shelf), shelf.size) == (0, 0)


def test_one_of_the_same_id_takes_its_place_and_is_the_newest() -> None:
    shelf = Shelf(ROOMY)
    for name in ("1", "2", "1"):
        shelf.put(key(name), item(), 0)
    assert [one.id for one in shelf.items] == ["2", "1"]
    assert [one.id for one, _ in shelf.of(b"a", 0)] == ["1", "2"]
    assert not list(shelf.of(b"nobody", 0))


def test_one_that_is_too_large_changes_nothing() -> None:
    shelf = Shelf(ROOMY)
    shelf.put(key("1"), first := item(), 0)
    before = shelf.version
    assert not shelf.put(key("1"), item(size=10_000), 0)
    assert (shelf.get(key("1"), 0), shelf.version) == (first, before)


def test_the_oldest_make_room() -> None:
    shelf = Shelf(Bounds(items=3, item_bytes=10_000, owner_bytes=100_000, all_bytes=100_000, keep_s=9))
    for name in "12345":
        shelf.put(key(name), item(), 0)
    assert [one.id for one in shelf.items] == ["3", "4", "5"]


def test_an_owner_makes_room_for_itself_alone() -> None:
    each = 1000 + OVERHEAD_BYTES + 1
    shelf = Shelf(Bounds(items=99, item_bytes=each, owner_bytes=2 * each, all_bytes=99 * each, keep_s=9))
    shelf.put(key("0", b"other"), item(size=1000), 0)
    for name in "123":
        shelf.put(key(name), item(size=1000), 0)
    assert [one.id for one in shelf.items] == ["0", "2", "3"]


def test_who_puts_many_there_pushes_out_nothing_of_another_who_has_few() -> None:
    few = OVERHEAD_BYTES + 2
    for bounds in (
        Bounds(items=6, item_bytes=few, owner_bytes=99 * few, all_bytes=99 * few, keep_s=9),
        Bounds(items=99, item_bytes=few, owner_bytes=99 * few, all_bytes=6 * few, keep_s=9),
    ):
        shelf = Shelf(bounds)
        shelf.put(key("0", b"few"), item(), 0)
        for number in range(50):
            for owner in (b"many", b"more"):
                shelf.put(key(f"{number % 10}", owner), item(), 0)
        assert shelf.get(key("0", b"few"), 0) is not None
        assert (len(shelf), len(list(shelf.of(b"many", 0)))) == (6, 3 if len(list(shelf.of(b"more", 0))) == 2 else 2)


STEP = st.tuples(
    st.sampled_from(["put", "remove", "trim"]),
    st.sampled_from("abcd"),
    st.sampled_from([b"1", b"2"]),
    st.integers(0, 900),
)


type Entry = tuple[ItemKey, Item]


def oldest_of_fullest(plain: list[Entry], measure: Callable[[Entry], int]) -> Entry:
    """The first of whoever has most; of two, of the one whose first is older."""
    owners = dict.fromkeys(one[0].owner for one in plain)  # in the order of their oldest
    fullest = max(owners, key=lambda owner: sum(measure(one) for one in plain if one[0].owner == owner))
    return next(one for one in plain if one[0].owner == fullest)


@given(st.lists(STEP, max_size=40))
def test_it_holds_what_a_plain_list_would(steps: list[tuple[str, str, bytes, int]]) -> None:
    bounds = Bounds(items=4, item_bytes=1200, owner_bytes=2500, all_bytes=4000, keep_s=20)
    shelf, plain = Shelf(bounds), list[tuple[ItemKey, Item]]()

    def size(owner: bytes | None = None) -> int:
        return sum(size_of(*one) for one in plain if owner in (None, one[0].owner))

    for now, (what, name, owner, length) in enumerate(steps):
        at, made = key(name, owner), item(now, length)
        match what:
            case "put":
                fits = size_of(at, made) <= bounds.item_bytes
                assert shelf.put(at, made, now) is fits
                if not fits:
                    continue
                plain = [*(one for one in plain if one[0] != at), (at, made)]
                while size(owner) > bounds.owner_bytes:
                    plain.remove(next(one for one in plain if one[0].owner == owner))
            case "remove":
                assert shelf.remove(at) is any(one[0] == at for one in plain)
                plain = [one for one in plain if one[0] != at]
            case "trim":
                shelf.trim(now)
        if what != "remove":
            plain = [one for one in plain if now - one[1].since < 20]
            while len(plain) > bounds.items:
                plain.remove(oldest_of_fullest(plain, lambda one: 1))
            while size() > bounds.all_bytes:
                plain.remove(oldest_of_fullest(plain, lambda one: size_of(*one)))
        assert list(shelf.items.items()) == plain
        assert shelf.size == size()
        for who in (b"1", b"2"):
            assert [one for one, _ in shelf.of(who, 0)] == [one for one, _ in reversed(plain) if one.owner == who]


def test_a_call_costs_the_same_however_many_there_are() -> None:
    def filled(count: int) -> Shelf:
        shelf = Shelf(Bounds(items=count, item_bytes=10_000, owner_bytes=10**9, all_bytes=10**9, keep_s=9))
        for number in range(count):
            shelf.put(key(str(number)), item(), 0)
        return shelf

    def work(shelf: Shelf) -> int:
        def calls() -> None:
            shelf.put(key("new"), item(), 0)
            shelf.get(key("new"), 0)
            shelf.remove(key("new"))

        return work_of(calls)[1]

    assert work(filled(10_000)) == work(filled(10))
