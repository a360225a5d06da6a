"""Lines of the log that strangers cause: some are told, the others counted."""

from addons.stream.log_budget import LINES, WINDOW_S, LogBudget


def test_lines_beyond_the_budget_are_counted_and_told_later() -> None:
    budget = LogBudget()
    assert [budget.take(float(n) / LINES) for n in range(LINES)] == [0] * LINES
    assert [budget.take(WINDOW_S / 2) for _ in range(1000)] == [None] * 1000
    assert budget.take(WINDOW_S) == 1000
    assert budget.take(WINDOW_S) == 0
