"""Recordings: written whole, read back, decoded again; and every way one can be unusable."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from addons.dialects.registry import parsed_as
from addons.inspect.annotation import Annotation, annotation_of
from addons.recordings.check import differences
from addons.recordings.recording import Recording, RecordingProblem, RecordingSource, recording_of
from providers.contract.requests import ChatRequest, CompletionRequest

WORDS = "Hello 你好 🌏"
STREAM = (
    b'data: {"type":"chat:completion","data":{"delta_content":"Hello ","phase":"answer"}}\n\n'
    + 'data: {"type":"chat:completion","data":{"delta_content":"你好 🌏","phase":"answer"}}\n\n'.encode()
    + b'data: {"type":"chat:completion","data":{"phase":"done","done":true}}\n\n'
)
CLIENT = json.dumps({"model": "GLM-4.6", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})


def delivered(text: str, end: str = "stop") -> str:
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": end}]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def recorded(body: bytes = STREAM, arrivals: tuple[tuple[float, int], ...] = (), **more: Any) -> Recording:
    flow = tflow.tflow(
        req=http.Request.make(
            "POST",
            "https://chat.z.ai/api?token=~sealed~zai~me~token~",
            b'{"chat_id":"12345678-1234-4123-8123-123456789abc"}',
        ),
        resp=http.Response.make(200, body, {"content-type": "text/event-stream", "set-cookie": "token=abcdefgh"}),
    )
    annotation = Annotation(
        "req_1",
        provider="zai",
        model=more.pop("model", "GLM-4.6"),
        outcome=more.pop("outcome", "ok"),
        stream=True,
        client_request=more.pop("client", CLIENT),
        delivered=more.pop("delivered", delivered(WORDS)),
        arrivals=arrivals,
        cut=more.pop("cut", False),
    )
    annotation.put_on(flow)
    assert annotation_of(flow) == annotation
    return recording_of(flow, RecordingSource(annotation, more.pop("provider_type", "zai"), ["the-secret"]))


def test_a_recording_of_the_first_version_is_read_as_well() -> None:
    value = json.loads(recorded().dump())
    del value["dialect"]
    first = Recording.load(json.dumps(value | {"version": 1}))
    assert (first.version, first.dialect, differences(first)) == (1, "", [])


@pytest.mark.parametrize("name", ["", "completions", "chat_completions", "gone"])
def test_a_body_is_read_by_the_dialect_that_was_noted(name: str) -> None:
    """Both dialects can read this one: it has messages and a prompt."""
    raw = json.dumps({"model": "m", "messages": [{"role": "user", "content": "of the chat"}], "prompt": "alone"})
    dialect, parsed = parsed_as(name, raw.encode())
    assert dialect.name == ("completions" if name == "completions" else "chat_completions")
    assert isinstance(parsed.request, CompletionRequest if name == "completions" else ChatRequest)


def test_a_recording_is_read_back_as_it_was_written() -> None:
    recording = recorded(arrivals=((0.01, 10), (0.5, 60), (0.9, len(STREAM) - 70)))
    assert Recording.load(recording.dump()) == recording
    assert recording.answer
    assert recording.answer.body == STREAM
    assert [piece.ms for piece in recording.answer.pieces] == [10, 500, 900]
    assert "12345678" not in recording.dump()
    assert "abcdefgh" not in recording.dump()
    assert differences(recording) == []


def test_bytes_that_are_no_text_are_kept() -> None:
    recording = recorded(b"\xff\xfe" + STREAM, arrivals=((0.0, 3), (0.1, len(STREAM))))
    assert recording.answer
    assert Recording.load(recording.dump()).answer == recording.answer
    assert recording.answer.body == b"\xff\xfe" + STREAM


@pytest.mark.parametrize("length", [1, 7, 50])
def test_a_secret_in_the_answer_goes_however_it_was_cut(length: int) -> None:
    body = STREAM.replace(b"Hello ", b"the-secret ")
    arrivals = tuple((0.0, length) for _ in range(0, len(body), length))
    recording = recorded(body, arrivals=arrivals)
    assert recording.answer
    assert b"the-secret" not in recording.answer.body
    assert b"~hidden~" in recording.answer.body


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda t: t[: len(t) // 2], "cut off or edited", id="cut off"),
        pytest.param(lambda t: t.replace('"version": 4', '"version": 9'), "version 9", id="version"),
        pytest.param(lambda t: '{"log": {"entries": []}}', "no recording", id="HAR"),
        pytest.param(lambda t: "[" * 100_000, "cut off or edited", id="deep"),
        pytest.param(lambda t: t.replace('"ms": 0', '"ms": -4'), "answer.pieces.0.ms", id="negative time"),
        pytest.param(lambda t: t.replace('"model"', '"modell"', 1), "model", id="missing field"),
    ],
)
def test_unusable_files_are_one_clear_line(change: Callable[[str], str], words: str) -> None:
    with pytest.raises(RecordingProblem, match=words) as caught:
        Recording.load(change(recorded().dump()), "x.glass.json")
    assert "\n" not in str(caught.value)
