"""Z.AI's frames that are as the one before but for their words are read the short way, and mean the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.events import Event, Text
from providers.formats.jsontext import loads
from providers.formats.word_frames import WordFrames
from providers.zai.decoder import ZaiDecoder


def frame(**data: Any) -> bytes:
    text = json.dumps({"type": "chat:completion", "data": data}, ensure_ascii=False)
    return b"data: " + text.encode() + b"\n\n"


END = frame(phase="done", done=True)


def told(body: bytes, decoder: ZaiDecoder) -> list[Event]:
    return [*decoder.feed(body), *decoder.close()]


def test_after_two_frames_words_are_read_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    long = 0

    def reads(payload: bytes, most: int) -> Any:
        nonlocal long
        long += 1
        return loads(payload, most)

    monkeypatch.setattr("providers.shared.frames.loads", reads)
    said = [f"w{at} " for at in range(100)]
    events = told(b"".join(frame(delta_content=word, phase="answer") for word in said) + END, ZaiDecoder())
    assert "".join(event.text for event in events if isinstance(event, Text)) == "".join(said)
    assert long < 10


MORE: tuple[dict[str, Any], ...] = (
    {},
    {"phase": "other"},
    {"phase": "thinking"},
    {"phase": "tool_call"},
    {"phase": ["answer"]},
    {"edit_content": "new", "edit_index": 1},
    {"edit_content": ""},
    {"content": "all"},
    {"content_blocks": [{"type": "text", "content": "x"}]},
    {"usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    {"usage": None},
    {"done": True},
    {"error": {"detail": "no"}},
    {"scope": "subagent"},
    {"odd": 0},
    {"delta_name": "f"},
)
AROUND: tuple[dict[str, Any], ...] = (
    {},
    {"type": "heartbeat"},
    {"scope": "subagent"},
    {"error": {"code": 1}},
    {"x": 1},
)
PIECES = ("a", "b ", "", '"', "\\", "é", "\n", "<details", ">", "</details>", "【1†", "】", "[1]", "delta_content")


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Some are alike for a while; what changes, changes anywhere in them."""
    more, around, out = draw(st.sampled_from(MORE)), draw(st.sampled_from([{}, *AROUND])), b""
    for piece in draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6)):
        data = {"delta_content": piece, "phase": "answer", **more}
        text = json.dumps({"type": "chat:completion", "data": data, **around}, ensure_ascii=draw(st.booleans()))
        out += b"data: " + text.encode() + b"\n\n"
    return out


@given(st.lists(frames(), max_size=6), st.booleans(), st.booleans(), st.booleans())
def test_the_short_way_means_the_same(parts: list[bytes], ends: bool, whole: bool, in_chat: bool) -> None:
    body = b"".join(parts) + (END if ends else b"")

    def read() -> tuple[str, dict[str, int]]:
        decoder = ZaiDecoder(whole=whole, in_chat=in_chat)
        return repr(told(body, decoder)), decoder.unknown

    short = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WordFrames, "words", lambda *_: None)
        assert read() == short
