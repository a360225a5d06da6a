"""Qwen through a real gateway and its stand-in: models, variants, refusals, renewal, bad input."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.qwen_frames import IMAGE_URL
from providers.sandbox.qwen_site import QwenSite
from providers.sandbox.run import Sandbox
from providers.sandbox.script import greeting
from tests.support.processes import NO_REST, Gateway, SandboxThread

PLUS, MAX = "qwen3.7-plus", "qwen3.8-max"
WORDS, SAID = "One two three four. 你好 “quoted” more and more of it.", "I think 🌏 so."
SCRIPT = f"!sandbox pace_ms=0 text='{WORDS}' reasoning='{SAID}'"
MODELS = [
    *("qwen-max", "qwen-max-thinking", "qwen-max-search", "qwen-max-image", "qwen-plus", "qwen-turbo", "qwen-long"),
    *(f"{family}{suffix}" for family in (MAX, PLUS) for suffix in ("", "-thinking", "-search", "-thinking-search")),
    *(f"{family}-image" for family in (MAX, PLUS)),
]


def asked(client: openai.OpenAI, model: str, prompt: str, **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": prompt}], **more)


def streamed(client: openai.OpenAI, model: str, prompt: str) -> tuple[str, str, str | None]:
    text = reasoning = ""
    reason = None
    for chunk in asked(client, model, prompt, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            reason = choice.finish_reason or reason
    return text, reasoning, reason


def posted(gateway: Gateway, prompt: str, *, model: str = PLUS, stream: bool = True) -> httpx.Response:
    fields = {"model": model, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=fields, headers=gateway.headers, timeout=30)


@pytest.mark.parametrize("model", MODELS)
def test_every_public_model_streams_and_answers_whole(client: openai.OpenAI, model: str) -> None:
    assert model in {listed.id for listed in client.models.list()}
    text, reasoning, reason = streamed(client, model, "Good morning")
    message = asked(client, model, "Good morning").choices[0].message
    assert (message.content, reason) == (text, "stop")
    if model.endswith("-image"):
        assert text.startswith("![image](https://")
        return
    assert text.startswith(greeting("Good morning"))
    assert bool(reasoning) is ("thinking" in model or "max" in model)
    sources = [note.url_citation.url for note in message.annotations or []]
    assert len(sources) == (2 if "search" in model else 0)
    assert "[[" not in text


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize(
    "variant", ["", "keep_alive", "skip_think", "two_candidates", "snapshots", "no_phase", "image_tool", "stopped"]
)
def test_variants_give_one_text(client: openai.OpenAI, variant: str, cut: int) -> None:
    text, _, reason = streamed(client, PLUS, f"Hi\n{SCRIPT} variant={variant} cut={cut}")
    assert (text.removeprefix(f"![image]({IMAGE_URL})").strip(), reason) == (WORDS, "stop")


@pytest.mark.parametrize("variant", ["", "think"])
def test_thinking_of_both_kinds_is_reasoning(client: openai.OpenAI, variant: str) -> None:
    text, reasoning, _ = streamed(client, f"{PLUS}-thinking", f"Hi\n{SCRIPT} variant={variant}")
    assert text == WORDS
    assert reasoning.endswith(SAID)


@pytest.mark.parametrize("variant", ["", "web_extractor"])
def test_thinking_that_begins_anew_after_a_search_is_said_once(client: openai.OpenAI, variant: str) -> None:
    text, reasoning, _ = streamed(client, f"{PLUS}-thinking-search", f"Hi\n{SCRIPT} variant={variant}")
    if not variant:  # pages that were read have no numbers, so marks point at nothing there
        assert text == f"{WORDS} As reported and confirmed by others."
    assert [reasoning.count(words) for words in (SAID, "Now I know.")] == [1, 1]


REFUSED = [
    ("quota", 429, "insufficient_quota", "36000"),
    ("parallel", 429, "rate_limit_exceeded", None),
    ("429", 429, "rate_limit_exceeded", None),
    ("unauthorized", 502, "provider_auth", None),
    ("401", 502, "provider_auth", None),
    ("waf", 502, "provider_challenge", None),
    ("waf_html", 502, "provider_challenge", None),
    ("waf_403", 502, "provider_challenge", None),
    ("validation", 400, "invalid_request_error", None),
    ("bad_request", 502, "upstream_error", None),
    ("server", 502, "upstream_error", None),
    ("500", 502, "upstream_error", None),
    ("busy", 503, "conversation_busy", "2"),
    ("gone", 502, "conversation_gone", None),
    ("html", 502, "provider_challenge", None),
    ("wrong_type", 502, "upstream_error", None),
    ("invalid_input", 400, "invalid_request_error", None),
    ("unauthorized_in_stream", 502, "provider_auth", None),
    ("quota_in_stream", 429, "rate_limit_exceeded", None),
    ("truncated", 502, "upstream_eof", None),
    ("reset_first", 502, None, None),
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, QwenSite]]:
    """A gateway and a site that refusals may disturb."""
    folder = tmp_path_factory.mktemp("qwen")
    folder.chmod(0o700)
    with SandboxThread(Sandbox(("qwen",))) as thread, Gateway(folder, thread.description(), **NO_REST) as gateway:
        yield gateway, thread.site("qwen")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("fault", "status", "code", "wait"), REFUSED, ids=[row[0] for row in REFUSED])
def test_refusals_are_true_errors(
    own: tuple[Gateway, QwenSite], fault: str, status: int, code: str | None, wait: str | None, stream: bool
) -> None:
    cut = "variant=keep_alive text=word" if fault == "truncated" else ""
    answer = posted(own[0], f"{fault} {stream}\n!sandbox pace_ms=0 fault={fault} {cut}", stream=stream)
    if fault == "truncated" and stream and answer.status_code == 200:
        assert "[DONE]" not in answer.text
        return
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert code is None or error["code"] == code
    assert answer.headers.get("retry-after") == wait
    assert "x5secdata" not in answer.text + own[0].log


# -- bad input --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up", "error_mid", "broken_json", "big_event"])
def test_a_stream_that_breaks_is_told_and_never_looks_whole(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(openai.APIError):
        streamed(client, PLUS, f"Hi\n!sandbox pace_ms=2 fault={fault}")


@pytest.mark.parametrize("fault", ["unknown_event", "two_finishes", "after_finish", "stay_open"])
def test_odd_streams_are_read_rightly(client: openai.OpenAI, fault: str) -> None:
    assert streamed(client, PLUS, f"Hi\n{SCRIPT} fault={fault}") == (WORDS, "", "stop")


def test_bytes_that_are_no_text_become_marks_of_that(client: openai.OpenAI) -> None:
    assert streamed(client, PLUS, f"Hi\n{SCRIPT} fault=bad_utf8")[0] == f"{WORDS}\ufffd\ufffd"


@pytest.mark.parametrize("material", [{"token": "no token; at all"}, {"cookies": {"cna": "x"}}])
def test_what_is_no_session_asks_nobody(own: tuple[Gateway, QwenSite], material: dict[str, Any]) -> None:
    gateway, site = own
    before = gateway.vault.get("qwen", "demo")
    assert before
    gateway.vault.put("qwen", "demo", material)
    try:
        count = len(site.requests)
        answer = posted(gateway, "Hi")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
        assert len(site.requests) == count
    finally:
        gateway.vault.put("qwen", "demo", dict(before.material))


def test_a_client_that_leaves_ends_the_sites_work(gateway: Gateway, sites: SandboxThread) -> None:
    site = sites.site("qwen")
    before = site.connections
    message = {"role": "user", "content": "Hi\n!sandbox stall_after=3"}
    fields = {"model": PLUS, "stream": True, "messages": [message]}
    with (
        httpx.Client(headers=gateway.headers, timeout=30) as http,
        http.stream(
            "POST",
            f"{gateway.url}/v1/chat/completions",
            json=fields,
        ) as answer,
    ):
        next(iter(answer.iter_lines()))
    sites.wait_for("qwen", lambda: site.connections <= before + 1 and not any(site.chats.values()))


# -- sessions ---------------------------------------------------------------------------------------------------------
def test_fifty_requests_on_an_ended_session_renew_it_once(own: tuple[Gateway, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session(life_s=-10))
    before = site.people.refreshes
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: posted(gateway, f"storm {n}\n!sandbox pace_ms=0"), range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert site.people.refreshes == before + 1
    record = gateway.vault.get("qwen", "demo")
    assert record
    assert record.material["cookies"]["refresh_token"] in site.people.refresh, "the rotated cookie was written down"


def test_a_session_the_site_forgets_is_renewed_in_the_middle(own: tuple[Gateway, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session())
    assert posted(gateway, "before").status_code == 200
    site.people.expire_all()
    before = site.people.refreshes
    answer = posted(gateway, "after")
    assert (answer.status_code, site.people.refreshes) == (200, before + 1)


def test_a_refresh_cookie_alone_is_enough(own: tuple[Gateway, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", {"cookies": {"refresh_token": site.people.new_refresh()}})
    assert posted(gateway, "Hi").status_code == 200


def test_the_older_age_serves_until_it_ends(own: tuple[Gateway, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session("old"))
    assert posted(gateway, "Hi").status_code == 200
    site.people.expire_all()
    answer = posted(gateway, "Hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")


def test_a_dead_session_does_not_loop(own: tuple[Gateway, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", {"token": site.people.new_access(-5), "cookies": {"refresh_token": "spent"}})
    assert posted(gateway, "Hi").json()["error"]["code"] == "provider_auth"
    count = len(site.requests)
    for _ in range(3):
        assert posted(gateway, "Hi").json()["error"]["code"] == "provider_auth"
    assert len(site.requests) == count
    listed = httpx.get(f"{gateway.url}/healthz", headers=gateway.headers).json()["accounts"]
    assert [line["state"] for line in listed] == ["expired"]
    gateway.vault.put("qwen", "demo", site.people.session())
    assert posted(gateway, "Hi").status_code == 200


def test_a_challenge_at_renewal_is_named(own: tuple[Gateway, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session(life_s=-10))
    site.people.challenge_refresh = True
    try:
        answer = posted(gateway, "Hi")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_challenge")
    finally:
        site.people.challenge_refresh = False
    assert posted(gateway, "Hi").status_code == 200


def test_chats_are_deleted_where_wanted(sites: SandboxThread, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with SandboxThread(Sandbox(("qwen",))) as thread:
        site = thread.site("qwen")
        with Gateway(tmp_path, thread.description(), providers={"qwen": {"delete_chats": True}}) as gateway:
            assert posted(gateway, "Hi").status_code == 200
            thread.wait_for("qwen", lambda: any(r.method == "DELETE" for r in site.requests) and not site.chats)


# -- recordings -------------------------------------------------------------------------------------------------------
class ReplayQwen(QwenSite):
    """Answers every completion with the same bytes."""

    stream = b""
    kind = "text/event-stream"
    cut = 0
    encoding = ""

    async def _complete(self, request: Any, wire: Any) -> None:
        await wire.begin(self.kind, encoding=self.encoding)
        step = self.cut or max(len(self.stream), 1)
        for at in range(0, len(self.stream), step):
            await wire.send(self.stream[at : at + step])
        await wire.end()


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ReplayQwen, Gateway]]:
    folder = tmp_path_factory.mktemp("replay-qwen")
    folder.chmod(0o700)
    site = ReplayQwen()
    with (
        SandboxThread(Sandbox((), own={"qwen": site})) as thread,
        Gateway(folder, thread.description(), **NO_REST) as gateway,
    ):
        yield site, gateway


def recording(name: str) -> bytes:
    from tests.support.decoding import RECORDINGS

    file = RECORDINGS / "qwen" / name
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    return file.read_bytes()


def held(stream: bytes) -> tuple[str, list[str], int]:
    """Answer, thoughts and tokens of a recording, read off its frames without the adapter."""
    text, thoughts, tokens = "", [], 0
    for line in stream.decode().splitlines():
        if not line.startswith("data: {"):
            continue
        frame = json.loads(line[6:])
        tokens = (frame.get("usage") or {}).get("total_tokens", tokens)
        for choice in frame.get("choices", []):
            delta = choice["delta"]
            if delta["phase"] == "answer":
                text += delta["content"]
            thoughts = (delta.get("extra") or {}).get("summary_thought", {}).get("content", thoughts)
    return text, thoughts, tokens


@pytest.mark.parametrize(("cut", "encoding"), [(0, ""), (1, ""), (7, ""), (100, "gzip"), (13, "br"), (1000, "zstd")])
@pytest.mark.parametrize("stream", [True, False])
def test_the_recorded_stream_arrives_as_it_holds(
    replay: tuple[ReplayQwen, Gateway], cut: int, encoding: str, stream: bool
) -> None:
    site, gateway = replay
    site.kind, site.cut, site.encoding = "text/event-stream", cut, encoding
    site.stream = recording("t2t-thinking-summary-2026-03-05.sse")
    text, thoughts, tokens = held(site.stream)
    answer = posted(gateway, "Hi", stream=stream)
    found, reasoning, total = "", "", 0
    pieces = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")] or [
        answer.json()
    ]
    for piece in pieces:
        total = (piece.get("usage") or {}).get("total_tokens", total)
        for choice in piece["choices"]:
            message = choice.get("delta") or choice.get("message") or {}
            found += message.get("content") or ""
            reasoning += message.get("reasoning_content") or ""
    assert found == text
    assert all(thought in reasoning for thought in thoughts)
    assert stream or total == tokens


@pytest.mark.parametrize(
    ("name", "status", "code", "wait"),
    [
        ("RateLimited daily", 429, "insufficient_quota", "36000"),
        ("Unauthorized (token rejected)", 502, "provider_auth", None),
        ("WAF challenge (baxia)", 502, "provider_challenge", None),
        ("request validation", 400, "invalid_request_error", None),
    ],
)
def test_the_recorded_refusals_keep_their_meaning(
    replay: tuple[ReplayQwen, Gateway], name: str, status: int, code: str, wait: str | None
) -> None:
    site, gateway = replay
    lines = [json.loads(line) for line in recording("error-bodies.jsonl").splitlines() if line.strip()]
    found = next(line for line in lines if line["name"] == name)
    site.stream, site.kind = json.dumps(found["body"]).encode(), found["content_type"]
    site.cut, site.encoding = 0, ""
    answer = posted(gateway, name)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("retry-after") == wait
