"""In which order accounts are asked, and what makes a conversation."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.routing.strategy import REMEMBERED, OrderState, Roster, Strategy, conversation_of
from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from tests.support.choices import Chosen, order


def choices(**more: list[float]) -> list[Chosen]:
    names = [("p", "a"), ("p", "b"), ("q", "c")]
    return [
        Chosen(name, **{field: values[index] for field, values in more.items()})  # type: ignore[arg-type]
        for index, name in enumerate(names)
    ]


def test_priority_is_the_order_of_the_file_unless_said_otherwise() -> None:
    state = OrderState(random.Random(1))
    assert order(state, choices(), "priority", "m", "x") == [0, 1, 2]
    assert order(state, choices(priority=[2, 1, 1]), "priority", "m", "x") == [1, 2, 0]


def test_round_robin_goes_round_for_each_model_by_itself() -> None:
    state = OrderState(random.Random(1))
    firsts = [order(state, choices(), "round_robin", "m", str(n))[0] for n in range(4)]
    assert firsts == [0, 1, 2, 0]
    assert order(state, choices(), "round_robin", "other", "x") == [0, 1, 2]


def test_the_least_busy_first() -> None:
    found = order(OrderState(random.Random(1)), choices(load=[0.5, 0.0, 0.25]), "least_busy", "m", "x")
    assert found == [1, 2, 0]


def test_weights_are_shares() -> None:
    state = OrderState(random.Random(1))
    firsts = Counter(order(state, choices(weight=[1, 1, 8]), "weighted", "m", str(n))[0] for n in range(5000))
    assert firsts[2] / 5000 == pytest.approx(0.8, abs=0.03)
    assert firsts[0] / 5000 == pytest.approx(0.1, abs=0.02)


class Dice(random.Random):
    """Throws what it was told to, then anything."""

    def __init__(self, *thrown: float) -> None:
        super().__init__(1)
        self.thrown = list(thrown)

    def random(self) -> float:
        return self.thrown.pop(0) if self.thrown else super().random()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_each_is_drawn_first_just_as_often_as_its_weight_says(weights: list[int]) -> None:
    listed, total = [Chosen(("p", str(at)), weight=weight) for at, weight in enumerate(weights)], sum(weights)
    state = [OrderState(Dice((at + 0.5) / total)) for at in range(total)]
    firsts = Counter(order(one, listed, "weighted")[0] for one in state)
    assert [firsts[at] for at in range(len(weights))] == weights


def test_who_was_drawn_is_drawn_no_more_while_the_others_keep_their_shares() -> None:
    listed = [Chosen(("p", str(at)), weight=weight) for at, weight in enumerate((1, 2, 4, 4))]
    seconds = [order(OrderState(Dice(0.0, 0.0, (at + 0.5) / 11)), listed, "weighted")[1] for at in range(1, 11)]
    assert Counter(seconds) == {1: 2, 2: 4, 3: 4}


@given(st.lists(st.integers(1, 3), max_size=8), st.integers(0, 99))
def test_all_are_drawn_once(weights: list[int], seed: int) -> None:
    listed = [Chosen(("p", str(at)), weight=weight) for at, weight in enumerate(weights)]
    assert sorted(order(OrderState(random.Random(seed)), listed, "weighted")) == list(range(len(weights)))


def plain(choices: Sequence[Chosen], strategy: Strategy, turn: int, home: str) -> list[int]:
    """The order, by a look at all of them."""
    indices = list(range(len(choices)))
    if strategy == "round_robin":
        indices = indices[turn % max(len(choices), 1) :] + indices[: turn % max(len(choices), 1)]
    elif strategy == "least_busy":
        indices.sort(key=lambda at: (choices[at].load, choices[at].priority))
    else:
        indices.sort(key=lambda at: choices[at].priority)
    return sorted(indices, key=lambda at: choices[at].key != ("p", home))


@given(
    st.lists(st.tuples(st.integers(-1, 2), st.sampled_from([0.0, 0.5, 1.0])), max_size=8),
    st.sampled_from(["priority", "round_robin", "least_busy"]),
    st.integers(0, 9),
    st.sampled_from("012x"),
)
def test_whoever_is_taken_the_order_is_that_of_all(
    given_: list[tuple[int, float]], strategy: Strategy, turn: int, home: str
) -> None:
    listed = [Chosen(("p", str(at)), priority, load=load) for at, (priority, load) in enumerate(given_)]
    state = OrderState(random.Random(1))
    for _ in range(turn):
        state.order(Roster(listed), strategy, "m", "other")
    state.settled("x", ("p", home))
    assert order(state, listed, strategy) == plain(listed, strategy, turn, home)


@pytest.mark.parametrize("strategy", ["priority", "round_robin", "least_busy", "weighted"])
def test_a_conversation_stays_where_it_is(strategy: str) -> None:
    state = OrderState(random.Random(1))
    state.settled("talk", ("q", "c"))
    for _ in range(5):
        found = order(state, choices(), strategy, "m", "talk")  # type: ignore[arg-type]
        assert found[0] == 2
        assert sorted(found) == [0, 1, 2]


def test_the_oldest_conversation_is_forgotten() -> None:
    state = OrderState(random.Random(1))
    state.settled("first", ("q", "c"))
    for number in range(REMEMBERED):
        state.settled(str(number), ("p", "b"))
    assert order(state, choices(), "priority", "m", "first") == [0, 1, 2]


def test_what_makes_a_conversation() -> None:
    system, hello = Message("system", "be kind"), Message("user", "hello")
    begun = ChatRequest("m", (system, hello))
    longer = ChatRequest("m", (system, hello, Message("assistant", "hi"), Message("user", "more")))
    other = ChatRequest("m", (system, Message("user", "bye")))
    assert conversation_of(begun) == conversation_of(longer)
    assert (
        len({conversation_of(begun), conversation_of(other), conversation_of(ChatRequest("n", (system, hello)))}) == 3
    )
    assert conversation_of(ChatRequest("m", (hello,), affinity="k")) == conversation_of(
        other.__class__("m", (), affinity="k")
    )


def test_the_least_busy_of_alike_ones_is_the_first_by_priority() -> None:
    found = order(OrderState(random.Random(1)), choices(priority=[2, 1, 1]), "least_busy", "m", "x")
    assert found == [1, 2, 0]


@pytest.mark.parametrize("strategy", ["priority", "round_robin", "least_busy", "weighted"])
def test_of_no_accounts_there_is_no_order(strategy: str) -> None:
    assert order(OrderState(random.Random(1)), [], strategy, "m", "x") == []  # type: ignore[arg-type]


def test_a_conversation_whose_account_is_gone_is_anybodys() -> None:
    state = OrderState(random.Random(1))
    state.settled("talk", ("gone", "x"))
    assert order(state, choices(), "priority", "m", "talk") == [0, 1, 2]


def test_a_conversation_that_goes_on_is_not_the_oldest() -> None:
    state = OrderState(random.Random(1))
    state.settled("first", ("q", "c"))
    for number in range(REMEMBERED - 1):
        state.settled(str(number), ("p", "b"))
    state.settled("first", ("q", "c"))
    state.settled("one more", ("p", "b"))
    assert order(state, choices(), "priority", "m", "first")[0] == 2
    assert order(state, choices(), "priority", "m", "0") == [0, 1, 2]


def said(*words: str, affinity: str | None = None, model: str = "m") -> str:
    messages = tuple(Message("user" if number % 2 else "system", text) for number, text in enumerate(words, 1))
    return conversation_of(ChatRequest(model, messages, affinity=affinity))


def test_the_clients_own_key_goes_before_the_words() -> None:
    assert said("a", affinity="k") == said("b", affinity="k") != said("a", affinity="l")
    assert said("a", affinity="") == said("a")


def test_parts_of_the_beginning_do_not_run_into_each_other() -> None:
    texts = [("ab", "c"), ("a", "bc")]
    digests = {conversation_of(ChatRequest("m", tuple(Message("system", text) for text in pair))) for pair in texts}
    assert len(digests) == 2
    assert said("a") != said("a", model="other")


def test_half_a_surrogate_in_the_words_is_a_conversation_too() -> None:
    assert len(said("\ud800", model="\ud800")) == len(said("x", affinity="\ud800")) == 64
