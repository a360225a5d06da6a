"""LongCat's adapter. No stream of the real site is public: these are synthetic, made from descriptions of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chat import ChatRequest, Message
from providers.contract import Answer, Moment, Session, SessionMaterial
from providers.errors import ErrorKind, ProviderError
from providers.events import Citation, Failure, Finish, Usage
from providers.longcat import LongCat, LongCatOptions
from providers.longcat_decoder import LongCatDecoder
from tests.support.decoding import RECORDINGS, joined, reasoning_of, run, same_at_every_cut, text_of

MOMENT = Moment(1_790_000_000_000, lambda: "00000000-0000-4000-8000-000000000001")


def frame(value: Any) -> bytes:
    return b"data:" + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def event(kind: str, content: Any = None, **more: Any) -> bytes:
    return frame({"event": {"type": kind, "content": content, **more}, "lastOne": False})


FINISH = event("finish", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3})


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        pytest.param(["你", "好"], "你好", id="pieces"),
        pytest.param(["ha", "ha", "!"], "haha!", id="equal pieces"),
        pytest.param(["Hel", "Hello", "Hello there"], "Hello there", id="snapshots"),
    ],
)
def test_pieces_and_snapshots(frames: list[str], text: str) -> None:
    stream = event("create") + b"".join(event("content", piece, status="FINISHED") for piece in frames) + FINISH
    events = same_at_every_cut(LongCatDecoder, stream)
    assert (text_of(events), events[-1]) == (text, Finish("stop"))
    assert Usage(1, 2, 3) in events


@pytest.mark.parametrize("kind", ["reason", "think"])
def test_thinking_and_search(kind: str) -> None:
    results = [{"title": "T", "url": "https://t.example/", "snippet": "s"}]
    stream = (
        event(kind, "hm")
        + event("search", {"query": "x"})
        + event("search", {"resultList": results})
        + event("common_search", json.dumps(results))
        + event("content", "It is so.")
        + FINISH
    )
    events = same_at_every_cut(LongCatDecoder, stream)
    assert (reasoning_of(events), text_of(events)) == ("hm", "It is so.")
    assert [e for e in events if isinstance(e, Citation)] == [Citation("https://t.example/", "T")]


def test_the_final_content_completes_what_was_sent_and_a_contradiction_is_counted() -> None:
    whole = event("content", "Hel") + event("finish", finalContentX="Hello")
    assert text_of(same_at_every_cut(LongCatDecoder, whole)) == "Hello"
    decoder = LongCatDecoder()
    assert text_of(run(decoder, [event("content", "Hel") + event("finish", finalContentX="Other")])) == "Hel"
    assert decoder.unknown == {"finalContentX differs": 1}


def test_old_frames() -> None:
    frames = [
        {"choices": [{"delta": {"content": piece}}], "content": so_far, "lastOne": last}
        for piece, so_far, last in [("He", "He", False), ("llo", "Hello", False), ("", "Hello", True)]
    ]
    events = same_at_every_cut(LongCatDecoder, b"".join(map(frame, frames)))
    assert (text_of(events), events[-1]) == ("Hello", Finish("stop"))


@pytest.mark.parametrize(
    "stream",
    [event("content", "x") + event("finish", finishType="sensitive"), frame({"sensitive": True, "lastOne": True})],
)
def test_sensitive_is_content_filter(stream: bytes) -> None:
    assert same_at_every_cut(LongCatDecoder, stream)[-1] == Finish("content_filter")


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        pytest.param(b'{"code":429,"message":"x"}\n', ErrorKind.RATE_LIMITED, id="lone JSON line"),
        pytest.param(event("event_error", "please log in"), ErrorKind.SESSION_EXPIRED, id="login demanded"),
        pytest.param(event("eventError", None, message="oops"), ErrorKind.PROVIDER_DOWN, id="event error"),
        pytest.param(event("content", "x"), ErrorKind.INCOMPLETE, id="no end"),
        pytest.param(b"", ErrorKind.INCOMPLETE, id="nothing"),
        pytest.param(b"data: {broken\n\n", ErrorKind.PROVIDER_DOWN, id="broken JSON"),
    ],
)
def test_failures(stream: bytes, kind: ErrorKind) -> None:
    last = same_at_every_cut(LongCatDecoder, stream)[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is kind


def test_unknown_events_and_words_after_the_end_change_nothing() -> None:
    decoder = LongCatDecoder()
    stream = event("plugin", [1]) + event("content", "x") + FINISH + event("content", "more") + FINISH
    assert text_of(run(decoder, [stream])) == "x"
    assert decoder.unknown == {"event plugin": 1}


@given(
    st.lists(
        st.one_of(
            st.builds(event, st.sampled_from(["content", "think", "x"]), st.text(max_size=5)),
            st.binary(max_size=12),
            st.just(FINISH),
        ),
        max_size=6,
    ),
    st.integers(0, 300),
)
def test_anything_ends_once_and_alike(frames: list[bytes], cut: int) -> None:
    stream = b"".join(frames)
    assert joined(run(LongCatDecoder(), [stream[:cut], stream[cut:]])) == joined(run(LongCatDecoder(), [stream]))


def test_the_synthetic_recording() -> None:
    file = RECORDINGS / "longcat" / "synthetic-chat-v2.sse"
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    events = same_at_every_cut(LongCatDecoder, file.read_bytes())
    assert (text_of(events), events[-1]) == ("你好", Finish("stop"))
    assert Usage(12, 2, 14) in events


# -- requests ---------------------------------------------------------------------------------------------------------
def provider() -> LongCat:
    return LongCat("longcat", LongCatOptions())


def session(**material: Any) -> Session:
    return provider().read_session("main", SessionMaterial(**material))


def test_cookies_and_a_bare_token_are_the_same_sign_in() -> None:
    request = ChatRequest("LongCat-Thinking-Search", (Message("system", "Be brief."), Message("user", "Hi")))
    for material, sealed in (
        ({"cookies": {"passport_token_key": "v", "_lxsdk_s": "w"}}, "cookie:passport_token_key"),
        ({"token": "v"}, "token"),
    ):
        steps = provider().prepare(request, session(**material), MOMENT)
        assert json.loads(next(steps).body) == {"model": "", "agentId": "1"}
        with pytest.raises(StopIteration) as done:
            steps.send(Answer(200, {}, b'{"code":0,"data":{"conversationId":"c-1"}}'))
        call = provider().build(request, session(**material), done.value.value, MOMENT)
        headers, body = dict(call.headers), json.loads(call.body)
        assert f"passport_token_key=~sealed~longcat~main~{sealed}~" in headers["cookie"]
        assert (body["reasonEnabled"], body["searchEnabled"], body["conversationId"]) == (1, 1, "c-1")
        assert body["content"].index("Be brief.") < body["content"].index("Hi")
        assert headers["referer"].endswith("/c/c-1")


@pytest.mark.parametrize("material", [SessionMaterial(), SessionMaterial(token="two words")])
def test_a_session_without_the_cookie_cannot_serve(material: SessionMaterial) -> None:
    with pytest.raises(ProviderError, match="passport_token_key"):
        provider().read_session("main", material)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (418, b'{"customData":{"riskLevel":"199"}}', ErrorKind.CHALLENGE),
        (403, b"", ErrorKind.CHALLENGE),
        (401, b"", ErrorKind.SESSION_EXPIRED),
        (200, b'{"code":429,"message":"x"}', ErrorKind.RATE_LIMITED),
        (200, b"<html>", ErrorKind.CHALLENGE),
        (502, b"bad gateway", ErrorKind.PROVIDER_DOWN),
    ],
)
def test_refusals(status: int, body: bytes, kind: ErrorKind) -> None:
    assert provider().classify(status, {}, body).kind is kind
