"""One client request through the whole gateway: what goes to the provider, what comes back, what is told of it."""

import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from tests.support.answers import ALL_SAID, DONE, FINISH, STREAM, answer, frame, said, whole, word
from tests.support.harness import API_KEYS, House, api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Visit


# -- an official API --------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_stream_arrives_word_by_word(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        assert visit.asked().url == "http://127.0.0.1:1002/v1/chat/completions"
        await house.pass_s(2)
        await visit.says(STREAM, word("Good "))
        assert (visit.got.text, visit.got.complete) == ("Good ", False)
        await house.pass_s(1)
        await visit.says(word("day"), FINISH, DONE)
        got = visit.got
        assert (got.status, got.text, got.frames[-1], got.complete) == (200, "Good day", "[DONE]", True)
        assert got.headers["x-request-id"] == house.line.id
        assert got.headers["x-glassgate-model"] == "m"
        assert got.headers["x-glassgate-account"] == "api/a"
        assert got.headers["x-glassgate-attempts"] == "1"
        line = house.line
        assert (line.status, line.outcome, line.model, line.provider, line.account) == (200, "ok", "m", "api", "a")
        assert (line.attempts, line.first_token_ms, line.total_ms, line.wait_ms) == (1, 2000, 3000, 0)
        assert (line.completion_tokens, line.error_code, line.why) == (2, None, "")
        note = visit.note
        assert (note.part, note.outcome, note.stream, note.attempt, note.most) == ("attempt", "ok", True, 1, 3)
        assert "Good " in note.delivered
        assert '"Hello"' in note.client_request
        assert is_quiet(house)


@in_virtual_time
async def test_a_whole_answer_comes_in_one_piece(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Good day"))
        got = visit.got
        assert (got.status, got.complete) == (200, True)
        assert got.value["choices"][0]["message"]["content"] == "Good day"
        assert int(got.headers["content-length"]) == len(got.body)
        line = house.line
        assert (line.outcome, line.prompt_tokens, line.completion_tokens) == ("ok", 3, 2)
        assert not visit.note.stream


@in_virtual_time
async def test_two_requests_on_one_connection(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = house.visit()
        for text in ("one", "two"):
            await visit.chats("m", stream=False)
            await visit.says(answer(text))
            assert visit.got.value["choices"][0]["message"]["content"] == text
        assert len({line.id for line in house.lines}) == 2
        assert is_quiet(house)


@in_virtual_time
async def test_the_key_goes_to_the_provider_and_to_nobody_else(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        key = API_KEYS["api", "a"]["api_key"]
        assert visit.asked().headers["authorization"] == f"Bearer {key}"
        await visit.says(STREAM, word(f"the key is {key}"), FINISH, DONE)
        seen = repr([flow.get_state() for flow in house.flows()]) + repr(house.lines) + repr(house.said)
        assert key not in seen
        assert KEY not in seen


@in_virtual_time
async def test_a_compressed_request_is_undone_and_counts_no_longer_than_it_lives(tmp_path: Path) -> None:
    body = gzip.compress(b'{"model": "m", "messages": [{"role": "user", "content": "packed"}]}')
    async with api(tmp_path) as house:
        visit = await house.visit().asks(body, content_encoding="gzip")
        assert b"packed" in visit.asked().content
        await visit.says(answer("ok"))
        assert house.line.outcome == "ok"
        assert is_quiet(house)
        spoilt = await house.visit().asks(body[:-12] + b"x" * 12, content_encoding="gzip")
        assert spoilt.got.status == 400
        assert is_quiet(house)


@in_virtual_time
async def test_a_big_request_goes_through_in_turns(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        messages = [{"role": "user", "content": f"{number:06}" + "x" * 1000} for number in range(300)]
        visit = await house.visit().asks({"model": "m", "messages": messages})
        assert b"000299x" in visit.asked().content
        await visit.says(answer("ok"))
        assert house.line.outcome == "ok"


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        (b"{", 400, "invalid_json", None),
        ({"model": "m"}, 400, None, "messages"),
        ({"model": "none", "messages": [{"role": "user", "content": "x"}]}, 404, "model_not_found", "model"),
    ],
)
@in_virtual_time
async def test_what_cannot_be_asked_is_refused_in_the_clients_words(
    tmp_path: Path, body: object, status: int, code: str | None, param: str | None
) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(body)
        got = visit.got
        assert (got.status, got.error["param"]) == (status, param)
        assert code is None or got.error["code"] == code
        assert not visit.servers
        line = house.line
        assert (line.status, line.outcome, line.attempts, line.id) == (
            status,
            "refused",
            0,
            got.headers["x-request-id"],
        )
        assert line.error_code == (got.error["code"] or got.error["type"])
        assert (visit.note.part, visit.note.outcome, visit.note.error) == ("local", "refused", got.error["message"])
        assert is_quiet(house)


@in_virtual_time
async def test_a_refusal_of_the_request_is_told_and_nobody_else_is_asked(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(whole(400, {"error": {"message": "tools is not valid here", "code": "bad_tools"}}))
        got = visit.got
        assert got.status == 400
        assert "tools is not valid here" in got.error["message"]
        assert got.headers["x-glassgate-account"] == "api/a"
        assert got.headers["x-glassgate-attempts"] == "1"
        assert len(visit.servers) == 1
        assert (house.line.outcome, house.line.status, house.line.account) == ("failed", 400, "a")
        assert visit.note.outcome == "failed"
        assert is_quiet(house)


# -- a person's session -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_chat_is_made_first_and_then_asked(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7", stream=stream)
        assert house.site.count("POST /api/v1/chats/new") == 1
        asked = visit.asked()
        assert asked.url.path == "/api/v2/chat/completions"
        assert b'"chat_id":"chat-1"' in asked.content
        assert asked.headers["authorization"] == f"Bearer {house.sessions['zai', 'a']['token']}"
        await visit.says(STREAM, said("Good "))
        assert bool(visit.to_client) is stream
        await visit.says(said("day"), ALL_SAID)
        got = visit.got
        text = got.text if stream else got.value["choices"][0]["message"]["content"]
        assert (got.status, text, got.complete) == (200, "Good day", True)
        assert (house.line.outcome, house.line.model, house.line.provider) == ("ok", "GLM-4.7", "zai")
        steps = [flow for flow in house.flows() if flow.metadata["glassgate"]["part"] == "step"]
        assert "/api/v1/chats/new" in [flow.request.path for flow in steps]
        mine = [flow.metadata["glassgate"]["request_id"] for flow in steps if flow.request.path.endswith("/new")]
        assert mine == [house.line.id]
        assert house.site.count("DELETE /api/v1/chats/chat-1") == 0


@in_virtual_time
async def test_the_chat_is_deleted_where_a_person_wants_that(tmp_path: Path) -> None:
    async with zai(tmp_path, delete_chats="true") as house:
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert house.site.count("DELETE /api/v1/chats/chat-1") == 1
        await visit.chats("GLM-4.7")
        await visit.leaves()
        assert house.site.count("DELETE /api/v1/chats/chat-2") == 1
        assert any("tidying up failed" in words for words in house.said) is False


# -- failures once the answer has begun -------------------------------------------------------------------------------
async def _breaks(visit: Visit) -> None:
    await visit.breaks()


async def _says_error(visit: Visit) -> None:
    await visit.says(frame({"error": {"message": "the model fell over", "code": 500}}))


async def _falls_silent(visit: Visit) -> None:
    await House.pass_s(61)


@pytest.mark.parametrize("fails", [_breaks, _says_error, _falls_silent])
@in_virtual_time
async def test_behind_the_first_word_a_failure_is_the_end(
    tmp_path: Path, fails: Callable[[Visit], Awaitable[None]]
) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "))
        await fails(visit)
        got = visit.got
        assert (got.status, got.complete, len(visit.servers)) == (200, True, 1)
        assert "api" in got.error["message"]
        assert "[DONE]" not in got.frames
        line = house.line
        assert (line.status, line.outcome, line.attempts) == (200, "broken_off", 1)
        assert line.error_code == (got.error["code"] or got.error["type"])
        assert line.why
        assert (visit.note.outcome, bool(visit.note.error)) == ("broken_off", True)
        assert is_quiet(house)


@in_virtual_time
async def test_what_broke_off_counts_against_its_account(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        for _ in range(5):
            visit = await house.visit().chats("m")
            await visit.says(STREAM, word("Good "))
            await visit.breaks()
        assert {line.account for line in house.lines} == {"a"}
        visit = await house.visit().chats("m")
        assert visit.asked().headers["authorization"].startswith("Bearer key-of-b")


@in_virtual_time
async def test_a_whole_answer_that_breaks_off_is_asked_for_elsewhere(tmp_path: Path) -> None:
    """A client that waits for it in one piece has seen nothing of it."""
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Good day")[:-20])
        await visit.breaks()
        assert not visit.to_client
        assert visit.asked().headers["authorization"].startswith("Bearer key-of-b")
        await visit.says(answer("Good day"))
        assert visit.got.value["choices"][0]["message"]["content"] == "Good day"
        assert visit.got.headers["x-glassgate-attempts"] == "2"


# -- a client that leaves ---------------------------------------------------------------------------------------------
@in_virtual_time
async def test_who_leaves_while_the_chat_is_made_has_nothing_asked(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:

        async def slowly(request: httpx.Request) -> tuple[int, object]:
            await house.pass_s(5)
            return 200, {"id": "late"}

        house.site.replies["POST /api/v1/chats/new"] = slowly
        visit = await house.visit().chats("GLM-4.7")
        await house.pass_s(1)
        assert not is_quiet(house)
        await visit.leaves()
        assert is_quiet(house)
        await house.pass_s(10)
        assert not visit.servers
        line = house.line
        assert (line.status, line.outcome, line.why) == (
            499,
            "client_left",
            "the client left before a provider was asked",
        )
        assert visit.note.outcome == "client_left"


@in_virtual_time
async def test_who_leaves_before_the_first_word(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM)
        await visit.leaves()
        assert visit.servers[0] in visit.closed
        line = house.line
        assert (line.status, line.outcome, line.why) == (499, "client_left", "the client left before the first word")
        assert (line.provider, line.account, line.error_code) == ("api", "a", None)
        assert is_quiet(house)


@in_virtual_time
async def test_who_leaves_in_the_middle(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "))
        await visit.leaves()
        assert visit.servers[0] in visit.closed
        line = house.line
        assert (line.status, line.outcome) == (200, "client_left")
        assert line.why == "the client left in the middle of the answer"
        assert (visit.note.outcome, visit.note.error) == ("client_left", "")
        assert is_quiet(house)


@in_virtual_time
async def test_who_leaves_before_the_request_is_whole_is_told_of_in_one_line(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().asks(b"{", content_length="1000")
        assert len(house.gate.exchanges) == 1
        await visit.leaves()
        assert [line.outcome for line in house.lines] == ["client_left"]
        assert house.line.status == 499
        assert is_quiet(house)


@in_virtual_time
async def test_a_whole_answer_may_take_longer_than_its_first_word(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.6", stream=False)
        await visit.says(STREAM, said("a"))
        for _ in range(5):
            await house.pass_s(40)
            await visit.says(said("b"))
        await visit.says(ALL_SAID)
        assert visit.got.value["choices"][0]["message"]["content"] == "abbbbb"
        assert len(visit.requests) == 1


@in_virtual_time
async def test_a_whole_answer_that_falls_silent_is_told_as_one(tmp_path: Path) -> None:
    async with zai(tmp_path, "retries: {enabled: false}") as house:
        visit = await house.visit().chats("GLM-4.6", stream=False)
        await visit.says(STREAM, said("a"))
        for _ in range(3):
            await house.pass_s(61)
        assert "fell silent" in visit.got.error["message"]
