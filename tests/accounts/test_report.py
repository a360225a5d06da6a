"""What people are told of an account, in one line."""

import re

import pytest

from addons.accounts.health import Health
from addons.accounts.report import AccountLine, moment_text, report_line

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (AccountLine("p", "a", Health.OK), r"p/a  ok"),
        (AccountLine("p", "a", Health.OK, "not told"), r"p/a  ok"),
        (AccountLine("p", "a", Health.OK, expires_at=int(NOW) + 600), r"p/a  ok  session until .* \(in 10 min\)"),
        (
            AccountLine("p", "a", Health.OK, expires_at=int(NOW) + 600, renewable=True),
            r"p/a  ok  renewed by itself, next before .*",
        ),
        (AccountLine("p", "a", Health.ENDED, "x", expires_at=int(NOW) - 600), r"p/a  ended  since .*10 min ago\)  x"),
        (AccountLine("p", "a", Health.LIMITED, "slow", until=int(NOW) + 60), r"p/a  limited  until .*1 min\)  slow"),
        (
            AccountLine("p", "a", Health.CHALLENGED, "check", until=int(NOW) - 1),
            r"p/a  challenged  rests, asked again with the next request  check",
        ),
        (
            AccountLine("p", "a", Health.OK, limited_models={"m": int(NOW) + 60, "n": None}),
            r"p/a  ok  m limited until .* \(in 1 min\)",
        ),
        (AccountLine("p", "a", Health.EXPIRED, "two\nlines\x1b"), r"p/a  expired  two.*lines.*"),
    ],
)
def test_one_account_is_one_line(line: AccountLine, words: str) -> None:
    said = report_line(line, NOW)
    assert re.fullmatch(words, said), said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [(0, "in 0 min"), (90 * 60, "in 90 min"), (-3 * 3600, "3 h ago"), (5 * 86_400, "in 5 days"), (-40, "1 min ago")],
)
def test_a_time_is_told_with_its_distance(ahead_s: int, words: str) -> None:
    assert moment_text(int(NOW) + ahead_s, NOW).endswith(f"({words})")
