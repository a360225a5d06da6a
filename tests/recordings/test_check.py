"""A recording read again: what would be delivered differently today."""

import json
from dataclasses import replace
from typing import Any

import pytest

from addons.features.mark import mark_of
from addons.inspect.chat_view import error_of
from addons.recordings.check import _provider, decode_again, delivered_lines, delivered_today, differences
from addons.recordings.recording import RecordedAnswer, Recording, RecordingProblem
from providers.contract.errors import ErrorKind
from providers.contract.provider import Model
from tests.recordings.test_recording import STREAM, WORDS, delivered, recorded
from tests.support.features import at


def test_a_changed_reading_shows_as_a_diff() -> None:
    diff = differences(recorded(delivered=delivered("Hello 你好")))
    assert "-Hello 你好" in diff
    assert f"+{WORDS}" in diff
    assert differences(recorded(delivered=delivered(WORDS, "length"))) != []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"cut": True}, "only the beginning"),
        ({"outcome": "client_left"}, "client left"),
        ({"provider_type": "nobody"}, "no adapter 'nobody'"),
        ({"client": "{"}, "cannot be read"),
    ],
)
def test_what_cannot_be_checked_says_so(more: dict[str, Any], words: str) -> None:
    with pytest.raises(RecordingProblem, match=words):
        differences(recorded(**more))


def test_a_preparing_call_delivers_nothing_that_could_differ() -> None:
    assert differences(recorded(delivered="x").model_copy(update={"part": "step"})) == []


def test_without_an_answer_there_is_nothing_to_read() -> None:
    with pytest.raises(RecordingProblem, match="did not answer in this recording"):
        differences(recorded().model_copy(update={"answer": None}))


def test_ids_times_and_pieces_are_no_difference() -> None:
    describe_state = delivered("Hello ") + delivered("你好 🌏")
    choice = {"index": 0, "message": {"content": WORDS}, "finish_reason": "stop"}
    whole = json.dumps({"id": "other", "choices": [choice]})
    assert differences(recorded(delivered=describe_state)) == []
    assert differences(recorded(delivered=whole)) == []


def answered(recording: Recording) -> RecordedAnswer:
    assert recording.answer is not None
    return recording.answer


@pytest.mark.parametrize("size", [1, 3, 64, 10_000])
def test_it_is_read_in_the_pieces_and_at_the_times_it_came(size: int) -> None:
    pieces = range(0, len(STREAM), size)
    recording = recorded(arrivals=tuple((0.25 + number, size) for number in range(len(pieces))))
    found = decode_again(recording, answered(recording), _provider("zai"))
    assert WORDS in "".join(delivered_lines(recording.model_copy(update={"delivered": found.delivered})))
    first = STREAM.index(b"\n\n") + 2
    assert found.first_token_ms == 250 + 1000 * ((first - 1) // size)
    assert found.error is None


@pytest.mark.parametrize("provider", ["openai_compatible", "qwen"])
def test_pictures_are_read_again(provider: str) -> None:
    asked = {"model": "m", "prompt": "A cat"}
    bodies = {
        "openai_compatible": b'{"created":1,"data":[{"url":"https://a/1.png"}]}',
        "qwen": b'data: {"choices":[{"delta":{"phase":"image_gen","content":"https://a/1.png"}}]}\n\n'
        b'data: {"choices":[{"delta":{"phase":"answer","content":"Here.","status":"finished"}}]}\n\n',
    }
    answer = RecordedAnswer(status=200, headers=(("content-type", "text/event-stream"),))
    piece = {"ms": 1, "data": bodies[provider]}
    answer = RecordedAnswer.model_validate(answer.model_dump() | {"pieces": [piece]})
    recording = recorded(client=json.dumps(asked)).model_copy(
        update={"provider": provider, "dialect": "images", "answer": answer, "model": "qwen-max-image"}
    )
    found = decode_again(recording, answer, _provider(provider))
    assert (found.error, json.loads(found.delivered)["data"]) == (None, [{"url": "https://a/1.png"}])
    assert delivered_lines(recording.model_copy(update={"delivered": found.delivered})) == ["picture: https://a/1.png"]


def test_an_answer_that_breaks_off_ends_in_its_error_as_it_would_for_a_client() -> None:
    broken = recorded(STREAM[: STREAM.index(b"\n\n") + 2])
    found = decode_again(broken, answered(broken), _provider("zai"))
    assert found.error is not None
    assert error_of(found.delivered)
    assert found.delivered == delivered_today(broken, answered(broken))
    assert any(line.startswith("+error: ") for line in differences(broken))


def test_a_refusal_is_an_error_and_delivers_nothing() -> None:
    recording = recorded(b'{"detail": "no"}')
    refused = answered(recording).model_copy(update={"status": 401})
    found = decode_again(recording, refused, _provider("zai"))
    assert found.delivered == ""
    assert found.error is not None
    assert found.error.kind is ErrorKind.SESSION_EXPIRED
    assert found.first_token_ms is None


def test_official_forms_are_read_without_their_address() -> None:
    assert _provider("openai_compatible").type_name == "openai_compatible"


def test_calls_in_an_answer_are_read_again_by_the_mark_of_their_request() -> None:
    """What a model wrote as it was told to, for a client that gave tools; another request's mark is none."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    asked = {"model": "GLM-4.6", "stream": True, "messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}
    mark = mark_of(replace(at(Model("m", "m"), None), request_id="req_1"))
    block = f'<call-{mark}>\n{{"name": "f", "arguments": {{}}}}\n</call-{mark}>'
    body = f"data: {json.dumps({'data': {'delta_content': block, 'phase': 'answer'}})}\n\ndata: [DONE]\n\n".encode()
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    told = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    recording = recorded(body, client=json.dumps(asked), delivered=told)
    assert differences(recording) == []
    assert differences(Recording.load(recording.dump())) == []
