"""The frames of the Qwen stand-in: tokens as the site counts them, and each form its reader has to bear."""

import itertools
import json
from typing import Any

import pytest

from providers.sandbox.qwen.frames import (
    DOCS,
    IMAGE_PATH,
    INPUT_TOKENS,
    LATER_DOC,
    PICTURES_AT,
    SECOND_IMAGE_PATH,
    TOKENS_A_FRAME,
    SandboxTurn,
    delta,
    encoded,
    events_of,
    finished,
    words_of,
)
from providers.sandbox.script import Script

PLAIN = SandboxTurn("chat", "response")
TEXT, THOUGHT = "one two three four five six", "first second third fourth fifth"


def inners(variant: str = "", turn: SandboxTurn = PLAIN) -> list[Any]:
    """What the events of an answer hold."""
    events = events_of(Script(text=TEXT, reasoning=THOUGHT, variant=variant), turn)
    return [event["choices"][0]["delta"] for event in events if "choices" in event]


def phases(found: list[Any]) -> list[Any]:
    """The phases in the order they come in, each once in a row."""
    named = [one.get("phase") for one in found]
    return [one for at, one in enumerate(named) if at == 0 or named[at - 1] != one]


def said(found: list[Any], phase: str = "answer") -> str:
    return "".join(one["content"] for one in found if one.get("phase") == phase)


def read(lines: list[bytes]) -> list[Any]:
    return [json.loads(line.removeprefix(b"data: ")) for line in lines]


def test_tokens_are_counted_up_absent_at_the_end_and_begin_anew_behind_a_tool() -> None:
    tool = delta(PLAIN, "web_search", status="finished", role="function")
    events = [delta(PLAIN, "answer", "a"), delta(PLAIN, "answer", "b"), tool, delta(PLAIN, "answer", "c")]
    found = [event.get("usage") for event in read(encoded([*events, finished(PLAIN)]))]
    counts = [usage and usage["output_tokens"] for usage in (found[0], found[1], found[3])]
    assert counts == [TOKENS_A_FRAME, 2 * TOKENS_A_FRAME, TOKENS_A_FRAME]
    assert (found[2], found[4]) == ({}, None)
    assert found[0]["total_tokens"] == INPUT_TOKENS + TOKENS_A_FRAME


def test_older_answers_count_under_other_names_and_some_count_nothing() -> None:
    event = [delta(PLAIN, "answer", "a")]
    assert read(encoded(event, frozenset({"old_usage"})))[0]["usage"] == {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": TOKENS_A_FRAME,
        "total_tokens": INPUT_TOKENS + TOKENS_A_FRAME,
    }
    assert "usage" not in read(encoded(event, frozenset({"no_usage"})))[0]


def test_a_picture_counts_no_words() -> None:
    (event,) = read(encoded([delta(PLAIN, "image_gen", PICTURES_AT + IMAGE_PATH)]))
    assert event["usage"] == {"input_tokens": 0, "output_tokens": 0, "width": 1024, "height": 768}


def test_the_first_line_has_a_blank_before_its_end() -> None:
    lines = encoded(events_of(Script(text=TEXT), PLAIN))
    assert [line.endswith(b" \n\n") for line in lines] == [True] + [False] * (len(lines) - 1)
    assert encoded([]) == []


def test_a_plain_answer_is_its_words() -> None:
    found = inners()
    assert (phases(found), said(found)) == (["answer"], TEXT)


@pytest.mark.parametrize(
    ("variant", "turn"), [("snapshots", PLAIN), ("", SandboxTurn("chat", "response", incremental=False))]
)
def test_an_answer_may_be_repeated_whole_each_time(variant: str, turn: SandboxTurn) -> None:
    texts = [one["content"] for one in inners(variant, turn)]
    assert texts[-1] == TEXT
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    assert len(texts) > 1


THINKING = SandboxTurn("chat", "response", thinking=True)


def test_thinking_is_a_list_that_grows_and_ends_before_the_answer() -> None:
    found = inners(turn=THINKING)
    assert phases(found) == ["thinking_summary", "answer"]
    lists = [one["extra"] for one in found if "extra" in one]
    assert lists[0]["summary_title"]["content"] == ["Reading the question"]
    assert lists[-1]["summary_thought"]["content"] == ["They ask.", THOUGHT]
    assert next(one for one in found if one["status"] == "finished")["phase"] == "thinking_summary"


@pytest.mark.parametrize(
    ("variant", "turn", "order"),
    [
        ("think", THINKING, ["think", "answer"]),
        ("", SandboxTurn("chat", "response", thinking=True, summary=False), ["think", "answer"]),
        ("deep_research", THINKING, ["DeepThinking", "ReportGeneration"]),
        ("no_phase", THINKING, [None]),
    ],
)
def test_older_forms_of_thinking_are_known(variant: str, turn: SandboxTurn, order: list[Any]) -> None:
    found = inners(variant, turn)
    assert phases(found) == order
    thought = "".join(
        one.get("reasoning_content", "") or (one["content"] if one.get("phase") in ("think", "DeepThinking") else "")
        for one in found
    )
    assert thought == "They ask." + THOUGHT


def test_thinking_that_is_skipped_is_told_where_there_is_none() -> None:
    told = [event for event in events_of(Script(variant="skip_think"), PLAIN) if "response.info" in event]
    assert [event["response.info"]["action"] for event in told] == ["skip_think"]
    assert not [event for event in events_of(Script(variant="skip_think"), THINKING) if "response.info" in event]


SEARCH = SandboxTurn("chat", "response", search=True)


@pytest.mark.parametrize(("variant", "phase"), [("", "web_search"), ("web_extractor", "web_extractor")])
def test_a_search_grows_its_call_and_names_what_it_found(variant: str, phase: str) -> None:
    found = inners(variant, SEARCH)
    assert phases(found) == [phase, "answer"]
    calls = [one["function_call"]["arguments"] for one in found if "function_call" in one]
    assert json.loads(calls[-1]) == {"queries": ["sandbox"]}
    assert calls[-1].startswith(calls[0])
    (result,) = [one["extra"] for one in found if one["role"] == "function"]
    assert result["web_search_info" if phase == "web_search" else "web_extract_info"] == list(DOCS)
    assert "reported[[1]] and confirmed[[2]]" in said(found)


def test_a_second_search_counts_its_documents_on() -> None:
    found = inners("two_searches", SandboxTurn("chat", "response", search=True, thinking=True))
    results = [one["extra"]["tool_result"] for one in found if one["role"] == "function"]
    assert [result["used_id"] for result in results] == [1 + len(DOCS), 3 + 1]
    assert results[1]["docs"] == [LATER_DOC]
    assert "Later too[[3]]" in said(found)


def test_pictures_are_addresses_and_tools_of_the_site_give_none_of_the_words() -> None:
    drawn = SandboxTurn("chat", "response", image=True)
    assert [one["content"] for one in inners(turn=drawn)] == [PICTURES_AT + IMAGE_PATH]
    assert [one["content"] for one in inners("two_images", drawn)] == [
        PICTURES_AT + IMAGE_PATH,
        PICTURES_AT + SECOND_IMAGE_PATH,
    ]
    for variant, place in (
        ("image_tool", {"image": PICTURES_AT + IMAGE_PATH}),
        ("image_tool+file_path", {"file_path": "output/picture.png"}),
    ):
        (result,) = [one["extra"] for one in inners(variant) if one["role"] == "function"]
        assert result["image_list"] == [place]
    tools = [one["name"] for one in inners("tools") if one["role"] == "function"]
    assert tools == ["code_interpreter", "bio", "history_retriever", "web_search_image"]


def test_signs_of_life_stand_before_and_among_the_words() -> None:
    events = events_of(Script(text=TEXT, variant="keep_alive"), PLAIN)
    assert [event["response.info"]["action"] for event in events if "response.info" in event] == ["keep_alive"] * 2
    assert phases(inners("keep_alive")) in (["answer", "KeepAlive", "answer"], ["KeepAlive", "answer"])


@pytest.mark.parametrize(("variant", "first"), [("two_candidates", "0"), ("second_first", "1")])
def test_a_second_candidate_stands_between_the_first_ones_words(variant: str, first: str) -> None:
    events = events_of(Script(text=TEXT, variant=variant), PLAIN)
    heads = [event["response.created"] for event in events if "response.created" in event]
    assert (len(heads), heads[0]["response_index"]) == (2, first)
    assert {head["response_id"] for head in heads if head["response_index"] == "0"} == {"response"}
    own = "".join(e["choices"][0]["delta"]["content"] for e in events if e.get("response_id") == "response")
    other = "".join(
        e["choices"][0]["delta"]["content"] for e in events if e.get("response_id") not in ("response", None)
    )
    assert (own, other) == (TEXT, TEXT.upper())


def test_a_variant_is_a_set_of_words() -> None:
    assert words_of(Script(variant="a+b")) == {"a", "b"}
