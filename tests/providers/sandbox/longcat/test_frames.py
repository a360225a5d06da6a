"""The LongCat stand-in shows every known shape, refusal and fault. Driven with hand-made requests."""

import json
from typing import Any

import httpx
import pytest

from tests.providers.sandbox.longcat.page import (
    CHAT,
    HAND_OVER,
    OLD_CHAT,
    THOUGHT,
    URLS,
    WORDS,
    Page,
    events,
    frames,
    said,
)

pytestmark = pytest.mark.anyio


# -- shapes -----------------------------------------------------------------------------------------------------------
async def test_thinking_and_search_come_before_the_answer(page: Page) -> None:
    answer = await page.chat(f"Hi\n{HAND_OVER}", reasonEnabled=1, searchEnabled=1)
    kinds = list(dict.fromkeys(event["type"] for event in events(answer)))
    assert kinds == ["create", "search", "think", "summary", "content", "finish"]
    query, results = said(answer, "search")
    assert isinstance(query["query"], str)  # type: ignore[index]
    assert [found["url"] for found in results["resultList"]] == URLS  # type: ignore[index]
    assert "".join(said(answer, "think")) == THOUGHT
    assert "".join(said(answer)) == WORDS


@pytest.mark.parametrize("kind", ["common_search", "general_search", "local_life_search"])
async def test_results_of_other_searches_are_texts_or_lists(page: Page, kind: str) -> None:
    (results,) = said(await page.chat(f"Hi\n{HAND_OVER} variant={kind}", searchEnabled=1), kind)
    found: Any = json.loads(results) if kind == "common_search" else results
    assert [source["url"] for source in found] == URLS


async def test_snapshots_hold_everything_so_far(page: Page) -> None:
    answer = await page.chat(f"Hi\n{HAND_OVER} variant=cumulative+reason", reasonEnabled=1)
    assert said(answer)[-1] == WORDS
    assert all(later.startswith(earlier) for earlier, later in zip(said(answer), said(answer)[1:], strict=False))
    assert said(answer, "reason")[-1] == THOUGHT


async def test_equal_pieces_follow_each_other(page: Page) -> None:
    prompt = "Hi\n!sandbox pace_ms=0 text=hahaha variant=pairs"
    assert said(await page.chat(prompt)) == ["ha", "ha", "ha"]
    assert said(await page.chat(f"{prompt}+cumulative")) == ["ha", "haha", "hahaha"]


@pytest.mark.parametrize(
    ("variant", "final", "last"),
    [
        ("", WORDS, True),
        ("no_final", None, True),
        ("final_differs", " words.", True),
        ("final_completes", WORDS, True),
        ("final_alone", WORDS, True),
        ("finish_only", WORDS, False),
    ],
)
async def test_what_the_finish_holds(page: Page, variant: str, final: str | None, last: bool) -> None:
    answer = await page.chat(f"Hi\n{HAND_OVER} variant={variant}")
    finish = frames(answer)[-1]
    assert (finish["event"].get("finalContentX"), finish["lastOne"]) == (final, last)
    shown = {"final_alone": "", "final_completes": "The answer has these"}.get(variant, WORDS)
    assert "".join(said(answer)) == shown


async def test_an_end_without_a_finish(page: Page) -> None:
    answer = await page.chat(f"Hi\n{HAND_OVER} variant=last_one+token_info")
    assert not events(answer, "finish")
    assert frames(answer)[-1]["lastOne"]
    assert [frame["tokenInfo"]["totalTokens"] for frame in frames(answer)][-2:] == [0, 46]


async def test_usage_in_token_info_alone(page: Page) -> None:
    finish = frames(await page.chat(f"Hi\n{HAND_OVER} variant=token_info"))[-1]
    assert ("usage" in finish["event"], finish["tokenInfo"]["hasTokens"]) == (False, True)
    assert frames(await page.chat(f"Hi\n{HAND_OVER} variant=no_usage"))[-1]["tokenInfo"] is None


async def test_the_writing_of_lines(page: Page) -> None:
    text = (await page.chat(f"Hi\n{HAND_OVER} variant=comments+space+done_word")).text
    assert text.startswith(': hi\nevent: message\ndata: {"event"')
    assert text.endswith("\n\ndata:[DONE]\n\n")


async def test_media_events(page: Page) -> None:
    answer = await page.chat(f"Hi\n{HAND_OVER} variant=media")
    assert [event["type"] for event in events(answer, "plugin", "image")] == ["plugin", "image"]


@pytest.mark.parametrize(("path", "variant"), [(CHAT, "old"), (OLD_CHAT, "")])
async def test_old_frames(page: Page, path: str, variant: str) -> None:
    answer = await page.chat(f"Hi\n{HAND_OVER} variant={variant}", path=path, reasonEnabled=1, searchEnabled=1)
    found = frames(answer)
    deltas = [frame["choices"][0]["delta"] for frame in found]
    assert "".join(delta.get("reasoningContent", "") for delta in deltas) == THOUGHT
    assert "".join(delta.get("content", "") for delta in deltas) == WORDS
    assert (found[-1]["content"], found[-1]["reasonContent"], found[-1]["lastOne"]) == (WORDS, THOUGHT, True)
    assert found[-1]["tokenInfo"]["totalTokens"] == 46
    assert [source["url"] for source in json.loads(found[-1]["searchResults"])] == URLS


async def test_old_snapshots_have_no_delta(page: Page) -> None:
    found = frames(await page.chat(f"Hi\n{HAND_OVER} variant=old+cumulative"))
    assert all(frame["choices"] == [] for frame in found)
    assert found[-1]["content"] == WORDS


async def test_counted_sized_and_compressed_answers(page: Page) -> None:
    assert said(await page.chat("Hi\n!sandbox count=50 pace_ms=0")) == ["word "] * 50
    assert said(await page.chat("Hi\n!sandbox size=70000 pace_ms=0")) == ["x" * 70000]
    answer = await page.chat(f"Hi\n{HAND_OVER} encoding=br cut=3")
    assert (answer.headers["content-encoding"], "".join(said(answer))) == ("br", WORDS)


# -- refusals and faults ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("401", 401, 401),
        ("login", 200, 401),
        ("login_message", 200, 10001),
        ("403", 403, 403),
        ("403_check", 403, None),
        ("418", 418, None),
        ("check_200", 200, None),
        ("429", 429, 429),
        ("429_body", 200, 429),
        ("429_message", 200, 10002),
        ("gone", 200, 404),
        ("gone_404", 404, 404),
        ("json_error", 200, 500),
        ("500", 500, 500),
    ],
)
async def test_refusals_instead_of_a_stream(page: Page, fault: str, status: int, code: int | None) -> None:
    answer = await page.chat(f"Hi\n!sandbox fault={fault} retry_after=9")
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert answer.json().get("customData") == (None if code else {"riskLevel": "199"})
    assert answer.headers.get("retry-after") == ("9" if status == 429 else None)
    page.site.create_fault = fault
    made = await page.create()
    assert (made.status_code, made.json().get("code")) == (status, code)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [("wrong_type", 200, "text/html"), ("plain", 200, "text/plain"), ("502", 502, "text/html"), ("418_bare", 418, "")],
)
async def test_refusals_that_are_no_json(page: Page, fault: str, status: int, kind: str) -> None:
    answer = await page.chat(f"Hi\n!sandbox fault={fault}")
    assert (answer.status_code, answer.headers["content-type"].startswith(kind)) == (status, True)
    assert answer.text[:1] != "{"


@pytest.mark.parametrize("fault", ["429_line", "login_line", "gone_line", "check_line", "error_line"])
@pytest.mark.parametrize("first", ["", "_first"])
async def test_lone_lines_in_the_stream(page: Page, fault: str, first: str) -> None:
    answer = await page.chat(f"Hi\n!sandbox fault={fault}{first} pace_ms=0")
    assert json.loads(answer.text.splitlines()[-1]).keys() & {"code", "customData"}
    assert bool(said(answer)) == (not first)


@pytest.mark.parametrize("fault", ["event_error", "eventError", "login_event", "gone_event", "error_mid"])
async def test_error_events(page: Page, fault: str) -> None:
    answer = await page.chat(f"Hi\n!sandbox fault={fault} pace_ms=0")
    event = events(answer)[-1]
    assert event["type"] in ("event_error", "eventError")
    assert event.get("message") or event.get("content")
    assert bool(said(answer)) == (fault == "error_mid")


async def test_filtered_answers_in_three_forms(page: Page) -> None:
    by_finish = frames(await page.chat(f"Hi\n{HAND_OVER} fault=sensitive"))[-1]
    assert (by_finish["event"]["finishType"], by_finish["sensitive"]) == ("sensitive", False)
    by_frame = frames(await page.chat(f"Hi\n{HAND_OVER} fault=sensitive_frame"))[-1]
    assert (by_frame["event"]["type"], by_frame["sensitive"], by_frame["lastOne"]) == ("content", True, True)
    old = frames(await page.chat(f"Hi\n{HAND_OVER} fault=sensitive variant=old"))[-1]
    assert (old["sensitive"], old["lastOne"], old["content"]) == (True, True, "The answer has these")
    wordless = await page.chat(f"Hi\n{HAND_OVER} fault=sensitive_wordless")
    assert (said(wordless), events(wordless)[-1]["finishType"]) == ([], "sensitive")


@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up"])
async def test_streams_that_break_have_words_and_no_end(page: Page, fault: str) -> None:
    chat_id = (await page.create()).json()["data"]["conversationId"]
    body = {"content": f"Hi\n!sandbox pace_ms=20 fault={fault}", "conversationId": chat_id}
    got = b""

    async def read() -> None:
        nonlocal got
        async with page.client.stream("POST", CHAT, json=body, headers=page.headers) as answer:
            async for piece in answer.aiter_bytes():
                got += piece

    if fault == "truncated":
        await read()
    else:
        with pytest.raises(httpx.TransportError):
            await read()
    assert b'"content":"Hello' in got
    assert b'"finish"' not in got


async def test_odd_streams(page: Page) -> None:
    async def stream(fault: str) -> bytes:
        return (await page.chat(f"Hi\n!sandbox pace_ms=0 fault={fault}")).content

    assert b"\xff\xfe" in await stream("bad_utf8")
    assert b'"mood"' in await stream("unknown_event")
    assert (await stream("two_finishes")).count(b'"type":"finish"') == 2
    after = (await stream("after_finish")).partition(b'"type":"finish"')[2]
    assert b"more of it" in after
    assert b'data:{"event":\n\n' in await stream("broken_json")
    assert await stream("empty") == b""
    wordless = await stream("wordless")
    assert (wordless.count(b'"content"'), wordless.count(b"finalContentX")) == (2, 0)  # the nulls of two frames


@pytest.mark.parametrize("words", ["fault=silence", "fault=stay_open pace_ms=0", "stall_after=2 pace_ms=0"])
async def test_a_client_that_leaves_is_seen(page: Page, words: str) -> None:
    chat_id = (await page.create()).json()["data"]["conversationId"]
    body = {"content": f"Hi\n!sandbox {words}", "conversationId": chat_id}
    with pytest.raises(httpx.ReadTimeout):
        await page.client.post(CHAT, json=body, headers=page.headers, timeout=0.3)
    await page.site.wait_for(lambda: page.site.connections == 0)
