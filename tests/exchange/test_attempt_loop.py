"""Who is asked next: another account, the same again, with a renewed session, mended, or another model of the chain."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.sandbox.tokens import jwt
from tests.support.harness import (
    ALL_SAID,
    DONE,
    FINISH,
    STREAM,
    House,
    Site,
    Visit,
    answer,
    api,
    frame,
    is_quiet,
    said,
    whole,
    word,
    zai,
    zai_sessions,
    zai_token,
)
from tests.support.virtual_time import in_virtual_time

DOWN = whole(503, {"error": {"message": "overloaded"}})
NO_KEY = whole(401, {"error": {"message": "no such key", "code": "invalid_api_key"}})
TOO_LONG = whole(400, {"error": {"message": "too long", "code": "context_length_exceeded"}})
FILTERED = whole(400, {"error": {"message": "no", "code": "content_policy_violation"}})
BAD = whole(400, {"error": {"message": "bad", "code": "bad_thing"}})
ONE = "\n  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1002/v1', models: [m, n, o], accounts: [a]}\n"


def one(folder: Path, more: str = "") -> House:
    """A gateway with one account."""
    house = api(folder, more)
    house.providers = ONE
    return house


def limited(after_s: int) -> bytes:
    return whole(429, {"error": {"message": "slow down"}}, retry_after=str(after_s))


def account(visit: Visit) -> str:
    """Whose key the provider was sent."""
    return visit.asked().headers["authorization"].removeprefix("Bearer key-of-")[0]


def model(visit: Visit) -> Any:
    return httpx.Response(200, content=visit.asked().content).json()["model"]


# -- another account --------------------------------------------------------------------------------------------------
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


# -- another model ----------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_another_model_stands_in_when_all_accounts_are_out(tmp_path: Path) -> None:
    async with api(tmp_path, "routing: {fallbacks: {M: [n]}}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        assert model(visit) == "m"
        await visit.says(DOWN)
        assert (model(visit), account(visit)) == ("n", "a")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        got = visit.got
        assert (got.headers["x-glassgate-model"], got.headers["x-glassgate-attempts"]) == ("n", "3")
        assert got.frames[0]["model"] == "n"
        assert (house.line.asked, house.line.model) == ("m", "n")
        assert is_quiet(house)


@pytest.mark.parametrize(("refusal", "cause"), [(TOO_LONG, "context"), (FILTERED, "content")])
@in_virtual_time
async def test_a_refusal_that_another_model_may_not_share(tmp_path: Path, refusal: bytes, cause: str) -> None:
    chain = f"routing: {{fallbacks: {{m: [{{model: n, on: [slow]}}, {{model: o, on: [{cause}]}}]}}}}"
    async with one(tmp_path, chain) as house:
        visit = await house.visit().chats("m")
        await visit.says(refusal)
        assert model(visit) == "o"
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_a_filter_that_ends_the_answer_before_its_first_word(tmp_path: Path) -> None:
    ended = frame({"id": "up-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]})
    async with one(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [content]}]}}") as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, ended, DONE)
        assert model(visit) == "n"


@in_virtual_time
async def test_a_refusal_without_a_stand_in_for_it_is_told_at_once(tmp_path: Path) -> None:
    async with one(tmp_path, "routing: {fallbacks: {m: [n, {model: o, on: [content]}]}}") as house:
        visit = await house.visit().chats("m")
        await visit.says(TOO_LONG)
        assert visit.got.status == 400
        assert visit.got.error["code"] == "context_length_exceeded"
        assert len(visit.requests) == 1


@in_virtual_time
async def test_the_refusal_of_a_stand_in_is_not_told(tmp_path: Path) -> None:
    """What the model said that was asked for is what the client can act on."""
    async with one(
        tmp_path, "routing: {fallbacks: {m: [{model: n, on: [context]}, {model: o, on: [context]}]}}"
    ) as house:
        visit = await house.visit().chats("m")
        await visit.says(TOO_LONG)
        await visit.says(BAD)
        assert model(visit) == "o"
        await visit.says(DOWN)
        await house.pass_s(60)
        await visit.says(DOWN)
        await house.pass_s(60)
        await visit.says(DOWN)
        await house.pass_s(60)
        got = visit.got
        assert (got.error["code"], got.headers["x-glassgate-model"]) == ("context_length_exceeded", "m")
        assert is_quiet(house)


@in_virtual_time
async def test_another_model_stands_in_for_a_slow_one(tmp_path: Path) -> None:
    async with api(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [slow]}]}}") as house:
        visit = await house.visit().chats("m")
        await house.pass_s(11)
        assert len(visit.requests) == 1
        await house.pass_s(2)
        assert (model(visit), account(visit)) == ("n", "a")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert (house.line.model, house.line.attempts) == ("n", 2)
        assert is_quiet(house)


@in_virtual_time
async def test_the_slow_one_is_asked_after_all_when_nobody_stands_in(tmp_path: Path) -> None:
    async with one(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [slow]}]}}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await house.pass_s(13)
        await visit.says(NO_KEY)
        assert model(visit) == "m"
        await house.pass_s(50)  # it has all the time there is now
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert (house.line.model, house.line.outcome, house.line.attempts) == ("m", "ok", 3)
        assert is_quiet(house)


@in_virtual_time
async def test_a_chain_that_comes_back_to_a_model_does_not_go_round(tmp_path: Path) -> None:
    async with one(tmp_path, "routing: {fallbacks: {m: [nobody, M, n, n]}}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        assert model(visit) == "n"
        await visit.says(DOWN)
        assert (visit.got.status, house.line.attempts) == (502, 2)


# -- renewed sessions -------------------------------------------------------------------------------------------------
def renews(site: Site, person: str = "a") -> str:
    """The site hands out another token, which is given."""
    token = zai_token(person)
    site.replies["GET /api/v1/auths/"] = (200, {"id": person, "email": f"{person}@example.com", "token": token})
    return token


EXPIRED = whole(401, {"detail": "Your session has expired"})


@in_virtual_time
async def test_a_refused_session_is_renewed_and_the_same_account_asked_again(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        token = renews(house.site)
        await visit.says(EXPIRED)
        assert visit.asked().headers["authorization"] == f"Bearer {token}"
        assert b'"chat_id":"chat-2"' in visit.asked().content
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account, house.line.attempts) == ("ok", "a", 2)
        house.vault.refresh()
        assert house.vault.known["zai", "a"].material["token"] == token
        assert is_quiet(house)


@in_virtual_time
async def test_it_is_renewed_while_the_chat_is_made_too(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        token = renews(house.site)

        def made(request: httpx.Request) -> tuple[int, object]:
            fresh = request.headers["authorization"] == f"Bearer {token}"
            return (200, {"id": "chat-9"}) if fresh else (401, {"detail": "Your session has expired"})

        house.site.replies["POST /api/v1/chats/new"] = made
        visit = await house.visit().chats("GLM-4.7")
        assert b'"chat_id":"chat-9"' in visit.asked().content
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account, house.line.attempts) == ("ok", "a", 1)


@in_virtual_time
async def test_a_renewed_session_that_is_refused_too_gives_way_to_another_account(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        renews(house.site)
        await visit.says(EXPIRED)
        await visit.says(EXPIRED)
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        assert house.site.count("GET /api/v1/auths/") == 1


@in_virtual_time
async def test_a_session_that_cannot_be_renewed_gives_way_too(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        house.site.replies["GET /api/v1/auths/"] = (401, {"detail": "Your session has expired"})
        await visit.says(EXPIRED)
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account) == ("ok", "b")
        assert is_quiet(house)


@in_virtual_time
async def test_without_a_session_there_is_no_attempt(tmp_path: Path) -> None:
    house = zai(tmp_path)
    del house.sessions["zai", "a"]
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert house.line.attempts == 1
    house.sessions = {}


@in_virtual_time
async def test_a_session_that_is_stored_while_the_gateway_runs_serves_at_once(tmp_path: Path) -> None:
    house = zai(tmp_path)
    house.sessions = {}
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        assert (visit.got.status, house.line.attempts) == (502, 0)
        assert "capture zai a" in visit.got.error["message"]
        house.vault.put("zai", "b", zai_sessions()["zai", "b"])
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account) == ("ok", "b")


# -- what is mended, and what needs a human ---------------------------------------------------------------------------
@in_virtual_time
async def test_an_outdated_version_is_read_anew_from_the_page(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        house.site.replies["GET /"] = (200, b"<script src='/assets/prod-fe-9.9.9/index.js'></script>")
        await visit.says(whole(426, {"detail": "outdated client"}))
        assert "prod-fe-9.9.9" in str(visit.asked().headers) + str(visit.asked().url)
        await visit.says(whole(426, {"detail": "outdated client"}))
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        assert house.site.count("GET /") == 1
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.account, house.line.attempts) == ("b", 3)
        assert is_quiet(house)


@in_virtual_time
async def test_a_page_that_tells_nothing_newer_mends_nothing(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        house.site.replies["GET /"] = (503, b"")
        await visit.says(whole(426, {"detail": "outdated client"}))
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"


@in_virtual_time
async def test_an_account_whose_site_wants_a_human_rests(tmp_path: Path) -> None:
    challenge = whole(403, {"error": {"code": "FRONTEND_CAPTCHA_REQUIRED", "detail": "captcha required"}})
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(challenge)
        await visit.says(challenge)
        got = visit.got
        assert got.error["code"] == "provider_challenge"
        assert got.headers["x-glassgate-attempts"] == "2"
        second = await house.visit().chats("GLM-4.7")
        assert not second.requests
        assert "rests" in second.got.error["message"]
        house.vault.put("zai", "b", {"token": zai_token("b")})
        third = await house.visit().chats("GLM-4.7")  # a session stored since is tried at once
        await third.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account) == ("ok", "b")
        assert is_quiet(house)


@in_virtual_time
async def test_nothing_is_tried_for_an_answer_that_is_there(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Hi"))
        await house.pass_s(700)
        assert [line.outcome for line in house.lines] == ["ok"]
        assert len(visit.requests) == 1


# -- what is told of who was not asked --------------------------------------------------------------------------------
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
