"""LongCat's answers through a gateway, in every form its stand-in can show."""

from typing import Any

import openai
import pytest

from providers.sandbox.script import greeting
from tests.providers.longcat.asking import BOTH, CHAT, CREATE, THOUGHT, TOLD, URLS, WORDS, streamed, whole
from tests.support.sites import Sites

MODELS = ["LongCat-Flash", "LongCat", "LongCat-Search", "LongCat-Thinking"]


# -- models and requests ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", [*MODELS, BOTH])
def test_every_public_model_answers_streamed_and_whole(client: openai.OpenAI, model: str) -> None:
    told = streamed(client, "Good morning", model)
    assert told[0] == greeting("Good morning")
    assert told[1].startswith("The user wrote") == ("Thinking" in model)
    assert told[2:] == ("stop", 46, URLS if "Search" in model else [])
    assert whole(client, "Good morning", model) == told


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert "LongCat" in {model.id for model in client.models.list()}
    assert {*MODELS, BOTH} <= {model.id for model in client.models.list(extra_query={"all": "true"})}


def test_each_chat_has_a_conversation_of_its_own(client: openai.OpenAI, sites: Sites) -> None:
    site = sites.site("longcat")
    before = len(site.requests)
    for model, switches in (("LongCat", (0, 0)), ("LongCat-Thinking", (1, 0)), ("LongCat-Search", (0, 1))):
        whole(client, "Hi\n!sandbox pace_ms=0", model)
        body = site.requests[-1].json()
        assert (body["reasonEnabled"], body["searchEnabled"]) == switches
    asked = site.requests[before:]
    assert [request.path for request in asked] == [CREATE, CHAT] * 3
    ids = [request.json()["conversationId"] for request in asked if request.path == CHAT]
    assert len(set(ids)) == 3
    assert all(site.chats[chat_id].turns == 1 for chat_id in ids)


def test_the_conversation_arrives_in_one_text(client: openai.OpenAI, sites: Sites) -> None:
    messages: Any = [
        {"role": "system", "content": "Speak like a pirate."},
        {"role": "user", "content": "First question"},
        {"role": "assistant", "content": "First answer"},
        {"role": "user", "content": f"Second question\n{TOLD}"},
    ]
    answer = client.chat.completions.create(model="LongCat", messages=messages)
    assert answer.choices[0].message.content == WORDS
    content = sites.site("longcat").requests[-1].json()["content"]
    places = [content.index(message["content"]) for message in messages]
    assert places == sorted(places)


# -- forms of the answer ----------------------------------------------------------------------------------------------
VARIANTS = [
    "",
    "reason",
    "cumulative",
    "old",
    "old+cumulative",
    "comments+space+done_word",
    "token_info",
    "last_one+token_info",
    "last_one+cumulative+token_info",
    "no_final",
    "finish_only",
    "final_alone",
    "final_completes",
    "final_completes+cumulative",
    "final_differs",
    "media",
    "common_search",
    "general_search",
    "local_life_search",
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_each_form_gives_the_same_answer(client: openai.OpenAI, variant: str, cut: int) -> None:
    told = streamed(client, f"Hi\n{TOLD} variant={variant} cut={cut}", BOTH)
    assert told == (WORDS, THOUGHT, "stop", 46, URLS)
    if not cut:
        assert whole(client, f"Hi\n{TOLD} variant={variant}", BOTH) == told


@pytest.mark.parametrize("form", ["remarks", "remarks+cumulative", "remarks+finish_only"])
def test_opening_remarks_are_thinking(client: openai.OpenAI, form: str) -> None:
    asked = f"Hi\n{TOLD} variant={form}", "LongCat-Thinking"
    assert streamed(client, *asked)[:3] == (WORDS, THOUGHT, "stop")
    assert whole(client, *asked)[:3] == (WORDS, THOUGHT, "stop")


@pytest.mark.parametrize("carrier", ["", "+cumulative", "+old", "+old+cumulative"])
@pytest.mark.parametrize("text", ["hahaha", "haha!", "aaaaaaaaa"])
def test_equal_pieces_survive(client: openai.OpenAI, carrier: str, text: str) -> None:
    assert streamed(client, f"Hi\n!sandbox pace_ms=0 variant=pairs{carrier} text={text}")[0] == text


def test_without_a_count_of_the_sites_the_gateway_counts(client: openai.OpenAI) -> None:
    for variant in ("no_usage", "old+no_usage"):
        text, _, reason, tokens, _ = streamed(client, f"Hi\n{TOLD} variant={variant}")
        assert (text, reason) == (WORDS, "stop")
        assert tokens not in (None, 0, 46)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_compressed_streams_are_read(client: openai.OpenAI, encoding: str) -> None:
    assert streamed(client, f"Hi\n{TOLD} encoding={encoding} cut=5")[0] == WORDS


def test_counted_answers_arrive_whole(client: openai.OpenAI) -> None:
    for variant in ("", "cumulative"):
        assert streamed(client, f"Hi\n!sandbox count=300 pace_ms=0 variant={variant}")[0] == "word " * 300


@pytest.mark.parametrize("words", ["fault=sensitive", "fault=sensitive_frame", "fault=sensitive variant=old"])
def test_a_filtered_answer_says_so(client: openai.OpenAI, words: str) -> None:
    for ask in (streamed, whole):
        text, _, reason, _, _ = ask(client, f"Hi\n{TOLD} {words}")
        assert reason == "content_filter"
        assert text
        assert WORDS.startswith(text)


def test_a_filtered_answer_may_have_no_word(client: openai.OpenAI) -> None:
    for ask in (streamed, whole):
        told = ask(client, "Hi\n!sandbox fault=sensitive_wordless")
        assert (told[0], told[2]) == ("", "content_filter")
