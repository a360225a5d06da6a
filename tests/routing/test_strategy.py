"""In which order accounts are asked, and what makes a conversation."""

import random
from collections import Counter

import pytest

from addons.routing.strategy import REMEMBERED, AccountChoice, OrderState, conversation_of
from providers.contract.chat import Message
from providers.contract.requests import ChatRequest


def choices(**more: list[float]) -> list[AccountChoice]:
    names = [("p", "a"), ("p", "b"), ("q", "c")]
    return [
        AccountChoice(name, **{field: values[index] for field, values in more.items()})  # type: ignore[arg-type]
        for index, name in enumerate(names)
    ]


def test_priority_is_the_order_of_the_file_unless_said_otherwise() -> None:
    state = OrderState(random.Random(1))
    assert state.order(choices(), "priority", "m", "x") == [0, 1, 2]
    assert state.order(choices(priority=[2, 1, 1]), "priority", "m", "x") == [1, 2, 0]


def test_round_robin_goes_round_for_each_model_by_itself() -> None:
    state = OrderState(random.Random(1))
    firsts = [state.order(choices(), "round_robin", "m", str(n))[0] for n in range(4)]
    assert firsts == [0, 1, 2, 0]
    assert state.order(choices(), "round_robin", "other", "x") == [0, 1, 2]


def test_the_least_busy_first() -> None:
    order = OrderState(random.Random(1)).order(choices(load=[0.5, 0.0, 0.25]), "least_busy", "m", "x")
    assert order == [1, 2, 0]


def test_weights_are_shares() -> None:
    state = OrderState(random.Random(1))
    firsts = Counter(state.order(choices(weight=[1, 1, 8]), "weighted", "m", str(n))[0] for n in range(5000))
    assert firsts[2] / 5000 == pytest.approx(0.8, abs=0.03)
    assert firsts[0] / 5000 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("strategy", ["priority", "round_robin", "least_busy", "weighted"])
def test_a_conversation_stays_where_it_is(strategy: str) -> None:
    state = OrderState(random.Random(1))
    state.settled("talk", ("q", "c"))
    for _ in range(5):
        order = state.order(choices(), strategy, "m", "talk")  # type: ignore[arg-type]
        assert order[0] == 2
        assert sorted(order) == [0, 1, 2]


def test_the_oldest_conversation_is_forgotten() -> None:
    state = OrderState(random.Random(1))
    state.settled("first", ("q", "c"))
    for number in range(REMEMBERED):
        state.settled(str(number), ("p", "b"))
    assert state.order(choices(), "priority", "m", "first") == [0, 1, 2]


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
    order = OrderState(random.Random(1)).order(choices(priority=[2, 1, 1]), "least_busy", "m", "x")
    assert order == [1, 2, 0]


@pytest.mark.parametrize("strategy", ["priority", "round_robin", "least_busy", "weighted"])
def test_of_no_accounts_there_is_no_order(strategy: str) -> None:
    assert OrderState(random.Random(1)).order([], strategy, "m", "x") == []  # type: ignore[arg-type]


def test_a_conversation_whose_account_is_gone_is_anybodys() -> None:
    state = OrderState(random.Random(1))
    state.settled("talk", ("gone", "x"))
    assert state.order(choices(), "priority", "m", "talk") == [0, 1, 2]


def test_a_conversation_that_goes_on_is_not_the_oldest() -> None:
    state = OrderState(random.Random(1))
    state.settled("first", ("q", "c"))
    for number in range(REMEMBERED - 1):
        state.settled(str(number), ("p", "b"))
    state.settled("first", ("q", "c"))
    state.settled("one more", ("p", "b"))
    assert state.order(choices(), "priority", "m", "first")[0] == 2
    assert state.order(choices(), "priority", "m", "0") == [0, 1, 2]


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
