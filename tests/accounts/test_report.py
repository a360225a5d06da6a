"""What people are told of an account, in one line."""

import re
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.health import AccountState, Health
from addons.accounts.report import AccountLine, moment_text, report_lines
from providers.contract.steps import Moment
from tests.accounts.renewing import EXPIRED, START, House

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
        (AccountLine("p", "a", Health.EXPIRED, "x", until=int(NOW) + 60), r"p/a  expired  x"),
        (AccountLine("p", "a", Health.CHALLENGED, "check"), r"p/a  challenged  check"),
        (
            AccountLine("p", "a", Health.CHALLENGED, "check", until=int(NOW) + 60),
            r"p/a  challenged  rests, asked again .* \(in 1 min\)  check",
        ),
    ],
)
def test_one_account_is_one_line(line: AccountLine, words: str) -> None:
    said = report_lines([line], NOW)[0]
    assert re.fullmatch(words, said), said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [
        (0, "in 0 min"),
        (90 * 60, "in 90 min"),
        (119 * 60, "in 119 min"),
        (120 * 60, "in 2 h"),
        (-3 * 3600, "3 h ago"),
        (72 * 3600 - 60, "in 71 h"),
        (72 * 3600, "in 3 days"),
        (-72 * 3600, "3 days ago"),
        (5 * 86_400, "in 5 days"),
        (-40, "1 min ago"),
    ],
)
def test_a_time_is_told_with_its_distance(ahead_s: int, words: str) -> None:
    assert moment_text(int(NOW) + ahead_s, NOW).endswith(f"({words})")


# -- what is reported -------------------------------------------------------------------------------------------------
def line_of(house: House) -> AccountLine:
    [line] = house.pool.report(Moment(int(house.now_s * 1000), lambda: "id"))
    return line


def of_session(folder: Path, token: str, **more: Any) -> House:
    folder.chmod(0o700)
    return House(folder, {"token": token, **more})


BY_REFRESH: dict[str, Any] = {"cookies": {"refresh": "r1"}}
BY_PASSWORD = {"email": "ada@example.org", "password": "secret word"}


@pytest.mark.parametrize(("more", "renewable"), [({}, False), (BY_REFRESH, True), (BY_PASSWORD, True)])
@pytest.mark.parametrize("left_s", [1, 0, -1])
def test_a_session_that_has_ended_is_renewed_or_wants_a_sign_in(
    tmp_path: Path, left_s: int, more: dict[str, Any], renewable: bool
) -> None:
    house = of_session(tmp_path, f"a:{START + left_s}", **more)
    line = line_of(house)
    assert (line.renewable, house.site.asked) == (renewable, []), "nothing is asked for it"
    if left_s > 0:
        assert (line.state, line.expires_at, line.reason) == (Health.OK, START + left_s, "")
    elif renewable:
        assert (line.state, line.expires_at) == (Health.ENDED, START + left_s)
        assert "tries to renew it" in line.reason
    else:
        assert line.state is Health.EXPIRED
        assert re.search("the session has ended. Sign in again: .*glassgate login site me", line.reason)


def test_an_account_without_a_session_or_with_one_that_cannot_be_read(tmp_path: Path) -> None:
    house = of_session(tmp_path, "a")
    house.vault.put("site", "me", {"cookies": {"refresh": "r1"}})
    assert (line_of(house).state, line_of(house).reason) == (Health.EXPIRED, "no token")
    house.vault.remove("site", "me")
    assert line_of(house).state is Health.MISSING


def test_what_stood_against_a_session_is_not_told_of_a_newer_one(tmp_path: Path) -> None:
    house = of_session(tmp_path, "a")
    house.account.refused(EXPIRED)
    assert line_of(house).state is Health.EXPIRED
    house.now_s += 1
    house.vault.put("site", "me", {"token": "a2"})
    assert line_of(house).state is Health.OK


def test_a_limit_is_told_of_a_newer_session_too(tmp_path: Path) -> None:
    house = of_session(tmp_path, "a")
    house.account.health.record(AccountState(Health.LIMITED, START, START + 60, "slow down"))
    house.now_s += 1
    house.vault.put("site", "me", {"token": "a2"})
    assert (line_of(house).state, line_of(house).until) == (Health.LIMITED, START + 60)
