"""Recordings: written whole, read back, decoded again; and every way one can be unusable."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from addons.dialects.registry import parsed_as
from addons.inspect.annotation import Annotation, annotation_of
from addons.recordings.check import differences
from addons.recordings.drift import KINDS_LIMIT, Drift
from addons.recordings.recorder import ENDING, Recorder
from addons.recordings.recording import Recording, RecordingProblem, Source, recording_of

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
    note = Annotation(
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
    note.put_on(flow)
    assert annotation_of(flow) == note
    return recording_of(flow, Source(note, more.pop("provider_type", "zai"), ["the-secret"]))


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
    assert (parsed.chat.completion is not None) == (name == "completions")


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


def test_a_changed_reading_shows_as_a_diff() -> None:
    diff = differences(recorded(delivered=delivered("Hello 你好")))
    assert "-Hello 你好" in diff
    assert f"+{WORDS}" in diff
    assert differences(recorded(delivered=delivered(WORDS, "length"))) != []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda t: t[: len(t) // 2], "cut off or edited", id="cut off"),
        pytest.param(lambda t: t.replace('"version": 2', '"version": 9'), "version 9", id="version"),
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


# -- the folder -------------------------------------------------------------------------------------------------------
def test_old_recordings_go_first(tmp_path: Path) -> None:
    clock = [time.time() - 1000]
    size = len(recorded().dump())
    recorder = Recorder(tmp_path / "r", max_mb=3.5 * size / 1e6, max_days=30, now=lambda: clock[0])
    for number in range(5):
        clock[0] += 60
        path = recorder.write(recorded(), f"req_{number}", 1)
        assert path
        os.utime(path, (clock[0], clock[0]))
    recorder.prune()
    left = sorted(path.name for path in (tmp_path / "r").glob(f"*{ENDING}"))
    assert [name.split("-")[-2] for name in left] == ["req_2", "req_3", "req_4"]
    clock[0] += 31 * 86_400
    recorder.prune()
    assert list((tmp_path / "r").iterdir()) == []


def test_a_full_disk_ends_the_recording_and_leaves_no_half_file(tmp_path: Path, monkeypatch: Any) -> None:
    recorder = Recorder(tmp_path, max_mb=1, max_days=1)

    def full(*a: Any, **k: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert recorder.write(recorded(), "req_1", 1) is None
    assert recorder.broken
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("recording", "name"),
    [
        (recorded(), "231114-221320500-zai-GLM-4.6-0123abcd-1"),
        (recorded(provider_type="openai_compatible"), "231114-221320500-openai-GLM-4.6-0123abcd-1"),
        (recorded(model="vendor/model-of-a-very-long-name"), "231114-221320500-zai-vendor_model-of-a-ve-0123abcd-1"),
        (recorded().model_copy(update={"part": "step"}), "231114-221320500-zai-preparing-0123abcd-1"),
    ],
    ids=["attempt", "official", "long", "step"],
)
def test_a_recordings_name_is_short(tmp_path: Path, recording: Recording, name: str) -> None:
    path = Recorder(tmp_path, max_mb=1, max_days=1, now=lambda: 1_700_000_000.5).write(recording, "req_ffff0123abcd", 1)
    assert path is not None
    assert path.name == name + ENDING


# -- drift ------------------------------------------------------------------------------------------------------------
def test_unknown_kinds_are_counted_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o700)
    drift = Drift.load(tmp_path / "drift.json")
    with caplog.at_level("WARNING", "glassgate"):
        drift.note("zai", {"phase dreaming": 2}, 100, "req_1")
        drift.note("zai", {"phase dreaming": 1, "nothing": 0}, 200, "req_2")
    assert [record.getMessage() for record in caplog.records] == [
        "zai sent something this adapter does not know: phase dreaming (req_1)"
    ]
    drift.save()
    expected = {"zai": {"phase dreaming": {"count": 3, "last": 200, "example": "req_2"}}}
    assert Drift.load(tmp_path / "drift.json").plain() == expected


def test_a_site_that_invents_names_does_not_fill_the_disk(tmp_path: Path) -> None:
    drift = Drift(tmp_path / "drift.json")
    for number in range(KINDS_LIMIT + 50):
        drift.note("zai", {f"kind {number}": 1}, 1, "x")
    assert len(drift.found["zai"]) == KINDS_LIMIT


def test_what_was_counted_is_cleared_while_a_gateway_counts(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    drift = Drift.load(tmp_path / "drift.json")
    drift.note("zai", {"phase dreaming": 2}, 100, "req_1")
    drift.heed_clearing()
    assert drift.plain(), "what was not written down yet was cleared by nobody"
    drift.save()
    again = Drift.load(tmp_path / "drift.json")
    for one in (drift, again):
        one.heed_clearing()
        assert one.plain()
    (tmp_path / "drift.json").unlink()
    for one in (drift, again):
        one.note("zai", {"phase dreaming": 1}, 200, "req_2")
        one.heed_clearing()
        assert (one.plain(), one.unsaved()) == ({}, None)
    drift.note("zai", {"phase dreaming": 1}, 300, "req_3")
    drift.save()
    assert Drift.load(tmp_path / "drift.json").plain()["zai"]["phase dreaming"]["count"] == 1


@pytest.mark.parametrize("content", ["", "[]", '{"zai": 3}', '{"zai": {"a": {"count": "x"}}}'])
def test_a_damaged_count_is_begun_anew(tmp_path: Path, content: str) -> None:
    file = tmp_path / "drift.json"
    file.write_text(content)
    file.chmod(0o600)
    assert Drift.load(file).plain() == {}
