"""The store of threads."""

from addons.exchange.threads import KEPT, KEPT_S, HeldThread, Threads
from providers.contract.thread import Thread
from tests.support.counting import work_of

HELD = HeldThread(("zai", "a"), "GLM-4.6", Thread("chat", "answer"))
OTHER = HeldThread(("zai", "b"), "GLM-4.6", Thread("another", "answer"))


class Clock:
    now = 5000.0

    def __call__(self) -> float:
        return self.now


def test_a_thread_is_taken_once() -> None:
    threads = Threads(Clock())
    threads.put(b"key", HELD)
    assert threads.holder(b"key") == ("zai", "a")
    assert threads.take(b"key", ("zai", "a"), "GLM-4.6") == HELD.thread
    assert threads.take(b"key", ("zai", "a"), "GLM-4.6") is None
    assert threads.holder(b"key") is None
    assert len(threads) == 0


def test_only_its_account_and_model_can_go_on() -> None:
    threads = Threads(Clock())
    threads.put(b"key", HELD)
    assert threads.take(b"key", ("zai", "b"), "GLM-4.6") is None
    assert threads.take(b"key", ("qwen", "a"), "GLM-4.6") is None
    assert threads.take(b"key", ("zai", "a"), "GLM-4.7") is None
    assert threads.take(b"other", ("zai", "a"), "GLM-4.6") is None
    assert threads.take(b"key", ("zai", "a"), "GLM-4.6") == HELD.thread


def test_the_newest_of_the_same_words_is_kept() -> None:
    threads = Threads(Clock())
    threads.put(b"key", HELD)
    threads.put(b"key", OTHER)
    assert len(threads) == 1
    assert threads.holder(b"key") == ("zai", "b")


def test_an_old_thread_is_forgotten() -> None:
    clock = Clock()
    threads = Threads(clock)
    threads.put(b"older", HELD)
    clock.now += KEPT_S - 1
    threads.put(b"newer", OTHER)
    assert threads.holder(b"older") == ("zai", "a")
    clock.now += 1
    assert threads.holder(b"older") is None
    assert threads.take(b"older", ("zai", "a"), "GLM-4.6") is None
    assert len(threads) == 1


def test_no_more_are_kept_than_there_is_room_for_and_one_more_costs_no_more() -> None:
    threads = Threads(Clock())
    _, first = work_of(lambda: threads.put(b"-1", HELD))
    for number in range(KEPT + 10):
        threads.put(b"%d" % number, HELD)
    assert len(threads) == KEPT
    assert threads.holder(b"9") is None
    assert threads.holder(b"10") == ("zai", "a")
    _, later = work_of(lambda: threads.put(b"one more", HELD))
    assert later <= first + 5


def test_expiry_of_many_is_paid_once() -> None:
    clock = Clock()
    threads = Threads(clock)
    for number in range(1000):
        threads.put(b"%d" % number, HELD)
    clock.now += KEPT_S
    threads.holder(b"0")
    assert len(threads) == 0
    _, again = work_of(lambda: threads.holder(b"0"))
    assert again < 30
