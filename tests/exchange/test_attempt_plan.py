"""The time an attempt is given."""

from addons.config.schema import Timeouts
from addons.exchange.attempt_plan import time_for_all

SDK_WAITS_S = 600


def test_a_client_waiting_for_a_whole_answer_hears_from_us_before_it_gives_up() -> None:
    usual = float(Timeouts().total_s)
    assert time_for_all(usual, stream=False) < SDK_WAITS_S - 5
    assert time_for_all(usual, stream=True) == usual
