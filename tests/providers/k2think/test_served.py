"""K2Think through gateways: one that asks for streams (the default), one that asks for whole answers."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.k2think import frames as shapes
from providers.sandbox.script import greeting, read_script
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

MODELS = ["MBZUAI-IFM/K2-Think", "MBZUAI-IFM/K2-Think-v2"]
V2 = MODELS[1]
THOUGHT, WORDS = "I think 🌏 so. And a < b.\nThen on & on.", "One two three four. 你好 “quoted” more."
TAGGED = f"!sandbox pace_ms=0 reasoning='{THOUGHT}' text='{WORDS}'".replace("\n", " ")
SAID = THOUGHT.replace("\n", " ")


WHOLE: Any = {"providers": {"k2think": {"stream": False}}}


@pytest.fixture(scope="module")
def gateway(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that asks the site for whole answers."""
    folder = tmp_path_factory.mktemp("whole")
    with Served(folder, sites, **WHOLE, **NO_REST) as running:
        yield running


@pytest.fixture(scope="module")
def asking(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that asks the site for streams."""
    folder = tmp_path_factory.mktemp("asking")
    with Served(folder, sites, **NO_REST) as running:
        yield running


@pytest.fixture(scope="module")
def patient(sites: Sites, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that asks for whole answers and comforts its client often."""
    folder = tmp_path_factory.mktemp("patient")
    with Served(folder, sites, timeouts={"keepalive_s": 0.1}, **WHOLE, **NO_REST) as running:
        yield running


@pytest.fixture(params=["whole", "stream"])
def either(request: pytest.FixtureRequest, gateway: Served) -> Served:
    """The gateway of each setting in turn."""
    found: Served = gateway if request.param == "whole" else request.getfixturevalue("asking")
    return found


def sdk(gateway: Served) -> openai.OpenAI:
    return gateway.sdk()


def streamed(gateway: Served, prompt: str, model: str = V2, **more: Any) -> tuple[str, str, str | None, int | None]:
    """Text, reasoning, finish reason and all tokens of a streamed answer."""
    text = reasoning = ""
    reason = tokens = None
    messages: Any = [{"role": "user", "content": prompt}]
    with sdk(gateway) as client:
        options: Any = {"include_usage": True}
        for chunk in client.chat.completions.create(
            model=model, messages=messages, stream=True, stream_options=options, **more
        ):
            tokens = chunk.usage.total_tokens if chunk.usage else tokens
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reasoning += getattr(choice.delta, "reasoning_content", None) or ""
                reason = choice.finish_reason or reason
    return text, reasoning, reason, tokens


def whole(gateway: Served, prompt: str, model: str = V2, **more: Any) -> tuple[str, str, str | None, int | None]:
    """The same of an answer that is not streamed."""
    messages: Any = [{"role": "user", "content": prompt}]
    with sdk(gateway) as client:
        answer = client.chat.completions.create(model=model, messages=messages, **more)
    choice = answer.choices[0]
    reasoning = getattr(choice.message, "reasoning_content", None) or ""
    return (
        choice.message.content or "",
        reasoning,
        choice.finish_reason,
        answer.usage.total_tokens if answer.usage else None,
    )


def posted(gateway: Served, prompt: str, *, stream: bool) -> httpx.Response:
    body = {"model": V2, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    return gateway.post(body)


# -- models and requests ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", MODELS)
def test_every_public_model_answers_streamed_and_whole(either: Served, model: str) -> None:
    told = streamed(either, "Good morning", model)
    assert told[0] == greeting("Good morning")
    assert told[1].startswith("The user wrote")
    assert told[2:] == ("stop", 46)
    assert whole(either, "Good morning", model) == told


def test_both_names_are_listed(client: openai.OpenAI) -> None:
    assert set(MODELS) <= {model.id for model in client.models.list()}


def test_the_site_is_asked_in_the_way_that_is_set(sites: Sites, gateway: Served, asking: Served) -> None:
    site = sites.site("k2think")
    for running, wants in ((gateway, False), (asking, True)):
        for ask in (whole, streamed):
            ask(running, "Hi\n!sandbox pace_ms=0")
            assert site.requests[-1].json()["stream"] is wants


def test_the_conversation_arrives_as_it_is(either: Served, sites: Sites) -> None:
    messages: Any = [
        {"role": "developer", "content": "Speak like a pirate."},
        {"role": "user", "content": "First question"},
        {"role": "assistant", "content": "First answer"},
        {"role": "user", "content": [{"type": "text", "text": "Second question"}]},
    ]
    with sdk(either) as client:
        client.chat.completions.create(model=MODELS[0], messages=messages, temperature=0.5)
    sent = sites.site("k2think").requests[-1].json()
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "assistant", "user"]
    assert (sent["model"], sent["temperature"]) == (V2, 0.5)
    assert [m["content"] for m in sent["messages"]][:3] == ["Speak like a pirate.", "First question", "First answer"]


# -- forms of the content ---------------------------------------------------------------------------------------------
FORMS = ["", "think", "duration", "answer", "details", "quoted", "details+answer", "quoted+answer", "own", "own+think"]
CARRIERS = ["", "chunks", "snapshots"]


@pytest.mark.parametrize("form", [*FORMS, "own+closing"])
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_each_form_of_a_whole_answer_is_taken_apart(gateway: Served, form: str, cut: int) -> None:
    prompt = f"Hi\n{TAGGED} variant={form} cut={cut}"
    assert streamed(gateway, prompt) == (WORDS, SAID, "stop", 46)
    assert whole(gateway, prompt) == (WORDS, SAID, "stop", 46)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_each_form_of_a_stream_is_taken_apart(asking: Served, form: str, carrier: str, cut: int) -> None:
    if carrier == "snapshots" and "own" in form:
        pytest.skip("bare texts have no field for the reasoning")
    prompt = f"Hi\n{TAGGED} variant={form}+{carrier} cut={cut}"
    assert streamed(asking, prompt) == (WORDS, SAID, "stop", 46)
    assert whole(asking, prompt) == (WORDS, SAID, "stop", 46)


@pytest.mark.parametrize("carrier", ["snapshots", "chunks"])
@pytest.mark.parametrize("form", ["details", "quoted", "quoted+answer"])
def test_reasoning_drawn_open_until_it_is_done(asking: Served, form: str, carrier: str) -> None:
    assert streamed(asking, f"Hi\n{TAGGED} variant={form}+{carrier}+unclosed") == (WORDS, SAID, "stop", 46)


@pytest.mark.parametrize("form", ["plain", "open"])
def test_an_answer_without_a_closing_tag_is_all_answer(either: Served, form: str) -> None:
    """In a stream it was passed on as reasoning while it came; at the end it is the answer as well."""
    for carrier in CARRIERS:
        prompt = f"Hi\n{TAGGED} variant={form}+{carrier}"
        text, reasoning, *rest = streamed(either, prompt)
        assert (text, rest) == (WORDS, ["stop", 46])
        assert reasoning in ("", WORDS)
        assert whole(either, prompt)[0::2] == (WORDS, "stop")
        assert streamed(either, prompt, max_tokens=60) == (WORDS, "" if form == "plain" else reasoning, "stop", 46)


@pytest.mark.parametrize("form", ["length", "length+think"])
def test_a_text_cut_off_before_the_closing_tag_is_all_reasoning(either: Served, form: str) -> None:
    for carrier in ("", "chunks"):
        assert streamed(either, f"Hi\n{TAGGED} variant={form}+{carrier}") == ("", SAID, "length", 46)


def test_an_answer_cut_off_says_so(either: Served) -> None:
    assert whole(either, f"Hi\n{TAGGED} variant=cut_answer") == (WORDS, SAID, "length", 46)


@pytest.mark.parametrize("mark", ["done_word", "done_upper", "done_lower", "minus_one", "done_flag"])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_end_mark_ends_the_stream(asking: Served, carrier: str, mark: str) -> None:
    # The connection stays open: it is the mark that ends the answer.
    prompt = f"Hi\n{TAGGED} variant={carrier}+{mark} fault=stay_open"
    assert streamed(asking, prompt)[:3] == (WORDS, SAID, "stop")


def test_chunks_with_a_finish_need_no_mark(asking: Served) -> None:
    assert streamed(asking, f"Hi\n{TAGGED} variant=no_mark") == (WORDS, SAID, "stop", 46)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_compressed_answers_are_read(either: Served, encoding: str) -> None:
    assert streamed(either, f"Hi\n{TAGGED} encoding={encoding} cut=5") == (WORDS, SAID, "stop", 46)


def test_counted_answers_arrive_whole(either: Served) -> None:
    assert streamed(either, "Hi\n!sandbox count=300 pace_ms=0")[0] == "word " * 300


# -- refusals ---------------------------------------------------------------------------------------------------------
REFUSALS = [
    ("401", 502, "provider_auth"),
    ("401_message", 502, "provider_auth"),
    ("403", 502, "provider_auth"),
    ("model_gone", 404, "model_not_found"),
    ("bad_request", 400, "invalid_request_error"),
    ("bad_request_message", 400, "invalid_request_error"),
    ("429", 429, "rate_limit_exceeded"),
    ("500", 502, "upstream_error"),
    ("503", 502, "upstream_error"),
    ("cloudflare", 502, "provider_challenge"),
    ("cloudflare_503", 502, "provider_challenge"),
    ("down_503", 502, "upstream_error"),
    ("plain_http", 502, "upstream_error"),
    ("json_error", 502, "upstream_error"),
    ("empty", 502, "upstream_error"),
    ("reset_first", 502, "upstream_error"),
]


@pytest.mark.parametrize(("fault", "status", "code"), REFUSALS)
@pytest.mark.parametrize("stream", [False, True])
def test_refusals_are_true_errors_before_any_byte(
    either: Served, fault: str, status: int, code: str, stream: bool
) -> None:
    answer = posted(either, f"Hi\n!sandbox fault={fault} retry_after=77", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "[k2think/demo]" in answer.json()["error"]["message"]
    assert answer.headers.get("retry-after") == {"429": "77", "503": "5", "down_503": "5"}.get(fault)


def test_a_proxy_in_the_way_is_named(gateway: Served) -> None:
    assert "proxy" in posted(gateway, "Hi\n!sandbox fault=plain_http", stream=True).json()["error"]["message"].lower()


@pytest.mark.parametrize("how", ["revoke", "expire"])
def test_a_token_the_site_no_longer_knows(either: Served, sites: Sites, how: str) -> None:
    site = sites.site("k2think")
    before = dict(site.tokens)
    for token in before:
        getattr(site, how)(token)
    try:
        answer = posted(either, "Hi", stream=True)
    finally:
        site.tokens.update(before)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
    assert "sign in" in answer.json()["error"]["message"].lower()
    assert all(token not in answer.text for token in before)


# -- slow answers -----------------------------------------------------------------------------------------------------
def held(sites: Sites) -> Any:
    """The site, once an answer waits there for its release."""
    site = sites.site("k2think")
    sites.wait_for("k2think", lambda: site.held == 1)
    return site


def begun(gateway: Served, words: str) -> Any:
    """A streamed answer under way, as a context."""
    body = {"model": V2, "stream": True, "messages": [{"role": "user", "content": f"Hi\n{TAGGED} {words}"}]}
    return gateway.stream(body)


def test_the_clients_stream_is_alive_before_the_site_answers(patient: Served, sites: Sites) -> None:
    with begun(patient, "variant=hold") as answer:
        # The head and two comments are here while the site has not said a word: it is released only afterwards.
        site = held(sites)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        lines = answer.iter_lines()
        comments = [next(line for line in lines if line) for _ in range(2)]
        assert all(line.startswith(":") for line in comments)
        assert site.held == 1
        site.release()
        rest = [line for line in lines if line.startswith("data: ")]
    chunks = [json.loads(line[6:]) for line in rest[:-1]]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert (text, rest[-1]) == (WORDS, "data: [DONE]")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("401", "provider_auth"),
        ("429", "rate_limit_exceeded"),
        ("cloudflare", "provider_challenge"),
        ("500", "upstream_error"),
    ],
)
def test_a_late_refusal_is_an_error_inside_the_stream(patient: Served, sites: Sites, fault: str, code: str) -> None:
    with begun(patient, f"variant=hold fault={fault} retry_after=77") as answer:
        site = held(sites)
        lines = answer.iter_lines()
        assert next(line for line in lines if line).startswith(":")
        site.release()
        rest = [line for line in lines if line.startswith("data: ")]
    assert [json.loads(line[6:])["error"]["code"] for line in rest] == [code]


def test_a_whole_answer_waits_without_a_word(patient: Served, sites: Sites) -> None:
    waiting = patient.begin({"model": V2, "messages": [{"role": "user", "content": f"Hi\n{TAGGED} variant=hold"}]})
    held(sites).release()
    message = waiting().json()["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == (WORDS, SAID)


@pytest.mark.parametrize("form", ["", "think", "answer", "own", "plain", "think+chunks", "plain+snapshots"])
@pytest.mark.parametrize("word", ["I think", "One two three four."])
def test_a_word_is_here_before_the_site_sends_its_next_frame(asking: Served, form: str, word: str) -> None:
    """The site falls silent behind the frame with the word, until its client leaves: nothing else has brought it."""
    words = f"pace_ms=0 reasoning='{SAID}' text='{WORDS}' variant={form}"
    frames = shapes.stream(read_script(f"Hi\n!sandbox {words}"))
    if form.startswith("plain") and word == "I think":
        pytest.skip("it has no reasoning")
    text, sent = "", 0
    while word not in text:
        text += "".join(deltas(frames[sent].decode().splitlines()))
        sent += 1
    with begun(asking, f"variant={form} stall_after={sent}") as answer:
        read = ""
        for piece in deltas(answer.iter_lines()):
            read += piece
            if word in read:
                break
    assert word in read


def deltas(lines: Iterable[str]) -> Iterator[str]:
    """The words of a stream, as the site sends it or as the client gets it."""
    for line in lines:
        if line.startswith("data: {"):
            frame = json.loads(line[6:])
            delta = frame["choices"][0]["delta"] if frame.get("choices") else frame
            yield delta.get("reasoning_content") or delta.get("content") or ""


# -- clients that leave -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["variant=hold", "stall_after=2", "fault=stay_open variant=plain+no_mark"])
def test_a_client_that_leaves_ends_the_sites_work(patient: Served, sites: Sites, words: str) -> None:
    site = sites.site("k2think")
    before, asked = site.connections, len(site.requests)
    with begun(patient, words) as answer:
        next(answer.iter_raw())
        assert len(site.requests) == asked + 1
        assert site.connections > 0
    sites.wait_for("k2think", lambda: site.connections <= before and site.held == 0)


@pytest.mark.parametrize("words", ["stall_after=5 variant=think", "count=100000 pace_ms=1"])
def test_a_client_that_leaves_a_stream_ends_the_sites_work(asking: Served, sites: Sites, words: str) -> None:
    site = sites.site("k2think")
    before = site.connections
    with begun(asking, words) as answer:
        next(answer.iter_raw())
    sites.wait_for("k2think", lambda: site.connections <= before)


# -- bad input --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("token", ["no token at all", "eyJhbGciOiJub25lIn0", "a.b.c"])
def test_a_token_that_is_no_token_is_never_sent(sites: Sites, tmp_path: Path, token: str) -> None:
    described = sites.description()
    described["sessions"] = {**described["sessions"], "k2think": {"token": token}}
    before = len(sites.site("k2think").requests)
    with Served(tmp_path, sites, described, **NO_REST) as gateway:
        answer = posted(gateway, "Hi", stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
    assert "no token" in answer.json()["error"]["message"]
    assert len(sites.site("k2think").requests) == before


@pytest.mark.parametrize(
    "fault", ["truncated", "hang_up", "reset", "half_frame", "broken_json", "error_mid", "detail_mid", "message_mid"]
)
@pytest.mark.parametrize("form", ["think", "details+snapshots", "quoted+chunks"])
def test_a_stream_that_breaks_off_is_no_answer(asking: Served, fault: str, form: str) -> None:
    body = {
        "model": V2,
        "stream": True,
        "messages": [{"role": "user", "content": f"Hi\n{TAGGED} variant={form} fault={fault}"}],
    }
    answer = asking.post(body)
    data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert answer.status_code == 200
    assert "[DONE]" not in data
    assert json.loads(data[-1])["error"]["code"] in ("upstream_eof", "upstream_error")
    assert posted(asking, f"Hi\n{TAGGED} variant={form} fault={fault}", stream=False).status_code == 502


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("truncated", "upstream_eof"),
        ("hang_up", "upstream_eof"),
        ("reset", "upstream_eof"),
        ("error_mid", "upstream_eof"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_whole_answer_that_breaks_off_is_no_answer(gateway: Served, fault: str, code: str, stream: bool) -> None:
    answer = posted(gateway, f"Hi\n{TAGGED} fault={fault}", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, code)


@pytest.mark.parametrize("fault", ["error_first", "session_first", "bare_detail"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_before_the_first_word_is_a_true_error(asking: Served, fault: str, stream: bool) -> None:
    told = {
        "error_first": (502, "upstream_error"),
        "session_first": (502, "provider_auth"),
        "bare_detail": (404, "model_not_found"),
    }
    answer = posted(asking, f"Hi\n{TAGGED} fault={fault}", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == told[fault]


@pytest.mark.parametrize("form", ["", "think", "details+snapshots", "chunks"])
def test_unknown_frames_and_fields_are_passed_over(either: Served, form: str) -> None:
    assert streamed(either, f"Hi\n{TAGGED} variant={form} fault=unknown_event") == (WORDS, SAID, "stop", 46)


@pytest.mark.parametrize("form", ["", "think", "details+snapshots", "chunks"])
def test_bytes_that_are_no_text_become_marks_of_that(either: Served, form: str) -> None:
    text, reasoning, reason, _ = streamed(either, f"Hi\n{TAGGED} variant={form} fault=bad_utf8")
    assert (text, reasoning, reason) == (f"\ufffd\ufffd{WORDS}", SAID, "stop")


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("form", "size"), [("", 3_000_000), ("think", 300_000), ("details+snapshots", 300_000), ("chunks", 300_000)]
)
def test_megabytes_in_one_event_arrive(either: Served, form: str, size: int) -> None:
    text, _, reason, _ = streamed(either, f"Hi\n!sandbox pace_ms=0 variant={form} size={size}")
    assert (len(text), set(text), reason) == (size, {"x"}, "stop")


def test_five_megabytes_arrive_whole_and_end_a_stream_honestly(gateway: Served, asking: Served) -> None:
    prompt = "Hi\n!sandbox pace_ms=0 fault=big_event"
    assert len(whole(gateway, prompt)[0]) == 5_000_000
    with pytest.raises(openai.APIError, match="larger than 4194304 bytes"):
        streamed(asking, prompt)


@pytest.mark.parametrize("variant", ["", "plain"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_in_the_wrong_content_type_is_refused(either: Served, variant: str, stream: bool) -> None:
    answer = posted(either, f"Hi\n!sandbox fault=wrong_type variant={variant}", stream=stream)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_challenge")
    assert "<" not in answer.text


@pytest.mark.parametrize("form", ["", "think", "details+snapshots", "chunks"])
@pytest.mark.parametrize("fault", ["two_finishes", "after_finish"])
def test_only_what_comes_before_the_finish_counts(asking: Served, form: str, fault: str) -> None:
    assert streamed(asking, f"Hi\n{TAGGED} variant={form} fault={fault}")[:3] == (WORDS, SAID, "stop")
    assert whole(asking, f"Hi\n{TAGGED} variant={form} fault={fault}")[:3] == (WORDS, SAID, "stop")


@pytest.mark.parametrize("fault", ["two_finishes", "after_finish"])
def test_only_the_first_object_of_a_whole_answer_counts(gateway: Served, fault: str) -> None:
    assert streamed(gateway, f"Hi\n{TAGGED} fault={fault}")[:3] == (WORDS, SAID, "stop")
