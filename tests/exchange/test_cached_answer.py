"""The cache of whole answers, through the exchange."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest
from mitmproxy import http

from addons.inspect.annotation import annotation_of
from tests.exchange.answers import DOWN, FILTERED, limited, one
from tests.support.answers import ALL_SAID, DONE, FINISH, STREAM, answer, frame, said, whole, word
from tests.support.harness import House, api, is_quiet, zai
from tests.support.http1 import END
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Visit

ON: Final = "cache: {ttl_s: 100}\n"
HI: Final = answer("Hi")
STREAMED: Final = STREAM + word("Hello") + FINISH + DONE
SAID: Final = [{"role": "user", "content": "Hello"}]
FUNCTION: Final = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALLS: Final = [{"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
BOB: Final = "sk-bob-0123456789abcdef0123456789abcdef"


async def asked(house: House, *answers: bytes, path: str = "/v1/chat/completions", **more: Any) -> Visit:
    """A request, and what the provider says to it, if it is asked. Members that are None are left out."""
    head = more.pop("head", {})
    body = {"model": "m", "temperature": 0, "messages": SAID} | more
    visit = await house.visit().asks({n: v for n, v in body.items() if v is not None}, path, **head)
    if visit.requests:
        await visit.says(*answers)
    return visit


def state(visit: Visit) -> str | None:
    return visit.got.headers.get("x-glassgate-cache")


def ends(reason: str, **message: object) -> bytes:
    """A whole answer that ends so."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi", **message}, "finish_reason": reason}
    return whole(200, {"id": "up-1", "object": "chat.completion", "choices": [choice]})


def stream_ends(reason: str, **delta: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": reason}
    frames = ({"id": "up-1", "choices": [choice]}, {"id": "up-1", "choices": [end]})
    return STREAM + word("Hi") + b"".join(map(frame, frames)) + DONE


# -- given again ---------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_whole_answer_is_given_again_to_the_same_request(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        first = await asked(house, HI)
        await house.pass_s(7)
        second = await asked(house)
        assert not second.requests
        assert second.got.body == first.got.body
        assert (state(first), state(second)) == ("miss", "hit")
        headers = second.got.headers
        assert (headers["age"], headers["x-glassgate-attempts"], headers["x-glassgate-model"]) == ("7", "0", "m")
        assert "x-glassgate-account" not in headers
        assert headers["x-request-id"] not in (first.got.headers["x-request-id"], "")
        line = house.line
        assert (line.cache, line.outcome, line.status, line.model, line.provider) == ("hit", "ok", 200, "m", None)
        assert (line.prompt_tokens, line.completion_tokens, line.records, line.spent) == (3, 2, (), None)
        assert line.sent_bytes == len(first.got.body)
        assert is_quiet(house)


@in_virtual_time
async def test_a_stream_is_given_again_as_a_stream_without_what_kept_it_alive(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        first = await asked(house, STREAM, word("Hello"), stream=True)
        await house.pass_s(20)
        await first.says(word(" you"), FINISH, DONE)
        second = await asked(house, stream=True)
        assert not second.requests
        assert b": keep-alive" in first.got.body
        assert second.got.body == first.got.body.replace(b": keep-alive\n\n", b"")
        assert second.got.complete
        names = ("content-type", "cache-control", "x-accel-buffering")
        assert [second.got.headers[name] for name in names] == [first.got.headers[name] for name in names]
        assert state(await asked(house, HI)) == "miss"  # the whole one is another
        assert is_quiet(house)


@in_virtual_time
async def test_an_answer_after_a_failure_is_kept_and_given_while_no_account_can_answer(tmp_path: Path) -> None:
    async with one(tmp_path, ON) as house:
        visit = await asked(house, DOWN)
        await house.pass_s(5)
        await visit.says(HI)
        assert (visit.got.status, visit.got.headers["x-glassgate-attempts"]) == (200, "2")
        other = await asked(house, limited(300), messages=[{"role": "user", "content": "Other"}])
        assert other.got.status == 429
        assert state(await asked(house)) == "hit"


@in_virtual_time
async def test_an_embedding_is_given_again_with_its_own_type(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        vectors = [{"index": index, "embedding": [0.5]} for index in range(2)]
        told = whole(200, {"object": "list", "data": vectors, "usage": {"prompt_tokens": 3, "total_tokens": 3}})
        ask: dict[str, Any] = {"path": "/v1/embeddings", "messages": None, "temperature": None, "input": ["a", "b"]}
        first, second = await asked(house, told, **ask), await asked(house, **ask)
        assert (state(second), second.got.body) == ("hit", first.got.body)
        assert (house.line.prompt_tokens, house.line.operation) == (3, "embeddings")
        elsewhere = await asked(house, told, **ask, head={"x_glassgate_provider": "api"})
        assert state(elsewhere) == "miss"


# -- who says so ----------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_off_nothing_is_looked_for_and_nothing_said(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        for _ in range(2):
            visit = await asked(house, HI)
            assert (state(visit), len(visit.requests), house.line.cache) == (None, 1, "")


@pytest.mark.parametrize(
    ("said_first", "said_then", "states"),
    [
        ("no-store", "", [None, "miss"]),
        ("", "no-store", ["miss", None]),
        ("", "no-cache", ["miss", "miss"]),
        ("no-cache", "", ["miss", "hit"]),
        ("", "max-age=0", ["miss", "hit"]),
    ],
)
@in_virtual_time
async def test_the_client_says_whether_a_kept_answer_will_do(
    tmp_path: Path, said_first: str, said_then: str, states: list[str | None]
) -> None:
    async with api(tmp_path, ON) as house:
        found = [await asked(house, HI, head={"cache_control": words}) for words in (said_first, said_then)]
        assert [state(visit) for visit in found] == states


@in_virtual_time
async def test_an_answer_that_was_asked_for_anew_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        await asked(house, HI)
        newer = await asked(house, answer("Newer"), head={"cache_control": "no-cache"})
        assert (await asked(house)).got.body == newer.got.body


@pytest.mark.parametrize(
    ("settings", "more", "states"),
    [
        ("{ttl_s: 100}", {"temperature": None}, [None, None]),
        ("{ttl_s: 100}", {"temperature": 1}, [None, None]),
        ("{always: true}", {"temperature": 1}, ["miss", "hit"]),
        ("{always: true}", {"temperature": None}, ["miss", "hit"]),
        ("{models: [n]}", {}, [None, None]),
        ("{models: ['*']}", {}, ["miss", "hit"]),
        ("{models: [FAST]}", {"model": "fast"}, ["miss", "hit"]),
        ("{max_mb: 0.001}", {}, ["miss", "miss"]),
    ],
)
@in_virtual_time
async def test_the_settings_say_what_is_kept(
    tmp_path: Path, settings: str, more: dict[str, Any], states: list[str | None]
) -> None:
    async with api(tmp_path, f"cache: {settings}\nmodels: {{aliases: {{fast: m}}}}\n") as house:
        assert [state(await asked(house, HI, **more)) for _ in range(2)] == states


@in_virtual_time
async def test_an_answer_is_given_for_ttl_s(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        await asked(house, HI)
        await house.pass_s(99)
        assert state(await asked(house)) == "hit"
        await house.pass_s(2)
        assert state(await asked(house, HI)) == "miss"
        await house.pass_s(200)  # the job has taken it away
        assert house.parts.context.cache.size_bytes == 0


# -- whose ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("share", "expected"), [("key", "miss"), ("all", "hit")])
@in_virtual_time
async def test_anothers_answer_is_given_only_where_all_share(tmp_path: Path, share: str, expected: str) -> None:
    house = api(tmp_path, f"cache: {{share: {share}}}")
    house.tokens = f"[{KEY}, {BOB}]"
    async with house:
        await asked(house, HI)
        assert state(await asked(house, HI, head={"authorization": f"Bearer {BOB}"})) == expected


@pytest.mark.parametrize(
    "head",
    [
        {"authorization": "", "x_api_key": BOB},
        {"authorization": f"Bearer {BOB}", "x_glassgate_key": KEY},
        {"authorization": f"Bearer {BOB}", "x_glassgate_cache": "hit", "age": "1"},
        {"authorization": f"Bearer {BOB}", "cookie": f"key={KEY}", "x_forwarded_for": "127.0.0.1"},
        {"authorization": f"Bearer {BOB}", "cache_control": "only-if-cached"},
    ],
    ids=["another header", "a made-up header", "our own header", "a cookie", "only if cached"],
)
@in_virtual_time
async def test_no_header_leads_to_what_another_key_was_given(tmp_path: Path, head: dict[str, str]) -> None:
    house = api(tmp_path, ON)
    house.tokens = f"[{KEY}, {BOB}]"
    async with house:
        await asked(house, answer("Ada's"))
        await asked(house, answer("Bob's"), head=head)
        assert b"Ada's" in (await asked(house)).got.body
        assert b"Bob's" in (await asked(house, head=head)).got.body


@in_virtual_time
async def test_with_both_keys_shown_nobody_is_given_anothers(tmp_path: Path) -> None:
    """Whichever of them counts, it is the one that the request is booked on."""
    house = api(tmp_path, ON)
    house.tokens = f"[{KEY}, {BOB}]"
    async with house:
        await asked(house, answer("Ada's"))
        both = await asked(house, answer("Both"), head={"x_api_key": BOB})
        if both.got.status == 200:
            owner = house.line.key
            assert (b"Ada's" in both.got.body) == (owner == house.lines[0].key)


@in_virtual_time
async def test_a_name_that_stands_twice_is_refused_before_anything_is_looked_for(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        await asked(house, HI)
        twice = (
            b'{"model": "m", "temperature": 0, "temperature": 0, "messages": [{"role": "user", "content": "Hello"}]}'
        )
        visit = await house.visit().asks(twice)
        assert (visit.got.status, visit.got.error["code"]) == (400, "invalid_json")
        assert house.parts.context.cache.counts.hits == 0


@in_virtual_time
async def test_an_alias_and_the_model_it_stands_for_are_one(tmp_path: Path) -> None:
    async with api(tmp_path, ON + "models: {aliases: {fast: m, also: n}}\n") as house:
        await asked(house, HI, model="fast")
        assert state(await asked(house, model="M")) == "hit"
        assert state(await asked(house, HI, model="also")) == "miss"
        assert (await asked(house, model="gone")).got.status == 404


# -- limits of keys -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("limits", "status", "expected"),
    [
        ("models: [n]", 403, None),
        ("models: [m]", 200, "hit"),
        ("models: [api/m]", 200, "hit"),
        ("models: [other/m]", 200, "miss"),
        ("budget: 0.01/day", 200, "hit"),
    ],
)
@in_virtual_time
async def test_a_shared_answer_is_given_to_keys_alone_that_may_ask_for_it(
    tmp_path: Path, limits: str, status: int, expected: str | None
) -> None:
    house = api(tmp_path, "cache: {share: all}\nprices: {m: {input: 1000, output: 1000}}\n")
    if "other" in limits:
        house.providers += (
            "  other: {type: openai_compatible, base_url: 'http://127.0.0.1:1003/v1', models: [m], accounts: [a]}\n"
        )
        house.sessions = {**house.sessions, ("other", "a"): {"api_key": "key-of-other-0123456789abcdef"}}
    house.tokens = f"[{KEY}, {{name: bob, key: {BOB}, {limits}}}]"
    async with house:
        await asked(house, HI)
        visit = await asked(house, HI, head={"authorization": f"Bearer {BOB}"})
        assert (visit.got.status, state(visit)) == (status, expected)


@in_virtual_time
async def test_a_kept_answer_is_a_request_and_costs_nothing(tmp_path: Path) -> None:
    house = api(tmp_path, ON + "prices: {m: {input: 1000, output: 1000}}\n")
    house.tokens = f"[{{name: ada, key: {KEY}, rpm: 3, tokens_per_day: 2000, budget: 3/day}}]"
    async with house:
        await asked(house, HI)  # 5 tokens
        left = [(await asked(house)).got.headers for _ in range(2)]
        assert [one["x-ratelimit-remaining-tokens"] for one in left] == ["1995", "1995"]
        assert [one["x-ratelimit-remaining-requests"] for one in left] == ["1", "0"]
        over = await asked(house)
        assert (over.got.status, state(over), house.line.cache, house.line.usage) == (429, None, "", None)
        assert "age" not in over.got.headers
        assert house.parts.context.cache.counts.hits == 2
        assert is_quiet(house)


# -- never ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("told", "more"),
    [
        (ends("tool_calls", content=None, tool_calls=CALLS), {"tools": [FUNCTION]}),
        (stream_ends("tool_calls", tool_calls=CALLS), {"tools": [FUNCTION], "stream": True}),
        (ends("content_filter"), {}),
        (ends("stop", content=None, refusal="I will not."), {}),
        (stream_ends("stop", refusal="I will not."), {"stream": True}),
        (ends("stop", annotations=[{"type": "url_citation", "url_citation": {"url": "https://a.example"}}]), {}),
        (ends("length"), {}),
        (stream_ends("length"), {"stream": True}),
        (STREAM + word("Hi") + END, {"stream": True}),
        (STREAM + word("Hi") + frame({"error": {"message": "no more"}}) + END, {"stream": True}),
        (whole(400, {"error": {"message": "bad", "code": "bad_thing"}}), {}),
        (FILTERED, {}),
    ],
    ids=[
        "calls", "calls_streamed", "filtered", "refused", "refused_streamed", "searched", "cut", "cut_streamed",
        "broken_off", "an_error_in_it", "a_refusal", "a_refusal_of_the_content",
    ],
)  # fmt: skip
@in_virtual_time
async def test_what_is_not_whole_or_does_something_is_not_kept(
    tmp_path: Path, told: bytes, more: dict[str, Any]
) -> None:
    async with one(tmp_path, ON) as house:
        first = await asked(house, told, **more)
        assert state(first) == "miss"
        second = await asked(house, told, **more)
        assert (len(second.requests), state(second)) == (1, "miss")
        assert house.parts.context.cache.answers == 0


@pytest.mark.parametrize(
    ("told", "more"),
    [
        (HI, {"tools": [FUNCTION]}),
        (ends("length"), {"max_tokens": 1}),
        (stream_ends("length"), {"max_completion_tokens": 1, "stream": True}),
        (ends("stop", refusal=None, annotations=[]), {}),
    ],
    ids=["tools_that_are_not_called", "a_limit_of_the_clients", "the_same_streamed", "fields_that_say_nothing"],
)
@in_virtual_time
async def test_what_is_as_whole_as_was_asked_for_is_kept(tmp_path: Path, told: bytes, more: dict[str, Any]) -> None:
    async with one(tmp_path, ON) as house:
        await asked(house, told, **more)
        assert state(await asked(house, **more)) == "hit"


@in_virtual_time
async def test_an_answer_whose_client_left_is_not_kept(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        visit = await asked(house, STREAM, word("Hi"), stream=True)
        await visit.leaves()
        assert state(await asked(house, STREAMED, stream=True)) == "miss"
        assert is_quiet(house)


@in_virtual_time
async def test_an_answer_of_a_model_that_stood_in_is_not_kept(tmp_path: Path) -> None:
    async with one(tmp_path, ON + "routing: {fallbacks: {m: [n]}}\nretries: {enabled: false}\n") as house:
        visit = await asked(house, DOWN)
        await visit.says(HI)
        assert visit.got.headers["x-glassgate-model"] == "n"
        second = await asked(house, HI)
        assert (state(second), len(second.requests)) == ("miss", 1)


@in_virtual_time
async def test_an_answer_that_was_asked_for_once_more_is_not_kept(tmp_path: Path) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "required": ["city"]}}}
    ask: dict[str, Any] = {"model": "GLM-4.6", "response_format": form}
    async with zai(tmp_path, ON) as house:
        visit = await asked(house, STREAM, said("{}"), ALL_SAID, **ask)
        await visit.says(STREAM, said('{"city": "Rome"}'), ALL_SAID)
        assert visit.got.headers["x-glassgate-repair"] == "1"
        second = await asked(house, STREAM, said('{"city": "Rome"}'), ALL_SAID, **ask)
        assert state(second) == "miss"
        assert state(await asked(house, **ask)) == "hit"


@in_virtual_time
async def test_an_answer_in_a_chat_that_goes_on_at_its_site_is_not_kept(tmp_path: Path) -> None:
    more = [*SAID, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Again"}]
    async with zai(tmp_path, ON) as house:
        await asked(house, STREAM, said("Hi"), ALL_SAID, model="GLM-4.6")
        visit = await asked(house, STREAM, said("Yes"), ALL_SAID, model="GLM-4.6", messages=more)
        assert json.loads(visit.asked().content)["messages"][-1]["content"] == "Again"
        assert len(json.loads(visit.asked().content)["messages"]) == 1
        assert state(await asked(house, STREAM, said("Yes"), ALL_SAID, model="GLM-4.6", messages=more)) == "miss"


class _Editor:
    """Somebody who edits what a provider is asked, as the inspector lets."""

    async def request(self, flow: http.HTTPFlow) -> None:
        if flow.response is None:
            flow.request.content = (flow.request.content or b"").replace(b"Hello", b"Goodbye")


@in_virtual_time
async def test_the_answer_to_what_somebody_edited_is_not_kept(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        house.master.addons.add(editor := _Editor())
        visit = await asked(house, answer("Bye"))
        assert b"Goodbye" in visit.asked().content
        house.master.addons.remove(editor)
        assert state(await asked(house, HI)) == "miss"


# -- many, reloads, the inspector -----------------------------------------------------------------------------------
@in_virtual_time
async def test_the_same_many_times_at_once_is_asked_so_many_times_and_kept_once(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        visits = await asyncio.gather(*(asked(house, stream=True) for _ in range(40)))
        assert all(len(visit.requests) == 1 for visit in visits)
        for visit in visits:
            await visit.says(STREAMED)
        assert {state(visit) for visit in visits} == {"miss"}
        assert house.parts.context.cache.answers == 1
        again = await asyncio.gather(*(asked(house, stream=True) for _ in range(40)))
        assert {state(visit) for visit in again} == {"hit"}
        assert house.parts.context.cache.counts.hits == 40
        assert is_quiet(house)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("cache: {ttl_s: 200}\n", "hit"),
        (ON + "log: {level: DEBUG}\n", "hit"),
        (ON + "features: {tools: false}\n", "miss"),
        (ON + "models: {aliases: {fast: m}}\n", "miss"),
        ("", None),
    ],
)
@in_virtual_time
async def test_a_reload_forgets_what_could_be_answered_otherwise_now(
    tmp_path: Path, changed: str, expected: str | None
) -> None:
    async with api(tmp_path, ON) as house:
        await asked(house, HI)
        under_way = await asked(house, STREAM, word("Hello"), stream=True)
        house.write(more=changed)
        await house.pass_s(3)
        await under_way.says(FINISH, DONE)
        assert state(await asked(house, HI)) == expected
        assert state(await asked(house, STREAMED, stream=True)) == expected


@in_virtual_time
async def test_the_inspector_shows_a_hit_and_what_was_sent_cleaned_and_no_recording_has_it(tmp_path: Path) -> None:
    secret = "key-of-a-0123456789abcdef"
    async with api(tmp_path, ON + "record: {enabled: true, folder: rec}\n") as house:
        first = await asked(house, answer(f"You are {secret}"))
        await house.pass_s(5)
        before = list((tmp_path / "rec").rglob("*"))
        second = await asked(house)
        await house.pass_s(5)
        assert second.got.body == first.got.body
        assert secret.encode() in second.got.body
        flow = list(house.flows())[-1]
        note = annotation_of(flow)
        assert note is not None
        assert (note.cache, note.part, note.outcome) == ("hit", "local", "ok")
        assert "→ cache" in flow.comment
        assert flow.response is not None
        assert b"You are" in (flow.response.content or b"")
        assert secret not in f"{flow.get_state()}"
        assert list((tmp_path / "rec").rglob("*")) == before
