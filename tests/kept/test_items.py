"""What is kept for client keys: each sees its own alone, and what does not fit is not there."""

import pytest

from addons.kept.items import DAY_S, ID_LIMIT, MEGABYTE, THING_BYTES, KeptStore

PLACE = ("openai", "main")


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_value_comes_back_under_its_kind_and_id() -> None:
    mine = KeptStore().of(b"ada")
    assert mine.put("response", "resp_1", b"said")
    assert mine.get("response", "resp_1") == b"said"
    assert mine.place("response", "resp_1") is None
    assert mine.get("file", "resp_1") is None
    assert mine.delete("response", "resp_1")
    assert not mine.delete("response", "resp_1")
    assert mine.get("response", "resp_1") is None


def test_another_keys_item_is_as_unknown_as_a_made_up_one() -> None:
    store = KeptStore()
    store.of(b"ada").put("response", "resp_1", b"said")
    for other in (store.of(b"bob"), store.of(None), store.of(b"")):
        assert other.get("response", "resp_1") is None
        assert not other.delete("response", "resp_1")
        assert other.ids("response") == []
    assert store.of(b"ada").get("response", "resp_1") == b"said"


def test_an_id_says_where_it_lies() -> None:
    mine = KeptStore().of(b"ada")
    mine.put("file", "file-1", b"", PLACE)
    mine.put("response", "resp_1", b"said", PLACE)
    assert mine.place("file", "file-1") == mine.place("response", "resp_1") == PLACE
    assert (mine.get("file", "file-1"), mine.get("response", "resp_1")) == (b"", b"said")
    assert mine.delete("file", "file-1")
    assert mine.place("file", "file-1") is None


def test_the_newest_stands_first_in_a_list() -> None:
    clock = Clock()
    mine = KeptStore(clock).of(b"ada")
    for name, value in (("1", b""), ("2", b"x"), ("3", b"")):
        clock.now += 1
        mine.put("file", name, value, PLACE)
    mine.put("batch", "4", b"")
    assert mine.ids("file") == ["3", "2", "1"]


def test_it_is_forgotten_when_it_is_old() -> None:
    clock = Clock()
    store = KeptStore(clock, days=30)
    store.of(b"ada").put("response", "1", b"x")
    clock.now += 30 * DAY_S - 1
    assert store.of(b"ada").get("response", "1") == b"x"
    clock.now += 1
    assert store.of(b"ada").get("response", "1") is None
    assert store.of(b"ada").ids("response") == []
    store.trim()
    assert len(store.answers) == 0


def test_big_answers_do_not_push_out_where_things_lie() -> None:
    store = KeptStore(megabytes=1)
    mine, other = store.of(b"ada"), store.of(b"bob")
    mine.put("file", "file-1", b"", PLACE)
    other.put("response", "other", b"x")
    for number in range(20):
        assert mine.put("response", str(number), b"x" * (MEGABYTE // 8 - 1000))
    assert mine.ids("response") == ["19", "18", "17", "16"]
    assert mine.place("file", "file-1") == PLACE
    assert other.get("response", "other") == b"x"


@pytest.mark.parametrize(
    ("kind", "id", "value", "place"),
    [
        ("response", "x" * (ID_LIMIT + 1), b"", None),
        ("response", "1", b"x" * MEGABYTE, None),
        ("file", "1", b"x" * THING_BYTES, PLACE),
        ("file", "1", b"", ("p", "a" * (ID_LIMIT + 1))),
    ],
    ids=["id", "answer", "thing", "account"],
)
def test_what_is_too_large_is_not_kept(kind: str, id: str, value: bytes, place: tuple[str, str] | None) -> None:
    mine = KeptStore(megabytes=8).of(b"ada")
    assert not mine.put(kind, id, value, place)
    assert mine.ids(kind) == []


def test_without_room_nothing_is_kept() -> None:
    mine = KeptStore(megabytes=0).of(b"ada")
    assert not mine.put("response", "1", b"")
    assert not mine.put("file", "1", b"", PLACE)


def test_less_room_takes_effect_at_once() -> None:
    store = KeptStore(megabytes=8)
    for number in range(8):
        store.of(b"ada").put("response", str(number), b"x" * (MEGABYTE // 2))
    store.bound(30, 1)
    assert store.answers.size <= MEGABYTE


@pytest.mark.parametrize("id", ["../../etc/passwd", "", "a\0b", "\ud800", "é" * 500, "x\n"])
def test_an_id_may_have_any_characters(id: str) -> None:
    mine = KeptStore().of(b"ada")
    assert mine.put("response", id, b"x")
    assert mine.get("response", id) == b"x"
