"""The K2Think stand-in is strict and shows every known shape. Driven with hand-made requests."""

import asyncio
import base64
import itertools
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers.sandbox.k2think.site import K2ThinkSite
from providers.sandbox.run import Sandbox
from providers.sandbox.script import greeting

pytestmark = pytest.mark.anyio

V2 = "MBZUAI-IFM/K2-Think-v2"
CHAT = "/api/chat/completions"
THOUGHT, WORDS = "I think. And so on, five words.", "The answer has these words."
HAND_OVER = f"!sandbox pace_ms=0 reasoning='{THOUGHT}' text='{WORDS}'"


@pytest.fixture
async def page() -> AsyncIterator["Page"]:
    site = K2ThinkSite()
    async with Sandbox((), own={"k2think": site}) as sandbox, httpx.AsyncClient() as client:
        client.base_url = httpx.URL(sandbox.base_url("k2think"))
        yield Page(site, client)


class Page:
    """The page as the protocol describes it, made by hand; every part can be put wrong."""

    def __init__(self, site: K2ThinkSite, client: httpx.AsyncClient) -> None:
        self.site = site
        self.client = client
        self.token = site.session()["token"]

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def complete(self, prompt: str = "Hi", **body: Any) -> httpx.Response:
        whole = {"stream": False, "model": V2, "messages": [{"role": "user", "content": prompt}], **body}
        return await self.client.post(CHAT, json=whole, headers=self.headers)

    async def sign_in(self, **wrong: Any) -> httpx.Response:
        whole = {"email": self.site.email, "password": self.site.password, **wrong}
        return await self.client.post("/api/v1/auths/signin", json=whole)


def content(answer: httpx.Response) -> str:
    found: str = answer.json()["choices"][0]["message"]["content"]
    return found


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def lines(answer: httpx.Response) -> list[str]:
    return [line[6:] for line in answer.text.split("\n") if line.startswith("data: ")]


def objects(answer: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in lines(answer) if line.startswith("{")]


def texts(answer: httpx.Response) -> list[str]:
    """The content of each frame, bare or in a chunk."""
    found = []
    for frame in objects(answer):
        if "content" in frame:
            found.append(frame["content"])
        for choice in frame.get("choices", ()):
            found.append(choice["delta"].get("content", ""))
    return [text for text in found if text]


# -- what is checked --------------------------------------------------------------------------------------------------
async def test_a_right_request_is_answered_in_the_newest_form(page: Page) -> None:
    answer = await page.complete("Hi")
    whole = answer.json()
    assert (answer.status_code, whole["object"], whole["model"]) == (200, "chat.completion", V2)
    reasoning, _, text = content(answer).partition("</think>")
    assert text == greeting("Hi")
    assert reasoning
    assert "<think>" not in reasoning
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["usage"]["total_tokens"] == 46


async def test_the_complete_body_of_the_page_is_taken(page: Page) -> None:
    new_id = str(uuid.uuid4())
    whole: dict[str, Any] = {
        "params": {},
        "tool_servers": [],
        "features": {"web_search": False},
        "variables": {"{{USER_NAME}}": "U"},
    }
    ids: dict[str, Any] = {"chat_id": new_id, "id": new_id, "session_id": new_id, "temperature": 0.6, "max_tokens": 100}
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": "And you?"}]},
    ]
    answer = await page.complete(messages=messages, model_item={"id": V2}, background_tasks={}, **whole, **ids)
    assert "And you?" in content(answer)


@pytest.mark.parametrize(
    ("wrong", "status", "detail"),
    [
        pytest.param({"model": "MBZUAI-IFM/K2-Think"}, 400, "Model not found", id="v1 model"),
        pytest.param({"model": "MBZUAI-IFM/K2-Think-v2-nothink"}, 400, "Model not found", id="nothink"),
        pytest.param({"model": None}, 422, None, id="no model"),
        pytest.param({"messages": []}, 422, None, id="no message"),
        pytest.param({"messages": "Hi"}, 422, None, id="messages that are text"),
        pytest.param({"messages": [{"role": "developer", "content": "Hi"}]}, 422, None, id="developer role"),
        pytest.param({"messages": [{"role": "user", "content": None}]}, 422, None, id="no content"),
        pytest.param({"messages": [{"role": "user", "content": [{"type": "file"}]}]}, 422, None, id="file part"),
        pytest.param({"stream": "yes"}, 422, None, id="stream"),
        pytest.param({"features": []}, 422, None, id="features"),
        pytest.param({"temperature": "hot"}, 422, None, id="temperature"),
    ],
)
async def test_bad_bodies_are_refused_with_a_detail(
    page: Page, wrong: dict[str, Any], status: int, detail: str | None
) -> None:
    answer = await page.complete(**wrong)
    assert answer.status_code == status
    assert detail is None or answer.json() == {"detail": detail}
    assert "detail" in answer.json()


async def test_a_body_that_does_not_say_it_is_json_is_refused(page: Page) -> None:
    body = json.dumps({"model": V2, "messages": [{"role": "user", "content": "Hi"}]})
    answer = await page.client.post(CHAT, content=body, headers={**page.headers, "content-type": "text/plain"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"authorization": "Bearer {token}"}, 200, id="bearer"),
        pytest.param({"cookie": "a=b; token={token}"}, 200, id="cookie"),
        pytest.param({"authorization": "Bearer no", "cookie": "token={token}"}, 401, id="wrong bearer before cookie"),
        pytest.param({"authorization": "{token}"}, 401, id="no scheme"),
        pytest.param({"cookie": "token=no"}, 401, id="wrong cookie"),
        pytest.param({}, 401, id="nothing"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/api/v1/auths/", "/api/models"])
async def test_every_call_wants_a_live_token(page: Page, headers: dict[str, str], status: int, path: str) -> None:
    sent = {name: value.format(token=page.token) for name, value in headers.items()}
    body = {"model": V2, "messages": [{"role": "user", "content": "Hi"}]} if path == CHAT else None
    answer = await page.client.request("POST" if body else "GET", path, json=body, headers=sent)
    assert answer.status_code == status


@pytest.mark.parametrize("how", ["revoke", "expire", "exp"])
async def test_tokens_end(page: Page, how: str) -> None:
    if how == "exp":
        now = 1_800_000_000.0
        page.site.clock = lambda: now
        page.token = page.site.new_token(60)
        assert claims(page.token)["exp"] == 1_800_000_060
        assert (await page.complete()).status_code == 200
        now += 60
    else:
        assert "exp" not in claims(page.token)
        getattr(page.site, how)(page.token)
    answer = await page.complete()
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


async def test_unknown_paths_and_methods_have_a_detail_too(page: Page) -> None:
    assert (await page.client.get(CHAT, headers=page.headers)).status_code == 405
    assert (await page.client.post("/api/guest/chat/completions", json={})).json() == {"detail": "Not Found"}


# -- account ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("form", "body", "cookie"), [("both", 1, 1), ("body", 1, 0), ("cookie", 0, 1)])
async def test_sign_in_hands_out_a_token(page: Page, form: Any, body: int, cookie: int) -> None:
    page.site.signs_in_with, page.site.tells_life, page.site.life_s = form, True, 3540
    answer = await page.sign_in()
    found = [answer.json().get("token"), answer.cookies.get("token")]
    assert [bool(token) for token in found] == [bool(body), bool(cookie)]
    page.token = next(token for token in found if token)
    assert answer.json()["expires_in"] == 3540
    assert (await page.complete()).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "status"), [({"password": "no"}, 400), ({"email": "no@example.com"}, 400), ({"password": None}, 422)]
)
async def test_a_wrong_sign_in_is_refused(page: Page, wrong: dict[str, Any], status: int) -> None:
    answer = await page.sign_in(**wrong)
    assert (answer.status_code, "detail" in answer.json()) == (status, True)
    assert "set-cookie" not in answer.headers


async def test_sign_in_can_meet_the_edge(page: Page) -> None:
    page.site.sign_in_fault = "cloudflare"
    answer = await page.sign_in()
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")


async def test_the_session_says_whose_it_is_and_which_models_there_are(page: Page) -> None:
    who = (await page.client.get("/api/v1/auths/", headers=page.headers)).json()
    assert (who["id"], who["email"], who["role"]) == (page.site.user_id, page.site.email, "user")
    models = (await page.client.get("/api/models", headers=page.headers)).json()
    assert [model["id"] for model in models["data"]] == [V2]
    assert set(models["data"][0]) == {"id", "name", "owned_by", "status"}
    page.site.bare_models = True
    assert (await page.client.get("/api/models", headers=page.headers)).json() == models["data"]
    assert (await page.client.get("/api/v1/models", headers=page.headers)).json() == {"data": []}


# -- shapes -----------------------------------------------------------------------------------------------------------
DRAWN = '<details type="reasoning" done="true" duration="2"><summary>Thought for 2 seconds</summary>'
FORMS = {
    "": f"{THOUGHT}</think>{WORDS}",
    "think": f"<think>{THOUGHT}</think>{WORDS}",
    "duration": f'<think duration="12">\n{THOUGHT}\n</think>\n\n{WORDS}',
    "answer": f"<think>{THOUGHT}</think><answer>{WORDS}</answer>",
    "plain": WORDS,
    "open": f"<think>\n{WORDS}",
    "details": f"{DRAWN}{THOUGHT}</details>{WORDS}",
    "details+answer": f"{DRAWN}{THOUGHT}</details><answer>{WORDS}</answer>",
    "quoted": f"{DRAWN}\n> {THOUGHT}\n</details>{WORDS}",
    "own": WORDS,
    "own+think": f"<think>other words</think>{WORDS}",
    "own+closing": f"other words</think>{WORDS}",
    "length": THOUGHT,
    "length+think": f"<think>{THOUGHT}",
}


@pytest.mark.parametrize(("variant", "text"), FORMS.items())
async def test_whole_answers_have_the_form_asked_for(page: Page, variant: str, text: str) -> None:
    answer = await page.complete(f"Hi\n{HAND_OVER} variant={variant}")
    message, reason = answer.json()["choices"][0]["message"], answer.json()["choices"][0]["finish_reason"]
    assert message["content"] == text
    assert reason == ("length" if "length" in variant else "stop")
    assert message.get("reasoning_content") == (THOUGHT if "own" in variant else None)


@pytest.mark.parametrize(("variant", "text"), FORMS.items())
@pytest.mark.parametrize("carrier", ["pieces", "snapshots", "chunks"])
async def test_streams_carry_the_same_content(page: Page, variant: str, text: str, carrier: str) -> None:
    answer = await page.complete(f"Hi\n{HAND_OVER} variant={variant}+{carrier}", stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = texts(answer)
    assert (found[-1] if carrier != "pieces" else "".join(found)) == text
    if carrier != "pieces" and "details" not in variant and "quoted" not in variant:
        assert all(after.startswith(before) for before, after in itertools.pairwise(found))
    bare = all(set(frame) <= {"content", "usage", "done"} for frame in objects(answer))
    assert bare == (carrier == "snapshots")
    assert any(frame.get("usage") for frame in objects(answer))


async def test_drawn_reasoning_is_written_anew_once_it_is_done(page: Page) -> None:
    answer = await page.complete(f"Hi\n{HAND_OVER} variant=details+snapshots", stream=True)
    first, last = texts(answer)[0], texts(answer)[-1]
    assert first.startswith('<details type="reasoning" done="false"><summary>Thinking…</summary>I think')
    assert first.endswith("</details>")
    assert last.startswith(DRAWN)
    opened = texts(await page.complete(f"Hi\n{HAND_OVER} variant=quoted+snapshots+unclosed", stream=True))
    assert not opened[0].endswith("</details>")


@pytest.mark.parametrize(
    ("word", "marks"),
    [
        ("pieces", ["[DONE]"]),
        ("snapshots", ['{"done":true}', "-1"]),
        ("minus_one", ["-1"]),
        ("done_word", ["[DONE]"]),
        ("done_upper", ["DONE"]),
        ("done_lower", ["done"]),
        ("snapshots+done_flag", ['{"done":true}']),
    ],
)
async def test_streams_end_with_the_mark_asked_for(page: Page, word: str, marks: list[str]) -> None:
    answer = await page.complete(f"Hi\n{HAND_OVER} variant={word}", stream=True)
    assert lines(answer)[-len(marks) :] == marks


@pytest.mark.parametrize(
    ("fault", "status", "kind", "words"),
    [
        ("401", 401, "application/json", '"detail"'),
        ("401_message", 401, "application/json", '"message"'),
        ("403", 403, "application/json", '"detail"'),
        ("model_gone", 400, "application/json", "Model not found"),
        ("429", 429, "application/json", '"detail"'),
        ("cloudflare", 403, "text/html; charset=utf-8", "Just a moment"),
        ("cloudflare_503", 503, "text/html; charset=utf-8", "Just a moment"),
        ("plain_http", 400, "text/html; charset=utf-8", "The plain HTTP request was sent to HTTPS port"),
        ("json_error", 200, "application/json", '"detail"'),
        ("wrong_type", 200, "text/html; charset=utf-8", "Sign in"),
    ],
)
async def test_refusals_on_demand(page: Page, fault: str, status: int, kind: str, words: str) -> None:
    answer = await page.complete(f"Hi\n!sandbox fault={fault} retry_after=7")
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    assert words in answer.text
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


@pytest.mark.parametrize("stream", [False, True])
async def test_bad_input_on_demand(page: Page, stream: bool) -> None:
    async def bytes_of(words: str) -> bytes:
        return (await page.complete(f"Hi\n!sandbox pace_ms=0 {words}", stream=stream)).content

    whole = await bytes_of("")
    assert len(await bytes_of("fault=truncated")) < len(whole)
    assert b"\xff\xfe" in await bytes_of("fault=bad_utf8")
    assert len(await bytes_of("fault=big_event")) > 5_000_000
    assert 6_000_000 > len(await bytes_of("size=100000")) > 100_000
    assert b"mood" in await bytes_of("fault=unknown_event")
    assert b"The engine crashed" in await bytes_of("fault=error_mid")
    assert (await bytes_of("fault=two_finishes")).count(b'"stop"') == 2
    assert b"words after the end" in (await bytes_of("fault=after_finish"))[-400:]
    for fault in ("reset", "hang_up", "reset_first"):
        with pytest.raises(httpx.TransportError):
            await bytes_of(f"fault={fault}")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_answers_can_be_cut_counted_and_compressed(page: Page, stream: bool, encoding: str) -> None:
    answer = await page.complete(f"Hi\n!sandbox pace_ms=0 cut=3 encoding={encoding} count=50", stream=stream)
    assert answer.headers["content-encoding"] == encoding
    text = "".join(texts(answer)) if stream else content(answer)
    assert text.partition("</think>")[2] == "word " * 50


async def test_a_held_answer_waits_for_its_release(page: Page) -> None:
    async with httpx.AsyncClient(base_url=page.client.base_url, headers=page.headers) as client:
        body = {"model": V2, "messages": [{"role": "user", "content": "Hi\n!sandbox variant=hold pace_ms=0"}]}
        request = client.build_request("POST", CHAT, json=body)
        waiting = asyncio.ensure_future(client.send(request))
        await page.site.wait_for(lambda: page.site.held == 1)
        assert not waiting.done()
        page.site.release()
        assert (await waiting).status_code == 200
    assert page.site.held == 0


@pytest.mark.parametrize("words", ["fault=silence", "variant=hold", "fault=stay_open pace_ms=0", "stall_after=2"])
async def test_silence_lasts_until_the_client_leaves(page: Page, words: str) -> None:
    before = page.site.connections
    short = httpx.Timeout(5, read=0.05)
    async with httpx.AsyncClient(base_url=page.client.base_url, headers=page.headers, timeout=short) as client:
        body = {"stream": True, "model": V2, "messages": [{"role": "user", "content": f"Hi\n!sandbox {words}"}]}
        with pytest.raises(httpx.ReadTimeout):
            await client.post(CHAT, json=body)
    await page.site.wait_for(lambda: page.site.connections == before)
