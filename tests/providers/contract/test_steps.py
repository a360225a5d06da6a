"""Work that is more than calls one behind the other."""

import pytest

from providers.contract.steps import Fetch, Together, Wait, Work, no_steps, together


def test_work_that_is_done_together_gives_its_results_in_order() -> None:
    def one(result: int) -> Work[int]:
        yield Wait(0.5)
        return result

    parts = [one(1), one(2)]
    work = together(parts)
    assert next(work) == Together(parts)
    with pytest.raises(StopIteration) as end:
        work.send([1, 2])
    assert end.value.value == [1, 2]


def test_what_work_asks_for_are_values() -> None:
    assert Wait() == Wait(0)
    assert Fetch("https://x.example/a", 10).most_bytes == 10
    assert list(no_steps()) == []
