"""What is sent of a request that is passed on, and how its answer is taken."""

import json
from typing import Any

import pytest

from addons.dialects.passed_on.dialect import PassedOn
from addons.dialects.routed_head import RoutedHead
from providers.contract.call import Call
from providers.contract.errors import ErrorKind
from providers.contract.operation import Turn
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.openai.options import OpenAIOptions
from providers.openai.passed_answers import EventStream, PlainBytes, WholeDocument
from providers.openai.provider import OpenAICompatible
from tests.support.turns import turn_of

NOW = Moment(1_790_000_000_000, lambda: "id")
KIND = {"content-type": "multipart/form-data; boundary=b"}
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\npublic\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\xff\r\n--b--\r\n'
)


def turn(operation: str, body: Any, **options: Any) -> Turn:
    provider = OpenAICompatible("api", OpenAIOptions(base_url="http://127.0.0.1:1/v1", **options))
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = RoutedHead(operation, headers=KIND if isinstance(body, bytes) else {})
    return turn_of(provider, PassedOn().parse(data, head).request, Session("api", "a", ("api_key",)))


def call(operation: str, body: Any, **options: Any) -> Call:
    return turn(operation, body, **options).call(NOW)


def test_a_body_goes_on_byte_for_byte_and_else_under_the_apis_name_of_the_model() -> None:
    asked = {"model": "public", "input": [1, 2.5], "of_the_future": {"a": [1, None]}}
    sent = call("embeddings", asked, models=["public"])
    assert (sent.shown_url, sent.body) == ("http://127.0.0.1:1/v1/embeddings", json.dumps(asked).encode())
    renamed = call("embeddings", asked, models={"public": "theirs"}).body
    assert isinstance(renamed, bytes)
    assert json.loads(renamed) == asked | {"model": "theirs"}


def test_a_form_goes_on_byte_for_byte_but_for_the_models_name() -> None:
    sent = call("audio_transcriptions", FORM, models=["public"])
    assert (sent.body, dict(sent.headers)["Content-Type"]) == (FORM, KIND["content-type"])
    sent = call("audio_transcriptions", FORM, models={"public": "theirs"})
    assert sent.body == FORM.replace(b"public", b"theirs")


def test_an_endpoint_may_have_another_path() -> None:
    paths = {"rerank": "/v2/reranks", "audio/speech": "speak"}
    asked = {"model": "m", "query": "q", "documents": []}
    assert call("rerank", asked, paths=paths).shown_url == "http://127.0.0.1:1/v2/reranks"
    assert call("audio_speech", {"model": "m"}, paths=paths).shown_url == "http://127.0.0.1:1/v1/speak"


@pytest.mark.parametrize("paths", [{"chat": "x"}, {"rerank": "../x"}, {"rerank": "//host/x"}, {"rerank": "a b"}])
def test_a_path_that_cannot_be_is_refused(paths: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must be a path|is no endpoint"):
        OpenAIOptions(base_url="https://api.example/v1", paths=paths)


@pytest.mark.parametrize(
    ("kind", "decoder"),
    [
        ("application/json; charset=utf-8", WholeDocument),
        ("application/problem+json", WholeDocument),
        ("text/event-stream", EventStream),
        ("audio/mpeg", PlainBytes),
        ("text/plain", PlainBytes),
        ("", PlainBytes),
    ],
)
def test_what_an_answer_is_its_head_says(kind: str, decoder: type) -> None:
    found = turn("audio_speech", {"model": "m"})
    assert found.accepts(200, {"content-type": kind})
    assert type(found.decoder()) is decoder


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"content-type": "text/html; charset=utf-8"}),
        (200, {"cf-mitigated": "challenge"}),
        (204, {}),
        (302, {"content-type": "application/json"}),
        (500, {"content-type": "application/json"}),
    ],
)
def test_what_is_no_answer_is_none(status: int, headers: dict[str, str]) -> None:
    assert not turn("audio_speech", {"model": "m"}).accepts(status, headers)


def test_an_api_without_the_endpoint_is_told_from_one_with_a_wrong_address() -> None:
    error = turn("rerank", {"model": "m"}).classify(404, {}, b'{"detail": "Not Found"}')
    assert (error.kind, "no rankings at rerank" in error.message) == (ErrorKind.MODEL_UNAVAILABLE, True)
