"""What a client is told of accounts that were not asked."""

import time
from pathlib import Path

import httpx
import pytest

from providers.sandbox.tokens import jwt
from tests.exchange.answers import DOWN, NO_KEY, TOO_LONG, account, limited, model, one
from tests.support.answers import ALL_SAID, DONE, FINISH, STREAM, answer, said, whole, word, zai_token
from tests.support.harness import api, zai
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_an_account_that_keeps_failing_is_left_alone_and_that_is_told(tmp_path: Path) -> None:
    async with one(tmp_path, "breaker: {failures: 1, open_s: 20}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        second = await house.visit().chats("m")
        got = second.got
        assert (got.status, got.error["code"], got.headers["x-glassgate-account"]) == (
            503,
            "provider_unavailable",
            "api/a",
        )
        assert "keeps failing" in got.error["message"]
        assert got.headers["retry-after"] == "20"
        assert not second.requests
        await house.pass_s(21)
        assert (await house.visit().chats("m")).requests


@in_virtual_time
async def test_of_several_that_rest_the_one_is_told_that_is_asked_first(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(limited(300))
        await visit.says(limited(100))
        second = await house.visit().chats("m")
        assert second.got.headers["x-glassgate-account"] == "api/b"
        assert second.got.headers["retry-after"] == "100"


@in_virtual_time
async def test_a_limit_that_the_answers_head_tells_is_passed_on_from_the_account_that_answered(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(whole(503, {}, x_ratelimit_remaining_requests="7"))
        await visit.says(whole(400, {"error": {"message": "bad"}}, x_ratelimit_remaining_requests="8"))
        assert visit.got.headers["x-ratelimit-remaining-requests"] == "8"
        second = await house.visit().chats("m")
        await second.says(
            whole(429, {"error": {"message": "x"}}, retry_after="300", x_ratelimit_remaining_requests="0")
        )
        await second.says(
            whole(429, {"error": {"message": "x"}}, retry_after="200", x_ratelimit_remaining_requests="1")
        )
        assert second.got.headers["x-glassgate-account"] == "api/a"
        assert "x-ratelimit-remaining-requests" not in second.got.headers  # what came last was the other account's


@in_virtual_time
async def test_a_cookie_that_the_site_hands_out_with_an_answer_is_kept(tmp_path: Path) -> None:
    house = zai(tmp_path)
    token = house.sessions["zai", "a"]["token"]
    house.sessions["zai", "a"] = {"cookies": {"token": token}}
    fresh = zai_token("a")
    house.site.replies["GET /api/v1/auths/"] = (200, {"id": "a", "email": "a@example.com", "token": token})
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        head = STREAM.replace(b"\r\n\r\n", f"\r\nset-cookie: token={fresh}; Path=/\r\n\r\n".encode())
        await visit.says(head, said("Hi"), ALL_SAID)
        await house.pass_s(1)
        house.vault.refresh()
        assert house.vault.known["zai", "a"].material["cookies"] == {"token": fresh}
        assert fresh not in repr([flow.get_state() for flow in house.flows()])


@in_virtual_time
async def test_a_chat_that_cannot_be_deleted_costs_a_line_in_the_log(tmp_path: Path) -> None:
    async with zai(tmp_path, delete_chats="true") as house:

        def fails(request: httpx.Request) -> httpx.Response:
            raise httpx.ReadError("gone")

        house.site.replies["DELETE /api/v1/chats/chat-1"] = fails
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert house.line.outcome == "ok"
        assert any("tidying up failed" in words for words in house.said)


@in_virtual_time
async def test_what_refuses_the_request_says_more_than_an_account_that_was_down_before(tmp_path: Path) -> None:
    more = "routing: {fallbacks: {m: [{model: n, on: [context]}]}}\nretries: {enabled: false}"
    async with api(tmp_path, more) as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        await visit.says(TOO_LONG)
        assert model(visit) == "n"
        await visit.says(DOWN)
        await visit.says(DOWN)
        assert visit.got.error["code"] == "context_length_exceeded"
        assert visit.got.headers["x-glassgate-account"] == "api/b"


@in_virtual_time
async def test_a_check_for_humans_that_a_renewal_meets_makes_the_account_rest(tmp_path: Path) -> None:
    house = zai(tmp_path)
    house.sessions["zai", "a"] = {"token": jwt({"id": "a", "email": "a@example.com", "exp": int(time.time()) + 10})}
    house.site.replies["GET /api/v1/auths/"] = (403, {"error": {"code": "FRONTEND_CAPTCHA_REQUIRED"}})
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert house.parts.pool.by_key["zai", "a"].availability.blocked("GLM-4.7")
        assert house.line.attempts == 1


@in_virtual_time
async def test_who_refuses_the_request_itself_is_not_followed_by_an_account_of_the_same_model(tmp_path: Path) -> None:
    async with api(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [context]}]}}") as house:
        visit = await house.visit().chats("m")
        await visit.says(TOO_LONG)
        assert (model(visit), account(visit)) == ("n", "a")


@in_virtual_time
async def test_who_had_all_the_time_there_is_is_followed_by_accounts_of_the_same_model(tmp_path: Path) -> None:
    """A model that is to think is not called slow."""
    async with api(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [slow]}]}}") as house:
        visit = await house.visit().chats("m", reasoning_effort="high")
        await house.pass_s(299)
        assert len(visit.requests) == 1
        await house.pass_s(2)
        assert (model(visit), account(visit)) == ("m", "b")


@in_virtual_time
async def test_nobody_stands_in_for_a_slow_one_where_nothing_is_to_be_asked_twice(tmp_path: Path) -> None:
    more = "routing: {retry_accepted: false, fallbacks: {m: [{model: n, on: [slow]}]}}"
    async with api(tmp_path, more) as house:
        visit = await house.visit().chats("m")
        await house.pass_s(59)
        assert len(visit.requests) == 1
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_the_newest_failure_of_an_account_says_whether_it_is_asked_again(tmp_path: Path) -> None:
    async with one(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        await house.pass_s(1)
        await visit.says(NO_KEY)
        await house.pass_s(10)
        assert len(visit.requests) == 2
        assert visit.got.complete


@in_virtual_time
async def test_an_answer_makes_up_for_a_failure_and_a_refused_request_is_none(tmp_path: Path) -> None:
    async with one(tmp_path, "breaker: {failures: 2}\nretries: {enabled: false}") as house:
        for said_by_it in (DOWN, answer("Hi"), DOWN, answer("Hi")):
            visit = await house.visit().chats("m", stream=False)
            await visit.says(said_by_it)
        for _ in range(2):
            visit = await house.visit().chats("m")
            await visit.says(TOO_LONG)
        noted = house.parts.pool.by_key["api", "a"].health.state
        assert noted is None or noted.health.value == "ok"
        assert (await house.visit().chats("m")).requests


@in_virtual_time
async def test_a_full_account_is_told_of_before_one_that_rests_for_long(tmp_path: Path) -> None:
    async with api(tmp_path, "accounts: {max_concurrent: 1, queue_s: 0}") as house:
        first = await house.visit().chats("m")
        await first.says(limited(300))
        assert account(first) == "b"
        second = await house.visit().chats("m")
        assert (second.got.error["code"], second.got.headers["x-glassgate-account"]) == ("account_busy", "api/b")


@pytest.mark.parametrize(("after_s", "told"), [(5, None), (500, "false")])
@in_virtual_time
async def test_who_rests_for_a_moment_may_be_asked_again_by_the_client_itself(
    tmp_path: Path, after_s: int, told: str | None
) -> None:
    empty = whole(429, {"error": {"message": "x", "code": "insufficient_quota"}}, retry_after=str(after_s))
    async with one(tmp_path, "retries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(empty)
        second = await house.visit().chats("m")
        assert not second.requests
        assert second.got.headers.get("x-should-retry") == told
