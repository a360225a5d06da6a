"""The kept answers: sealed, bounded, and each for whom it was given."""

import itertools
import tracemalloc
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.cache.answer import KeptAnswer
from addons.cache.cache import AnswerCache, CacheRules
from addons.cache.key import Asked
from addons.dialects.routed_head import NO_HEAD
from addons.kept.shelf import ItemKey
from providers.contract.events import Usage
from tests.cache.asked import parsed
from tests.support.counting import work_of

ADA: Final = b"a" * 32
BOB: Final = b"b" * 32
RULES: Final = CacheRules(ttl_s=100, max_bytes=8 * 64 * 1024)
ANSWER: Final = KeptAnswer(b"data: a canary\n\n", "text/event-stream", True, "m", Usage(3, 1, 4, None, 2))


def asked(said: str = "Hello") -> Asked:
    return Asked(parsed("chat_completions", messages=[{"role": "user", "content": said}]), "c", NO_HEAD, [("api", "m")])


class Shop:
    """A cache, and the time by its clock."""

    def __init__(self, rules: CacheRules | None = RULES) -> None:
        self.time = 1000.0
        numbers = itertools.count()
        self.cache = AnswerCache(lambda: self.time, lambda count: next(numbers).to_bytes(count))
        self.cache.bound(rules, "settings")

    def place(self, said: str = "Hello", who: bytes | None = ADA) -> ItemKey:
        return self.cache.place(asked(said), who)

    def put(self, said: str = "Hello", who: bytes | None = ADA, answer: KeptAnswer = ANSWER) -> bool:
        return self.cache.put(self.place(said, who), answer)

    def get(self, said: str = "Hello", who: bytes | None = ADA) -> tuple[KeptAnswer, int] | None:
        return self.cache.get(self.place(said, who))


_ANY_TEXT = st.text(st.characters(exclude_categories=()))
_USAGES = st.sampled_from([None, Usage(1, 2, 3), Usage(0, 0, 0, 0, 0), Usage(1, 2, 3, None, 5), Usage(10**30, 2, 3, 4)])


@given(st.binary(), _ANY_TEXT, _ANY_TEXT, st.booleans(), _USAGES)
def test_an_answer_is_read_again_as_it_was_written(
    body: bytes, form: str, name: str, streams: bool, usage: Usage | None
) -> None:
    answer = KeptAnswer(body, form, streams, name, usage)
    assert KeptAnswer.from_bytes(answer.to_bytes()) == answer


def test_an_answer_is_given_with_its_age_until_it_is_too_old() -> None:
    shop = Shop()
    assert shop.get() is None
    assert shop.put()
    shop.time += 99.5
    assert shop.get() == (ANSWER, 99)
    shop.time += 0.5
    assert shop.get() is None
    shop.cache.trim()
    assert (shop.cache.answers, shop.cache.size_bytes) == (0, 0)


def test_nobody_is_given_anothers_unless_all_share() -> None:
    shop = Shop()
    shop.put()
    assert shop.get(who=BOB) is None
    assert shop.get(who=None) is None
    shop.cache.bound(replace(RULES, share_all=True), "settings")
    assert shop.get() is None  # it was given to one key alone
    shop.put()
    assert shop.get(who=BOB) == (ANSWER, 0)
    shop.cache.bound(RULES, "settings")
    assert shop.get(who=BOB) is None


def test_nothing_that_is_kept_can_be_read_without_the_key() -> None:
    shop = Shop()
    shop.put()
    items = shop.cache._shelf.items
    assert all(b"canary" not in item.value and b"canary" not in key.id.encode() for key, item in items.items())
    assert "canary" not in repr(shop.cache.get(shop.place()))


def test_one_that_was_moved_to_anothers_place_or_damaged_cannot_be_opened() -> None:
    shop = Shop()
    shop.put(who=BOB)
    (item,) = shop.cache._shelf.items.values()
    shop.cache._shelf.put(shop.place(), item, shop.time)
    assert shop.get() is None
    assert shop.get(who=BOB) == (ANSWER, 0)
    shop.cache._shelf.put(shop.place(), replace(item, value=item.value[:-1] + b"x"), shop.time)
    assert shop.get() is None
    assert shop.cache.answers == 1


def test_other_settings_forget_all_also_what_was_begun_under_those_before() -> None:
    shop = Shop()
    shop.put()
    before = shop.place("under way")
    shop.cache.bound(RULES, "other settings")
    assert shop.get() is None
    shop.cache.put(before, ANSWER)
    assert shop.get("under way") is None
    shop.put()
    shop.cache.bound(RULES, "other settings")
    assert shop.get() == (ANSWER, 0)


def test_off_it_keeps_nothing() -> None:
    shop = Shop()
    place = shop.place()
    shop.put()
    shop.cache.bound(None, "settings")
    assert shop.cache.answers == 0
    assert not shop.cache.put(place, ANSWER)


def test_one_that_is_too_large_is_not_kept_and_an_older_one_makes_room() -> None:
    shop = Shop()
    assert not shop.put(answer=replace(ANSWER, body=b"x" * 64 * 1024))
    answer = replace(ANSWER, body=b"x" * 60_000)
    for number in range(10):
        assert shop.put(str(number), answer=answer)
        assert shop.cache.size_bytes <= RULES.max_bytes
    assert shop.get("0") is None
    assert shop.get("9") == (answer, 0)


def test_who_asks_much_pushes_out_his_own() -> None:
    shop = Shop()
    shop.put("Ada's", ADA)
    for number in range(50):
        shop.put(str(number), BOB, replace(ANSWER, body=b"x" * 60_000))
    assert shop.get("Ada's", ADA) == (ANSWER, 0)


@pytest.mark.parametrize("size", [10, 20_000])
def test_what_is_counted_is_what_the_memory_holds(size: int) -> None:
    shop = Shop(replace(RULES, max_bytes=2_000_000))
    answer = replace(ANSWER, body=b"x" * size)
    places = [shop.place(str(number)) for number in range(100)]
    tracemalloc.start()
    try:
        for place in places:
            shop.cache.put(ItemKey(bytes(place.owner), place.kind, place.id[:-1] + "0"), answer)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= shop.cache.size_bytes * 1.1 + 10_000


@pytest.mark.parametrize(
    ("models", "names", "served"),
    [
        (None, ["anything"], True),
        (["gpt-*", "m"], ["GPT-5"], True),
        (["gpt-*", "m"], ["alias", "M"], True),
        (["gpt-*"], ["m"], False),
        ([], ["m"], False),
    ],
)
def test_whose_answers_are_kept_the_setting_says(models: list[str] | None, names: list[str], served: bool) -> None:
    assert Shop(replace(RULES, models=models)).cache.serves(names) is served


def test_another_keys_answer_is_as_much_work_as_none() -> None:
    """So that how long it takes does not tell whether somebody has asked the same: no step looks at it."""
    with_one, without, shared = Shop(), Shop(), Shop(replace(RULES, share_all=True))
    with_one.put(who=ADA)
    without.put("something else", who=ADA)
    shared.put(who=ADA)
    for shop in (with_one, without):
        shop.get(who=BOB)  # so that all is loaded
    theirs, nobodys = (work_of(lambda shop=shop: shop.get(who=BOB)) for shop in (with_one, without))  # type: ignore[misc]
    assert theirs == nobodys
    assert theirs[0] is None
    own = work_of(lambda: with_one.get(who=ADA))
    assert own[0] is not None
    assert own[1] > theirs[1], "what is counted would show it"
    assert shared.get(who=BOB) is not None, "as the documentation says of `share: all`"
