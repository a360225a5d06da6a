"""Requests and answers of /v1/responses for the tests: parsed, encoded, read again."""

import json
from collections.abc import Iterable
from typing import Any, Final

from addons.dialects.base import AnswerMeta, ParsedRequest
from addons.dialects.responses.dialect import Responses
from addons.dialects.responses.stream import ResponseStream
from providers.contract.events import Event
from providers.contract.native import ResponsesRequest
from providers.contract.requests import ChatRequest

DIALECT: Final = Responses()
STEM: Final = "0123456789abcdef0123456789abcdef"
META: Final = AnswerMeta(f"resp_{STEM}", 1700000000, "m")


def parsed(given: Any = "hi", **fields: Any) -> ParsedRequest:
    return DIALECT.parse(json.dumps({"model": "m", "input": given, **fields}).encode())


def request_of(given: Any = "hi", **fields: Any) -> ResponsesRequest:
    found = parsed(given, **fields).request
    assert isinstance(found, ResponsesRequest)
    return found


def chat_of(given: Any = "hi", **fields: Any) -> ChatRequest:
    return request_of(given, **fields).chat


def stream_of(**fields: Any) -> ResponseStream:
    found = DIALECT.encoder(parsed(stream=True, **fields), META)
    assert isinstance(found, ResponseStream)
    return found


def events_in(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each of which says its name twice."""
    found = []
    for frame in data.decode().split("\n\n")[:-1]:
        name, said = frame.split("\n")
        event = json.loads(said.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def told(events: Iterable[Event], **fields: Any) -> list[dict[str, Any]]:
    """The events of a stream that is made of these, one by one; their numbers are those of a row."""
    stream = stream_of(**fields)
    found = events_in(b"".join(stream.encode([event]) for event in events))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def kinds(found: Iterable[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in found]


def answer_of(events: Iterable[Event], **fields: Any) -> dict[str, Any]:
    """The whole answer that is made of these."""
    encoder = DIALECT.encoder(parsed(**fields), META)
    document: dict[str, Any] = json.loads(encoder.encode(list(events)))
    return document
