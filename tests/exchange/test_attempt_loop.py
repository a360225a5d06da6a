"""Who is asked next when an account could not answer."""

from pathlib import Path
from typing import Any

import pytest

from addons.upstream.port import OUT_OF_FILES
from providers.contract.errors import ErrorKind
from tests.exchange.answers import DOWN, NO_KEY, account, limited
from tests.support.answers import DONE, FINISH, STREAM, frame, whole, word
from tests.support.harness import House, api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time


@pytest.mark.parametrize(
    "refusal", [NO_KEY, DOWN, limited(60), whole(402, {"error": {"message": "x", "code": "insufficient_quota"}})]
)
@in_virtual_time
async def test_a_refused_account_is_followed_by_the_next(tmp_path: Path, refusal: bytes) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        assert account(visit) == "a"
        await visit.says(refusal)
        assert not visit.to_client
        assert account(visit) == "b"
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        got = visit.got
        assert (got.text, got.headers["x-glassgate-account"], got.headers["x-glassgate-attempts"]) == (
            "Hi",
            "api/b",
            "2",
        )
        assert (house.line.outcome, house.line.account, house.line.attempts) == ("ok", "b", 2)
        assert [(note["attempt"], note["account"], note["outcome"], note["followed"]) for note in notes(house)] == [
            (1, "a", "failed", True),
            (2, "b", "ok", False),
        ]
        assert is_quiet(house)


def notes(house: House) -> list[dict[str, Any]]:
    """The annotations of all attempts, in order."""
    found = [flow.metadata["glassgate"] for flow in house.flows()]
    return sorted((note for note in found if note["part"] == "attempt"), key=lambda note: int(note["attempt"]))


@in_virtual_time
async def test_an_error_inside_of_a_stream_before_its_first_word(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, frame({"error": {"message": "overloaded", "code": 503}}))
        assert account(visit) == "b"


@pytest.mark.parametrize("words", ["Connection refused", "timed out"])
@in_virtual_time
async def test_a_connection_that_fails(tmp_path: Path, words: str) -> None:
    async with api(tmp_path, "retries: {enabled: false}") as house:
        visit = house.visit()
        visit.connect_error = words
        await visit.chats("m")
        got = visit.got
        assert (got.status, got.headers["x-glassgate-attempts"]) == (502, "2")
        assert (house.line.outcome, house.line.error_code) == ("failed", got.error["code"])
        assert got.error["code"] == "upstream_unreachable"
        assert is_quiet(house)


@in_virtual_time
async def test_a_gateway_without_files_blames_nobody_else(tmp_path: Path) -> None:
    """Neither the provider for it, nor its breaker: the next request finds it as it was."""
    async with api(tmp_path, "retries: {enabled: false}\nbreaker: {failures: 1}") as house:
        visit = house.visit()
        visit.connect_error = OUT_OF_FILES
        await visit.chats("m")
        assert (visit.got.status, visit.got.error["code"]) == (503, "gateway_full")
        assert "was not asked: this process may open no more files" in visit.got.error["message"]
        again = await house.visit().chats("m")
        assert account(again) == "a"


@pytest.mark.parametrize("again", [True, False])
@in_virtual_time
async def test_what_was_accepted_is_asked_for_again_unless_a_person_forbids(tmp_path: Path, again: bool) -> None:
    async with api(tmp_path, f"routing: {{retry_accepted: {again}}}") as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM)
        await visit.breaks()
        assert len(visit.requests) == (2 if again else 1)
        if not again:
            assert visit.got.status == 502
            assert house.line.outcome == "failed"
            assert is_quiet(house)


@in_virtual_time
async def test_silence_before_the_first_word(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await house.pass_s(59)
        assert len(visit.requests) == 1
        await house.pass_s(2)
        assert account(visit) == "b"
        await house.pass_s(61)
        got = visit.got
        assert (got.status, got.error["code"]) == (504, "upstream_timeout")
        assert len(visit.requests) == 2  # who was silent for so long may be at work on it
        assert is_quiet(house)


@in_virtual_time
async def test_the_time_for_all_ends_the_search(tmp_path: Path) -> None:
    async with api(tmp_path, "timeouts: {total_s: 70}") as house:
        visit = await house.visit().chats("m")
        await house.pass_s(61)
        assert account(visit) == "b"
        await house.pass_s(10)
        assert visit.got.status == 504
        assert is_quiet(house)


@in_virtual_time
async def test_no_more_attempts_than_allowed(tmp_path: Path) -> None:
    async with api(tmp_path, "routing: {max_attempts: 1}") as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        assert visit.got.status == 502
        assert len(visit.requests) == 1
        assert house.line.attempts == 1


@in_virtual_time
async def test_a_limited_account_rests_and_is_asked_again_in_time(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(limited(100))
        await visit.says(limited(200))
        got = visit.got
        assert (got.status, got.headers["x-glassgate-account"]) == (429, "api/a")
        assert 99 <= int(got.headers["retry-after"]) <= 100
        second = await house.visit().chats("m")
        assert second.got.status == 429
        assert not second.requests
        assert second.got.headers["x-glassgate-attempts"] == "0"
        assert (house.line.outcome, house.line.attempts, house.line.account) == ("refused", 0, "a")
        await house.pass_s(101)
        third = await house.visit().chats("m")
        assert account(third) == "a"
        await third.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"
        assert is_quiet(house)


@in_virtual_time
async def test_the_first_failure_says_most(tmp_path: Path) -> None:
    async with api(tmp_path, "retries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(NO_KEY)
        await visit.says(DOWN)
        got = visit.got
        assert got.headers["x-glassgate-account"] == "api/a"
        assert "api/a" in got.error["message"] or "no such key" in got.error["message"]
        shown = visit.flows[0].response
        assert shown
        assert shown.status_code == 503  # the provider's own answer, of the attempt that stands in the flow
        assert (house.line.account, house.line.attempts, house.line.outcome) == ("a", 2, "failed")


@in_virtual_time
async def test_each_attempt_leaves_one_record_with_its_times(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await house.pass_s(2)
        await visit.says(limited(60))
        await house.pass_s(1)
        await visit.says(STREAM, word("Hi"))
        await house.pass_s(1)
        await visit.says(FINISH, DONE)
        told = [
            (one.number, one.account, one.error and one.error.kind, one.took_ms, one.first_token_ms, one.ended_ms)
            for one in house.line.records
        ]
        assert told == [(1, "a", ErrorKind.RATE_LIMITED, 2000, None, 2000), (2, "b", None, 2000, 3000, 4000)]
        assert house.line.wait_ms == 0


@in_virtual_time
async def test_an_attempt_that_could_not_be_prepared_has_a_record_too(tmp_path: Path) -> None:
    async with zai(tmp_path, "retries: {enabled: false}") as house:
        house.site.replies["POST /api/v1/chats/new"] = (500, {"detail": "down"})
        visit = await house.visit().chats("GLM-4.6")
        assert visit.got.status == 502
        records = house.line.records
        assert [(one.number, one.account, one.took_ms, one.attempt) for one in records] == [
            (1, "a", 0, None),
            (2, "b", 0, None),
        ]
        assert all(one.error is not None and one.error.kind is ErrorKind.PROVIDER_DOWN for one in records)
        assert (house.line.attempts, visit.requests) == (2, [])
        assert is_quiet(house)


@in_virtual_time
async def test_a_client_that_leaves_leaves_a_record_of_the_attempt(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Hi"))
        await visit.leaves()
        [record] = house.line.records
        assert (record.number, record.account, record.error) == (1, "a", None)
        assert house.line.outcome == "client_left"
        assert is_quiet(house)
