"""Embeddings, sounds, moderations and rankings through the gateway, with the real SDK."""

import io
from typing import Any

import httpx
import openai
import pytest

from providers.sandbox.openai.endpoints import SOUND
from tests.support.served import Served
from tests.support.sites import Sites

MODEL = "sandbox-large"
CUT = "Hello\n!sandbox fault=hang_up"
WAVE: Any = ("a.wav", io.BytesIO(b"RIFF" + bytes(5000)), "audio/wav")


def last(sites: Sites) -> Any:
    return sites.site("openai").requests[-1]


def test_the_sdk_gets_its_vectors(gateway: Served, sites: Sites) -> None:
    found = gateway.sdk(strict=False).embeddings.create(model=MODEL, input=["one", "three"])
    assert [one.embedding for one in found.data] == [[0.25, -0.5, 3.0], [0.25, -0.5, 5.0]]
    assert found.usage.prompt_tokens == 5
    assert last(sites).json()["encoding_format"] == "base64"


def test_answers_come_byte_for_byte_and_say_whom_they_are_of(gateway: Served) -> None:
    answer = gateway.post({"model": MODEL, "query": "q", "documents": ["a", "bb"], "top_n": 2}, "/rerank")
    assert (answer.status_code, answer.headers["x-glassgate-account"]) == (200, "official/demo")
    assert answer.headers["content-type"] == "application/json"
    assert b'\n "results": [\n  {\n   "index": 1' in answer.content


def test_a_moderation_needs_no_model_where_one_api_has_them(client: openai.OpenAI, gateway: Served) -> None:
    post = gateway.post({"input": "no harm"}, "/moderations")
    assert (post.status_code, post.json()["results"][0]["flagged"]) == (200, True)
    assert "x-glassgate-model" not in post.headers
    assert not gateway.post({"model": MODEL, "input": "all well"}, "/moderations").json()["results"][0]["flagged"]


def test_the_sdk_gets_its_speech_as_it_comes(client: openai.OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(model=MODEL, voice="alloy", input="Hello") as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        assert answer.read() == SOUND


def test_speech_that_breaks_off_has_no_proper_end(gateway: Served) -> None:
    with gateway.stream({"model": MODEL, "voice": "v", "input": CUT}, "/audio/speech") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.HTTPError):
            answer.read()
    assert "broken_off" in gateway.log


def test_speech_can_be_events(gateway: Served) -> None:
    answer = gateway.post({"model": MODEL, "voice": "v", "input": "Hi", "stream_format": "sse"}, "/audio/speech")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("data: ") == 2


def test_the_sdk_gets_its_transcripts(client: openai.OpenAI, sites: Sites) -> None:
    heard = client.audio.transcriptions.create(model=MODEL, file=WAVE, language="en")
    assert heard.text == "Hello there, 5004 bytes"
    assert last(sites).path == "/v1/audio/transcriptions"
    text: Any = client.audio.transcriptions.create(model=MODEL, file=WAVE, response_format="srt")
    assert "00:00:01,000" in text
    assert client.audio.translations.create(model=MODEL, file=WAVE).text.startswith("Hello there")


def test_the_sdk_streams_a_transcript(client: openai.OpenAI) -> None:
    events = list(client.audio.transcriptions.create(model=MODEL, file=WAVE, stream=True))
    assert [event.type for event in events] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]


def test_the_sdk_gets_variations_of_a_picture(client: openai.OpenAI) -> None:
    made = client.images.create_variation(model=MODEL, image=("a.png", io.BytesIO(b"\x89PNG"), "image/png"))
    assert made.data
    assert made.data[0].b64_json


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        ("/embeddings", {"input": "x"}, 400, "model"),
        ("/embeddings", {"model": 5, "input": "x"}, 400, "model"),
        ("/embeddings", {"model": "m" * 300, "input": "x"}, 400, "model"),
        ("/embeddings", {"model": "nobodys", "input": "x"}, 404, "model"),
        ("/embeddings", {"model": "GLM-4.6", "input": "x"}, 400, "model"),
        ("/audio/transcriptions", {"model": MODEL}, 400, None),
        ("/batches", {"endpoint": "/v1/chat/completions"}, 400, "input_file_id"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    gateway: Served, path: str, body: Any, status: int, param: Any
) -> None:
    answer = gateway.post(body, path)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_the_apis_own_refusal_comes_back(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.with_options(max_retries=0).embeddings.create(model=MODEL, input="x\n!sandbox fault=quota")
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(model=MODEL, file=b"")
    assert refused.value.param == "file"


def test_the_log_names_the_endpoint(gateway: Served) -> None:
    gateway.post({"input": "x"}, "/moderations")
    assert "POST /moderations - -> official/demo 200 ok" in gateway.log
