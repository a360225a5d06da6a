import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.events import Citation, Failure, Usage
from providers.qwen.decoder import DecoderOptions
from tests.providers.qwen.reading import FIXTURES, Read, answer, decode, fixture, frames, read

ROOT = Path(__file__).parents[3]
RECORDINGS = Path(os.environ.get("GLASSGATE_RECORDINGS", ROOT.parent / "shared" / "recordings")) / "qwen"
NAMES = sorted(path.stem.removeprefix("synthetic-") for path in FIXTURES.glob("synthetic-*.sse"))

EXPECTED = {
    "summary-grows": Read(
        "Hello 你好😊",
        "**Greeting**\n\nFirst I think.\n\n**Plan**\n\nThen more.",
        usage=Usage(10, 9, 19, reasoning_tokens=5, cached_tokens=4),
        end="stop",
    ),
    "search-rounds": Read(
        "Sun today , rain later . Code: a[[99]] and b[0]",
        "**Look**\n\nI need news.\n\n**Read**\n\nNow read on.",
        citations=[
            Citation("https://docs.example/37", "Doc 37", None, 10, 10),
            Citation("https://docs.example/2", "Doc 2", None, 23, 23),
        ],
        usage=Usage(70, 30, 100, reasoning_tokens=12),
        end="stop",
    ),
    "two-candidates": Read("One two three", usage=Usage(1, 3, 4, reasoning_tokens=0), end="stop"),
    "think-plain": Read("haha!", "Let me see.", usage=Usage(4, 6, 10), end="stop"),
    "snapshots": Read("The sky is blue.", usage=Usage(3, 4, 7, reasoning_tokens=0), end="stop"),
    "image-tool": Read(
        "Here it is: done.",
        images=["https://cdn.example/a/1.png?key=k", "https://chat.qwen.ai/api/v2/chat/c1/out/2.png"],
        usage=Usage(9, 9, 18, reasoning_tokens=0),
        end="stop",
    ),
    "image-gen": Read(
        images=["https://cdn.example/t2i/1.png?key=JWT", "https://cdn.example/t2i/2.png?key=JWT"],
        usage=Usage(0, 0, 0),
        end="stop",
    ),
    "no-phase": Read("Yes.", "hm", usage=Usage(2, 2, 4, reasoning_tokens=0), end="length"),
    "odd": Read(
        "ok",
        citations=[Citation("https://s.example/", "S")],
        end="stop",
        unknown={
            "info brand_new": 1,
            "frame brand": 1,
            "phase new_phase": 1,
            "status strange": 1,
            "frame that is no object": 1,
        },
    ),
    "done-flag": Read("all", end="stop"),
    "stopped": Read("part", end="stop"),
    "error-after-text": Read("some", end="provider_down Internal_Server_Error"),
    "error-invalid-input": Read(end="bad_request invalid_input"),
    "error-unauthorized": Read(end="session_expired unauthorized"),
    "error-bare-json": Read(end="quota RateLimited"),
    "broken-json": Read("some", end="provider_down None"),
    "glued": Read("ab", end="stop"),
    "truncated": Read("It goes on", end="incomplete None"),
    "unended": Read(reasoning="only", end="incomplete None"),
}


def test_every_fixture_has_its_expectation() -> None:
    assert sorted(EXPECTED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_stream_holds_exactly_what_is_expected(name: str) -> None:
    assert read([fixture(name)]) == EXPECTED[name]


@pytest.mark.untraced
@pytest.mark.parametrize("name", NAMES)
def test_every_two_way_cut_reads_the_same(name: str) -> None:
    data = fixture(name)
    for at in range(len(data) + 1):
        assert read([data[:at], data[at:]]) == EXPECTED[name], at


@pytest.mark.untraced
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_byte_by_byte_reads_the_same(name: str, line_end: bytes) -> None:
    data = fixture(name).replace(b"\n", line_end)
    assert read(data[at : at + 1] for at in range(len(data))) == EXPECTED[name]


@given(st.data())
def test_random_cuts_read_the_same(draws: st.DataObject) -> None:
    name = draws.draw(st.sampled_from(NAMES))
    data = fixture(name)
    cuts = sorted(draws.draw(st.lists(st.integers(0, len(data)), max_size=30)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert read(pieces) == EXPECTED[name]


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_bytes_end_in_exactly_one_terminal_event(pieces: list[bytes]) -> None:
    decode(pieces)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = (
    "choices delta phase status content extra error usage role response_id summary_title summary_thought docs used_id "
    "tool_result image_list web_search_info web_extract_info response.created response.info response.stopped data ret "
    "finish_reason reasoning_content success code num details sources done url title input_tokens output_tokens"
)
_PHASES = "answer think thinking_summary web_search web_extractor image_gen image_gen_tool finished error typing"
_NAMES = st.sampled_from(_FIELDS.split())
_VALUES = st.recursive(
    _JSON | st.sampled_from(_PHASES.split()),
    lambda inner: st.dictionaries(_NAMES, inner, max_size=5) | st.lists(inner, max_size=3),
    max_leaves=30,
)


@given(st.lists(st.dictionaries(_NAMES, _VALUES, max_size=5), max_size=6))
def test_any_values_in_known_fields_end_in_exactly_one_terminal_event(frames: list[dict[str, Any]]) -> None:
    decode(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)


@given(st.lists(st.tuples(st.sampled_from(["answer", "thinking_summary", "web_search"]), _VALUES), max_size=6))
def test_any_extra_of_a_known_phase_is_survived(frames: list[tuple[str, Any]]) -> None:
    deltas = [{"phase": phase, "content": value, "extra": value, "status": "typing"} for phase, value in frames]
    decode(b"data: " + json.dumps({"choices": [{"delta": one}]}).encode() + b"\n\n" for one in deltas)


def test_an_event_over_the_limit_ends_the_answer_after_what_came_before_it() -> None:
    data = frames(answer("before"), answer("x" * 500), answer("", "finished"))
    for pieces in (data, [b"".join(data)]):
        found = read(pieces, DecoderOptions(limit_bytes=300))
        assert (found.text, found.end) == ("before", "provider_down None")


def test_five_megabytes_in_one_event_are_refused() -> None:
    found = read(frames(answer("x" * 5_000_000), answer("", "finished")))
    assert (found.text, found.end) == ("", "provider_down None")


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    data = frames(answer("a~b"), answer("", "finished"))
    assert read([b"".join(data).replace(b"~", b"\xff")]).text == "a\ufffdb"


def test_unknown_kinds_do_not_fill_the_memory() -> None:
    data = [b'data: {"kind%d":1}\n\n' % n for n in range(500)]
    _, decoder = decode([b"".join(data)])
    assert len(decoder.unknown) <= 65
    assert decoder.unknown.total() == 500


def test_a_challenge_in_the_stream_names_no_link() -> None:
    data = b'data: {"ret":["FAIL_SYS_USER_VALIDATE"],"data":{"url":"https://x/_____tmd_____/punish?x5secdata=S"}}\n\n'
    events, _ = decode([data])
    assert isinstance(events[-1], Failure)
    assert events[-1].error.kind == "challenge"
    assert "x5sec" not in repr(events[-1])


@pytest.mark.parametrize(
    ("reason", "end"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("tool_calls", "stop"), (7, "stop")],
)
def test_finish_reason_of_the_site_is_kept(reason: Any, end: str) -> None:
    frame = {"choices": [{"delta": answer("x", "finished"), "finish_reason": reason}]}
    assert read([b"data: " + json.dumps(frame).encode() + b"\n\n"]).end == end


@pytest.mark.parametrize("phase", ["think", "thinking_summary", "web_search", "KeepAlive", "bio", "image_gen_tool"])
def test_a_finished_phase_of_another_kind_is_not_the_end(phase: str) -> None:
    done = {"phase": phase, "content": "", "status": "finished", "role": "assistant"}
    assert read(frames(answer("a"), done, answer("b", "finished"))).text == "ab"


@pytest.mark.parametrize("phase", ["answer", "think", "image_gen"])
def test_status_error_of_a_phase_ends_the_answer(phase: str) -> None:
    assert read(frames({"phase": phase, "content": "", "status": "error"})).end == "provider_down None"


def test_a_failed_tool_does_not_end_the_answer() -> None:
    failed = {"phase": "web_search", "status": "error", "role": "function", "content": "no"}
    assert read(frames(failed, answer("still", "finished"))).text == "still"


def test_words_of_tools_are_no_answer() -> None:
    tool = {"phase": "code_interpreter", "status": "finished", "role": "function", "content": "42"}
    assert read(frames(tool, answer("ok", "finished"))).text == "ok"


def test_why_there_is_no_picture_is_text() -> None:
    data = frames({"phase": "image_gen", "content": "Not allowed.", "status": "finished"})
    found = read(data)
    assert (found.text, found.images, found.end) == ("Not allowed.", [], "stop")


def test_empty_usage_does_not_erase_what_was_counted() -> None:
    counted = {"choices": [{"delta": answer("x")}], "usage": {"input_tokens": 2, "output_tokens": 3}}
    empty = {"choices": [{"delta": answer("", "finished")}], "usage": {}}
    found = read([b"data: " + json.dumps(one).encode() + b"\n\n" for one in (counted, empty)])
    assert found.usage == Usage(2, 3, 5)


def test_counts_that_are_none_are_left_out() -> None:
    usage = b'{"input_tokens":%s,"output_tokens":1}' % (b"9" * 5000)
    frame = b'data: {"choices":[{"delta":{"phase":"answer","content":"x","status":"finished"}}],"usage":%s}'
    assert read([frame % usage]).usage is None


def created(response_id: str, index: object) -> dict[str, Any]:
    return {"response.created": {"response_id": response_id, "response_index": index}}


def of(response_id: str, content: str, status: str = "typing") -> dict[str, Any]:
    return {"choices": [{"delta": answer(content, status)}], "response_id": response_id}


@pytest.mark.parametrize(
    "stream",
    [
        [created("b", "1"), of("b", "no"), created("a", "0"), of("a", "yes"), of("b", "", "finished")],
        [created("b", None), created("a", None), of("a", "yes"), of("b", "no"), of("b", "", "finished")],
        [created("a", 0), of("c", "no"), of("a", "yes")],
        [of("a", "yes"), {"response.stopped": {}}],
    ],
    ids=["other-first", "no-index", "never-announced", "nothing-announced"],
)
def test_only_the_first_candidate_counts(stream: list[dict[str, Any]]) -> None:
    data = [b"data: " + json.dumps(one).encode() + b"\n\n" for one in [*stream, of("a", "", "finished")]]
    assert read(data).text == "yes"


def drawn(phase: str, content: str = "", **more: Any) -> dict[str, Any]:
    return {"phase": phase, "content": content, "status": "finished", **more}


IMAGES = {
    "image_list": [{"image": "https://cdn.example/1.png"}],
    "tool_result": [{"image": "https://cdn.example/o.png"}],
}
NAMED = json.dumps(
    {"results": [{"url": "https://cdn.example/1.png"}, {"data": [{"image": "https://cdn.example/2.png"}]}]}
)


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [drawn("image_edit", extra=IMAGES), answer("Done.", "finished")],
            Read("Done.", images=["https://cdn.example/1.png"], end="stop"),
            id="edit-then-words",
        ),
        pytest.param(
            [drawn("image", extra=IMAGES)], Read(images=["https://cdn.example/1.png"], end="stop"), id="image-alone"
        ),
        pytest.param(
            [drawn("image_gen", NAMED)],
            Read(images=["https://cdn.example/1.png", "https://cdn.example/2.png"], end="stop"),
            id="named-in-json",
        ),
        pytest.param(
            [drawn("image_gen", "https://cdn.example/1.png")],
            Read(images=["https://cdn.example/1.png"], end="stop"),
            id="address",
        ),
        pytest.param(
            [drawn("image_gen", '{"no": "picture"}')], Read('{"no": "picture"}', end="stop"), id="json-without-pictures"
        ),
        pytest.param(
            [{"phase": "image_gen_think", "content": "A cat."}, drawn("image_gen", "https://cdn.example/1.png")],
            Read(reasoning="A cat.", images=["https://cdn.example/1.png"], end="stop"),
            id="thinking-of-a-picture",
        ),
        pytest.param(
            [
                drawn("image_search", extra={"search_result": [{"title": "S", "url": "https://s.example/"}]}),
                answer("ok", "finished"),
            ],
            Read("ok", citations=[Citation("https://s.example/", "S")], end="stop"),
            id="image-search",
        ),
        pytest.param(
            [
                {
                    "phase": "thinking_summary",
                    "extra": {"summary_title": {"content": ["T"]}, "summary_content": {"content": ["I think."]}},
                },
                answer("ok", "finished"),
            ],
            Read("ok", "**T**\n\nI think.", end="stop"),
            id="summary-content",
        ),
        pytest.param([answer("", "finished")], Read(end="challenge None"), id="ended-without-a-word"),
    ],
)
def test_phases_of_newer_fronts(deltas: list[dict[str, Any]], expected: Read) -> None:
    assert read(frames(*deltas)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", Read(end="challenge None")),
        (b": hi\n\n", Read(end="challenge None")),
        (b'{"choices":[{"message":{"content":"Yes.","reasoning_content":"hm"}}]}', Read("Yes.", "hm", end="stop")),
        (b'{"success":true,"data":{"content":"Yes."}}', Read("Yes.", end="stop")),
        (b'{"success":false,"data":{"code":"RateLimited"}}', Read(end="rate_limited RateLimited")),
    ],
    ids=["nothing", "comments-only", "message", "data", "refusal"],
)
def test_bodies_that_are_no_stream(body: bytes, expected: Read) -> None:
    assert read([body]) == expected
    assert read([body[:9], body[9:]]) == expected


def test_the_thinking_of_one_candidate_counts_until_one_answers() -> None:
    def thought(response_id: str, words: str) -> dict[str, Any]:
        return {"choices": [{"delta": {"phase": "think", "content": words}}], "response_id": response_id}

    stream = [thought("a", "one "), thought("b", "two "), of("a", "yes"), of("b", "no"), of("a", "", "finished")]
    found = read([b"data: " + json.dumps(one).encode() + b"\n\n" for one in stream])
    assert (found.reasoning, found.text) == ("one ", "yes")


# -- real recordings, where they are ----------------------------------------------------------------------------------
@pytest.mark.untraced  # (traced, it takes a minute)
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings here")
@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.sse")), ids=lambda path: path.stem)
def test_recording_gives_what_it_holds_at_every_cut(path: Path) -> None:
    data = path.read_bytes()
    deltas = [
        choice["delta"]
        for line in data.splitlines()
        if line.startswith(b"data:")
        for choice in json.loads(line[5:]).get("choices", [])
    ]
    text = "".join(one["content"] for one in deltas if one["phase"] == "answer")
    thoughts = [one["extra"] for one in deltas if one["phase"] == "thinking_summary" and "extra" in one]
    whole = read([data])
    assert (whole.text, whole.end, whole.unknown) == (text, "stop", {})
    for thought in thoughts[-1]["summary_thought"]["content"] if thoughts else ():
        assert whole.reasoning.count(thought) == 1
    assert whole.usage is not None
    for at in range(len(data) + 1):
        assert read([data[:at], data[at:]]) == whole, at
