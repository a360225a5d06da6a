"""The same account once more, after a pause; and who waits in line for one."""

from pathlib import Path

from tests.exchange.answers import DOWN, limited, one
from tests.support.answers import DONE, FINISH, STREAM, word
from tests.support.harness import is_quiet
from tests.support.virtual_time import in_virtual_time


# -- the same again ---------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_the_only_account_is_asked_again_after_a_pause(tmp_path: Path) -> None:
    async with one(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        await house.pass_s(1)
        assert len(visit.requests) == 2
        await visit.says(DOWN)
        await house.pass_s(2)
        assert len(visit.requests) == 3
        await visit.says(DOWN)
        await house.pass_s(60)
        assert visit.got.status == 502
        assert (len(visit.requests), house.line.attempts) == (3, 3)
        assert house.line.wait_ms > 0
        assert is_quiet(house)


@in_virtual_time
async def test_a_short_wait_that_the_provider_names_is_kept(tmp_path: Path) -> None:
    async with one(tmp_path, "cooldown: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(limited(7))
        await house.pass_s(6.9)
        assert len(visit.requests) == 1
        await house.pass_s(0.2)
        assert len(visit.requests) == 2
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert (house.line.outcome, house.line.wait_ms) == ("ok", 7000)
        assert is_quiet(house)


@in_virtual_time
async def test_a_long_wait_is_told_instead(tmp_path: Path) -> None:
    async with one(tmp_path, "cooldown: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(limited(31))
        assert visit.got.status == 429
        assert visit.got.headers["retry-after"] == "31"


@in_virtual_time
async def test_no_pause_goes_beyond_the_time_for_all(tmp_path: Path) -> None:
    async with one(tmp_path, "cooldown: {enabled: false}\ntimeouts: {total_s: 7}") as house:
        visit = await house.visit().chats("m")
        await visit.says(limited(7))
        assert visit.got.status == 429
        assert is_quiet(house)


@in_virtual_time
async def test_a_client_that_leaves_in_a_pause_is_not_asked_for(tmp_path: Path) -> None:
    async with one(tmp_path, "cooldown: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(limited(7))
        await visit.leaves()
        assert is_quiet(house)
        await house.pass_s(10)
        assert len(visit.requests) == 1
        assert (house.line.outcome, house.line.wait_ms) == ("client_left", 0)


@in_virtual_time
async def test_retries_are_few_among_many_requests(tmp_path: Path) -> None:
    async with one(tmp_path, "retries: {budget_min: 1, budget: 0}\ncooldown: {enabled: false}") as house:
        visits = [await house.visit().chats("m") for _ in range(2)]
        for visit in visits:
            await visit.says(limited(5))
        assert [bool(visit.to_client) for visit in visits] == [False, True]
        await house.pass_s(6)
        await visits[0].says(STREAM, word("Hi"), FINISH, DONE)
        assert is_quiet(house)


@in_virtual_time
async def test_without_retries_the_failure_is_told(tmp_path: Path) -> None:
    async with one(tmp_path, "retries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        assert visit.got.status == 502


# -- in line ----------------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_who_comes_to_a_full_account_waits_for_a_place(tmp_path: Path) -> None:
    async with one(tmp_path, "accounts: {max_concurrent: 1, queue_s: 30}") as house:
        first = await house.visit().chats("m")
        second = await house.visit().chats("m")
        assert not second.requests
        await house.pass_s(3)
        await first.says(STREAM, word("Hi"), FINISH, DONE)
        await second.says(STREAM, word("Ho"), FINISH, DONE)
        assert second.got.text == "Ho"
        assert (house.line.outcome, house.line.wait_ms) == ("ok", 3000)
        assert is_quiet(house)


@in_virtual_time
async def test_who_finds_no_place_in_time_is_told_so(tmp_path: Path) -> None:
    async with one(tmp_path, "accounts: {max_concurrent: 1, queue_s: 5}") as house:
        await house.visit().chats("m")
        second = await house.visit().chats("m")
        await house.pass_s(5.1)
        got = second.got
        assert (got.status, got.error["code"], got.headers["x-glassgate-account"]) == (429, "account_busy", "api/a")
        assert "retry-after" in got.headers
        assert (house.line.outcome, house.line.attempts, house.line.wait_ms) == ("refused", 0, 5000)


@in_virtual_time
async def test_who_leaves_the_line_leaves_no_gap(tmp_path: Path) -> None:
    async with one(tmp_path, "accounts: {max_concurrent: 1, queue_s: 30}") as house:
        first = await house.visit().chats("m")
        second, third = await house.visit().chats("m"), await house.visit().chats("m")
        await second.leaves()
        await first.says(STREAM, word("Hi"), FINISH, DONE)
        await third.says(STREAM, word("Ho"), FINISH, DONE)
        assert third.got.text == "Ho"
        assert not second.requests
        assert is_quiet(house)
