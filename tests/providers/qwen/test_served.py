"""Qwen through a gateway and its stand-in: models, forms of the stream, bad input."""

from typing import Any

import openai
import pytest

from providers.qwen.chat import QwenTurn
from providers.sandbox.qwen.frames import DOCS, IMAGE_PATH, INPUT_TOKENS, LATER_DOC, SECOND_IMAGE_PATH, TOKENS_A_FRAME
from providers.sandbox.script import greeting, split
from tests.providers.qwen.asking import MAX, PLUS, SAID, SCRIPT, WORDS, posted, streamed, told
from tests.support.sdk import say
from tests.support.served import Served
from tests.support.sites import Sites

MODELS = [
    *("qwen-max", "qwen-max-thinking", "qwen-max-search", "qwen-max-image", "qwen-plus", "qwen-turbo", "qwen-long"),
    *(f"{family}{suffix}" for family in (MAX, PLUS) for suffix in ("", "-thinking", "-search", "-thinking-search")),
    *(f"{family}-image" for family in (MAX, PLUS)),
]


@pytest.mark.parametrize("model", MODELS)
def test_every_public_model_streams_and_answers_whole(client: openai.OpenAI, model: str) -> None:
    assert model in {listed.id for listed in client.models.list(extra_query={"all": "true"})}
    text, reasoning, reason = streamed(client, model, "Good morning")
    message = say(client, model, "Good morning").choices[0].message
    assert (message.content, reason) == (text, "stop")
    if model.endswith("-image"):
        assert text.startswith("![image](http://127.0.0.1:")
        return
    assert text.startswith(greeting("Good morning"))
    assert bool(reasoning) is ("thinking" in model or "max" in model)
    sources = [note.url_citation.url for note in message.annotations or []]
    assert len(sources) == (2 if "search" in model else 0)
    assert "[[" not in text


@pytest.mark.parametrize("cut", [0, 1, 7])
@pytest.mark.parametrize(
    "variant",
    [
        *("", "keep_alive", "skip_think", "two_candidates", "second_first", "snapshots", "no_phase", "stopped"),
        *("done_word", "done_true", "event_lines", "crlf", "tools", "no_usage", "old_usage"),
        *("two_candidates+no_phase", "event_lines+crlf+keep_alive"),
    ],
)
def test_variants_give_one_text(client: openai.OpenAI, variant: str, cut: int) -> None:
    text, reasoning, reason = streamed(client, PLUS, f"Hi\n{SCRIPT} variant={variant} cut={cut}")
    assert (text, reasoning, reason) == (WORDS, "", "stop")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_packed_answers_are_unpacked(client: openai.OpenAI, encoding: str) -> None:
    assert streamed(client, PLUS, f"Hi\n{SCRIPT} cut=11 encoding={encoding}")[0] == WORDS


def test_many_pieces_and_a_long_one(client: openai.OpenAI) -> None:
    assert streamed(client, PLUS, "Hi\n!sandbox pace_ms=0 count=500")[0] == "word " * 500
    assert streamed(client, PLUS, "Hi\n!sandbox pace_ms=0 size=1000000 cut=50000")[0] == "x" * 1_000_000


def test_an_answer_that_was_cut_says_so(client: openai.OpenAI) -> None:
    assert streamed(client, PLUS, f"Hi\n{SCRIPT} variant=length") == (WORDS, "", "length")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("variant", ["", "think", "no_phase", "deep_research", "two_candidates", "second_first"])
def test_thinking_of_every_kind_is_reasoning(gateway: Served, variant: str, stream: bool) -> None:
    answer = posted(gateway, f"Hi\n{SCRIPT} variant={variant}", model=f"{PLUS}-thinking", stream=stream)
    text, reasoning, _ = told(answer)
    assert (text, reasoning[-len(SAID) :], reasoning.count("They ask.")) == (WORDS, SAID, 1)


def test_a_model_in_auto_may_think_or_not(client: openai.OpenAI) -> None:
    said = [bool(streamed(client, PLUS, f"Hi\n{SCRIPT} variant={variant}")[1]) for variant in ("thinks", "")]
    assert said == [True, False]


@pytest.mark.parametrize("variant", ["", "web_extractor", "think", "two_candidates", "two_searches"])
def test_thinking_that_begins_anew_after_a_search_is_said_once(client: openai.OpenAI, variant: str) -> None:
    text, reasoning, _ = streamed(client, f"{PLUS}-thinking-search", f"Hi\n{SCRIPT} variant={variant}")
    if variant != "web_extractor":  # pages that were read have no numbers, so marks point at nothing there
        assert text.startswith(f"{WORDS} As reported and confirmed by others.")
    assert [reasoning.count(words) for words in ("They ask.", SAID, "Now I know.")] == [1, 1, 1]
    assert reasoning.index(SAID) < reasoning.index("Now I know.")


@pytest.mark.parametrize("cut", [0, 1, 13])
def test_marks_point_at_the_right_document_of_the_right_search(client: openai.OpenAI, cut: int) -> None:
    message = say(client, f"{PLUS}-search", f"Hi\n{SCRIPT} variant=two_searches cut={cut}").choices[0].message
    assert message.content == f"{WORDS} As reported and confirmed by others. Later too."
    cited = [note.url_citation for note in message.annotations]
    assert [note.url for note in cited] == [*(doc["url"] for doc in DOCS), LATER_DOC["url"]]
    assert [message.content[: note.end_index].rsplit(" ", 1)[-1] for note in cited] == ["reported", "confirmed", "too"]


@pytest.mark.parametrize("variant", ["", "old_usage"])
@pytest.mark.parametrize("model", [PLUS, f"{PLUS}-thinking-search"])
def test_the_last_count_of_tokens_is_told(client: openai.OpenAI, model: str, variant: str) -> None:
    frames = len(split(WORDS))
    if "search" in model:  # two thoughts and three pieces more after the tool, where counting begins anew
        frames += 5
    usage = say(client, model, f"Hi\n{SCRIPT} variant={variant}").usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (INPUT_TOKENS, frames * TOKENS_A_FRAME)


@pytest.mark.parametrize(
    ("variant", "urls"),
    [("", [IMAGE_PATH]), ("two_images", [IMAGE_PATH, SECOND_IMAGE_PATH]), ("keep_alive", [IMAGE_PATH])],
)
def test_pictures_are_markdown(client: openai.OpenAI, sites: Sites, variant: str, urls: list[str]) -> None:
    base = sites.description()["base_urls"]["qwen"]
    text, _, reason = streamed(client, "qwen-max-image", f"A cat\n!sandbox pace_ms=0 variant={variant}")
    assert (text.split(), reason) == ([f"![image]({base}{url})" for url in urls], "stop")


def test_pictures_are_data_too(client: openai.OpenAI, sites: Sites) -> None:
    base = sites.description()["base_urls"]["qwen"]
    prompt = "A cat\n!sandbox pace_ms=0 variant=two_images"
    told = [
        {"type": "image_url", "image_url": {"url": base + path}, "index": at}
        for at, path in enumerate((IMAGE_PATH, SECOND_IMAGE_PATH))
    ]
    message: Any = say(client, "qwen-max-image", prompt).choices[0].message
    assert message.images == told
    deltas: Any = [chunk.choices[0].delta for chunk in say(client, "qwen-max-image", prompt, stream=True)]
    assert [image for delta in deltas for image in getattr(delta, "images", ())] == told


@pytest.mark.parametrize("variant", ["image_tool", "image_tool+file_path"])
def test_a_picture_the_model_made_on_its_way_stands_before_the_words(client: openai.OpenAI, variant: str) -> None:
    text, _, reason = streamed(client, PLUS, f"Hi\n{SCRIPT} variant={variant}")
    picture, _, rest = text.partition(")")
    assert picture.startswith("![image](http")
    assert picture.endswith("output/picture.png" if "file_path" in variant else IMAGE_PATH)
    assert (rest.strip(), reason) == (WORDS, "stop")


BROKEN = [
    *("truncated", "reset", "hang_up", "half_frame", "no_finish", "empty", "error_mid", "message_mid", "status_error"),
    *("unauthorized_mid", "broken_json", "big_event"),
]


# -- bad input --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["truncated", "reset", "hang_up", "half_frame", "no_finish"])
def test_an_answer_whose_stream_is_lost_is_read_back(client: openai.OpenAI, fault: str) -> None:
    assert streamed(client, PLUS, f"Hi\n{SCRIPT} pace_ms=2 fault={fault}") == (WORDS, "", "stop")


@pytest.mark.parametrize("fault", BROKEN)
def test_a_stream_that_breaks_is_told_and_never_looks_whole(
    client: openai.OpenAI, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QwenTurn, "reads_back", False)
    with pytest.raises(openai.APIError):
        streamed(client, PLUS, f"Hi\n!sandbox pace_ms=2 fault={fault}")


@pytest.mark.parametrize("fault", ["unknown_event", "two_finishes", "after_finish", "stay_open"])
def test_odd_streams_are_read_rightly(client: openai.OpenAI, fault: str) -> None:
    assert streamed(client, PLUS, f"Hi\n{SCRIPT} fault={fault}") == (WORDS, "", "stop")


def test_bytes_that_are_no_text_become_marks_of_that(client: openai.OpenAI) -> None:
    assert streamed(client, PLUS, f"Hi\n{SCRIPT} fault=bad_utf8")[0] == f"{WORDS}\ufffd\ufffd"


def test_a_client_that_leaves_ends_the_sites_work(gateway: Served, sites: Sites) -> None:
    site = sites.site("qwen")
    posted(gateway, "Hi")  # leaves the connections of the calls beside a chat, which stay open for a while
    sites.wait_for("qwen", lambda: any(request.path == "/api/models" for request in site.requests))
    before = site.connections
    message = {"role": "user", "content": "Hi\n!sandbox stall_after=3"}
    fields = {"model": PLUS, "stream": True, "messages": [message]}
    with gateway.stream(fields) as answer:
        next(iter(answer.iter_lines()))
    sites.wait_for("qwen", lambda: site.connections <= before and not site.busy)
