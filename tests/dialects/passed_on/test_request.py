"""Bodies of endpoints that are passed on: what is read of them, whom they name, what is refused."""

import json
from typing import Any

import pytest

from addons.dialects.base import Named, ParsedRequest
from addons.dialects.passed_on.dialect import PassedOn
from addons.dialects.passed_on.endpoints import PROVIDER
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from providers.contract.passed_on import (
    BatchRequest,
    EmbeddingRequest,
    FileRequest,
    PassedRequest,
    RerankRequest,
    SpeechRequest,
    TranscriptionRequest,
)

KIND = {"content-type": "multipart/form-data; boundary=b"}


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def form(**fields: bytes) -> bytes:
    texts = b"".join(part(name, value) for name, value in fields.items())
    return texts + part("file", b"\xff\x00", '; filename="a.wav"') + b"--b--\r\n"


def read(operation: str, body: Any = b"", headers: dict[str, str] | None = None, **params: str) -> ParsedRequest:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PassedOn().parse(data, RoutedHead(operation, params, headers=headers or {}))


def passed(parsed: ParsedRequest) -> PassedRequest:
    assert isinstance(parsed.request, PassedRequest)
    return parsed.request


def refused(operation: str, body: Any, headers: dict[str, str] | None = None) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        read(operation, body, headers)
    assert caught.value.status == 400
    return caught.value


def test_a_body_is_kept_as_it_came_whatever_else_is_in_it() -> None:
    body = b'{ "model":"m", "input":[1,2.50],"of_the_future":{"a":1} }'
    request = passed(read("embeddings", body))
    assert isinstance(request, EmbeddingRequest)
    assert (request.model, request.body, request.fields["of_the_future"]) == ("m", body, {"a": 1})


def test_a_form_is_read_but_for_its_files() -> None:
    request = passed(read("audio_transcriptions", form(model=b"m", stream=b"True"), KIND))
    assert isinstance(request, TranscriptionRequest)
    assert request.form is not None
    assert (request.model, request.stream, dict(request.fields)) == ("m", True, {"model": "m", "stream": "True"})


def test_events_of_speech_have_a_name_of_their_own() -> None:
    assert passed(read("audio_speech", {"model": "m", "stream_format": "sse"})).stream
    assert not passed(read("audio_speech", {"model": "m", "stream_format": "audio"})).stream
    assert passed(read("audio_speech", {"model": "m"})).answers_bytes


def test_a_provider_is_named_in_the_form_or_the_head() -> None:
    assert passed(read("file_create", form(purpose=b"batch", provider=b"api"), KIND)).provider == "api"
    assert passed(read("moderations", {"input": "x"}, {PROVIDER: "api"})).provider == "api"
    assert passed(read("moderations", {"input": "x", "provider": {"order": []}})).provider == ""


def test_what_lies_at_an_account_is_named() -> None:
    asked = read("file_content", id="file-1")
    assert (asked.names, asked.keeps) == ((Named("file", "file-1", "id"),), True)
    assert isinstance(asked.request, FileRequest)
    assert (asked.request.method, asked.request.path, asked.request.answers_bytes) == ("GET", "/file-1/content", True)
    begun = read("batch_create", {"input_file_id": "file-1", "endpoint": "/v1/embeddings"})
    assert begun.names == (Named("file", "file-1", "input_file_id"),)
    assert isinstance(begun.request, BatchRequest)
    cancel = read("batch_cancel", id="batch-1").request
    assert isinstance(cancel, BatchRequest)
    assert (cancel.method, cancel.path) == ("POST", "/batch-1/cancel")


@pytest.mark.parametrize(
    ("operation", "body", "headers", "param"),
    [
        ("embeddings", {"input": "x"}, {}, "model"),
        ("embeddings", {"model": ["m"]}, {}, "model"),
        ("embeddings", {"model": ""}, {}, "model"),
        ("embeddings", b"--b", {}, None),
        ("audio_transcriptions", {"model": "m"}, {}, None),
        ("audio_transcriptions", form(), KIND, "model"),
        ("audio_transcriptions", form(model=b"m" * 257), KIND, "model"),
        ("audio_transcriptions", form(model=b"m", prompt=b"\xff"), KIND, "prompt"),
        ("audio_transcriptions", form(model=b"m")[:-8], KIND, None),
        ("audio_transcriptions", form(model=b"m"), {"content-type": "multipart/form-data"}, None),
        ("batch_create", {}, {}, "input_file_id"),
        ("batch_create", {"input_file_id": {"a": 1}}, {}, "input_file_id"),
        ("moderations", {"input": "x"}, {PROVIDER: "p" * 300}, PROVIDER),
    ],
)
def test_what_says_not_whom_to_ask_is_refused(operation: str, body: Any, headers: Any, param: str | None) -> None:
    assert refused(operation, body, headers).param == param


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"model": "m", "input": "x", "voice": "v"}, SpeechRequest),
        ({"model": "m", "query": "q", "documents": []}, RerankRequest),
        ({"model": "m", "input": "x"}, EmbeddingRequest),
        ({"input_file_id": "f"}, BatchRequest),
        (form(model=b"m"), TranscriptionRequest),
        (form(purpose=b"batch"), FileRequest),
    ],
)
def test_a_body_that_was_kept_without_its_head_is_known_by_its_fields(body: Any, kind: type[PassedRequest]) -> None:
    assert type(read("", body).request) is kind
