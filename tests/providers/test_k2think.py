"""K2Think's adapter. No recording is public; these shapes are synthetic, made from descriptions of the protocol."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chat import ChatRequest, Message
from providers.contract import Moment, SessionMaterial
from providers.errors import ErrorKind, ProviderError
from providers.events import Failure, Finish, Usage
from providers.k2think import K2Think, K2ThinkOptions
from providers.k2think_decoder import K2ThinkStream, K2ThinkWhole
from providers.sandbox.tokens import jwt
from tests.support.decoding import joined, reasoning_of, run, same_at_every_cut, text_of

MOMENT = Moment(1_790_000_000_000, lambda: "00000000-0000-4000-8000-000000000001")
TOKEN = jwt({"id": "u", "exp": 1_800_000_000})


def completion(content: str, reason: str = "stop", **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": reason}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("body", "reasoning", "text", "reason"),
    [
        pytest.param(completion("<think>R</think>A"), "R", "A", "stop", id="pair"),
        pytest.param(completion('<think duration="3">R</think>\n\nA'), "R", "A", "stop", id="attributes"),
        pytest.param(completion("R 你</think>A"), "R 你", "A", "stop", id="closing only"),
        pytest.param(completion("<think>R</think><answer>A</answer>"), "R", "A", "stop", id="answer tags"),
        pytest.param(completion("A alone"), "", "A alone", "stop", id="plain"),
        pytest.param(completion("still thinking", "length"), "still thinking", "", "length", id="cut off"),
        pytest.param(completion("A", reasoning_content="R"), "R", "A", "stop", id="own field"),
    ],
)
def test_whole_answers(body: bytes, reasoning: str, text: str, reason: str) -> None:
    events = same_at_every_cut(K2ThinkWhole, body)
    assert (reasoning_of(events), text_of(events), events[-1]) == (reasoning, text, Finish(reason))  # type: ignore[arg-type]
    assert Usage(1, 2, 3) in events


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"detail":"Model not found"}', ErrorKind.MODEL_UNAVAILABLE),
        (completion(""), ErrorKind.PROVIDER_DOWN),
        (completion("x")[:-5], ErrorKind.INCOMPLETE),
        (b"", ErrorKind.INCOMPLETE),
        (b"[]", ErrorKind.PROVIDER_DOWN),
    ],
)
def test_whole_failures(body: bytes, kind: ErrorKind) -> None:
    last = same_at_every_cut(K2ThinkWhole, body)[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is kind


def frames(*values: Any) -> bytes:
    return b"".join(b"data: " + (v if isinstance(v, bytes) else json.dumps(v).encode()) + b"\n\n" for v in values)


def chunk(content: str, reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": reason}]}


OPEN = '<details type="reasoning" done="false"><summary>Thinking…</summary>\n&gt; '
SHUT = '<details type="reasoning" done="true" duration="2"><summary>Thought</summary>\n&gt; I think.\n</details>\n'
DRAWN = [
    {"content": f"{OPEN}I th"},
    {"content": f"{OPEN}I think."},
    {"content": f"{SHUT}<answer>It"},
    {"content": f"{SHUT}<answer>It is.</answer>"},
]


@pytest.mark.parametrize(
    ("stream", "reasoning", "text"),
    [
        pytest.param(frames({"content": "He"}, {"content": "Hello"}, {"done": True}), "", "Hello", id="snapshots"),
        pytest.param(
            frames(chunk("<think>R</th"), chunk("ink>A"), chunk("", "stop"), b"[DONE]"), "R", "A", id="pieces"
        ),
        pytest.param(
            frames(chunk("<think>R</think>A"), chunk("<think>R</think>A B", "stop")),
            "R",
            "A B",
            id="chunks of snapshots",
        ),
        pytest.param(frames(*DRAWN, b"-1"), "I think.", "It is.", id="drawn as details"),
    ],
)
def test_streams(stream: bytes, reasoning: str, text: str) -> None:
    events = same_at_every_cut(K2ThinkStream, stream)
    assert (reasoning_of(events), text_of(events), events[-1]) == (reasoning, text, Finish("stop"))


@pytest.mark.parametrize("end", [b"-1", b"[DONE]", b"DONE", b"done"])
def test_every_end_mark_ends(end: bytes) -> None:
    assert run(K2ThinkStream(), [frames({"content": "x"}, end)])[-1] == Finish("stop")


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (frames({"content": "x"}), ErrorKind.INCOMPLETE),
        (frames({"detail": "Not authenticated"}), ErrorKind.SESSION_EXPIRED),
        (frames(b"{broken"), ErrorKind.PROVIDER_DOWN),
    ],
)
def test_stream_failures(stream: bytes, kind: ErrorKind) -> None:
    last = same_at_every_cut(K2ThinkStream, stream)[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is kind


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_end_once(data: bytes, cut: int) -> None:
    for make in (K2ThinkWhole, K2ThinkStream):
        assert joined(run(make(), [data[:cut], data[cut:]])) == joined(run(make(), [data]))


def test_the_request_is_the_proven_one() -> None:
    k2 = K2Think("k2think", K2ThinkOptions())
    session = k2.read_session("main", SessionMaterial(cookies={"token": TOKEN}))
    assert session.expires_at == 1_800_000_000
    request = ChatRequest("MBZUAI-IFM/K2-Think", (Message("developer", "S"), Message("user", "Hi")), max_tokens=5)
    call = k2.build(request, session, None, MOMENT)
    assert dict(call.headers)["Authorization"] == "Bearer ~sealed~k2think~main~cookie:token~"
    assert json.loads(call.body) == {
        "stream": False,
        "model": "MBZUAI-IFM/K2-Think-v2",
        "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}],
        "max_tokens": 5,
    }
    assert k2.answers_late(request)


@pytest.mark.parametrize("material", [SessionMaterial(), SessionMaterial(token="no jwt")])
def test_a_token_that_is_none(material: SessionMaterial) -> None:
    with pytest.raises(ProviderError, match="JWT"):
        K2Think("k2think", K2ThinkOptions()).read_session("main", material)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b'{"detail":"x"}', ErrorKind.SESSION_EXPIRED),
        (400, b'{"detail":"Model not found"}', ErrorKind.MODEL_UNAVAILABLE),
        (503, b"<html>cloudflare", ErrorKind.CHALLENGE),
        (200, b"<html>", ErrorKind.CHALLENGE),
        (500, b"", ErrorKind.PROVIDER_DOWN),
    ],
)
def test_refusals(status: int, body: bytes, kind: ErrorKind) -> None:
    assert K2Think("k2think", K2ThinkOptions()).classify(status, {}, body).kind is kind
