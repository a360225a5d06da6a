"""Documents that are answers to their requests, and those that only look so."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish
from tests.providers.openai.test_passed_on import turn

VECTOR = {"object": "embedding", "index": 0, "embedding": [0.1]}


def read(operation: str, asked: dict[str, Any], body: Any, kind: str = "application/json") -> Event:
    one = turn(operation, {"model": "m", **asked})
    assert one.accepts(200, {"content-type": kind})
    decoder = one.decoder()
    return [*decoder.feed(body if isinstance(body, bytes) else json.dumps(body).encode()), *decoder.close()][-1]


@pytest.mark.parametrize(
    ("operation", "asked", "body"),
    [
        ("embeddings", {"input": ["a", "b"]}, {"data": [VECTOR, VECTOR]}),
        ("embeddings", {"input": "a"}, {"data": [VECTOR]}),
        ("embeddings", {"input": [1, 2, 3]}, {"data": [VECTOR]}),
        ("embeddings", {"input": [[1], [2]]}, {"data": [{"embedding": "AAAA"}, {"embedding": "AAAA"}]}),
        ("embeddings", {"input": ["a"]}, {"embeddings": [[0.1]]}),
        ("moderations", {"input": "a"}, {"results": [{"flagged": False}]}),
        ("rerank", {"query": "q", "documents": ["a"]}, {"results": [{"index": 0}]}),
        ("rerank", {"query": "q", "documents": ["a"]}, {"data": [{"index": 0}]}),
        ("rerank", {"query": "q", "documents": []}, {"results": []}),
    ],
)
def test_an_answer_is_passed_on(operation: str, asked: dict[str, Any], body: Any) -> None:
    assert read(operation, asked, body) == Finish("stop")
    assert read(operation, asked, body, "") == Finish("stop")


@pytest.mark.parametrize(
    ("operation", "asked", "body"),
    [
        ("embeddings", {"input": "a"}, {}),
        ("embeddings", {"input": "a"}, {"data": None}),
        ("embeddings", {"input": "a"}, {"data": []}),
        ("embeddings", {"input": ["a", "b"]}, {"data": [VECTOR]}),
        ("embeddings", {"input": ["a", "b"]}, {"data": [VECTOR, {**VECTOR, "embedding": None}]}),
        ("embeddings", {"input": "a"}, {"data": [{**VECTOR, "embedding": []}]}),
        ("moderations", {"input": "a"}, {"id": "x"}),
        ("moderations", {"input": "a"}, {"results": []}),
        ("rerank", {"query": "q", "documents": ["a"]}, {"id": "x"}),
        ("rerank", {"query": "q", "documents": ["a"]}, {"results": [{}]}),
    ],
)
def test_a_document_that_lacks_what_was_asked_for_is_no_answer(
    operation: str, asked: dict[str, Any], body: Any
) -> None:
    last = read(operation, asked, body)
    assert isinstance(last, Failure)
    assert last.error.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize("body", [b"upstream error", b'{"data": [', b"<p>"], ids=["words", "cut", "page"])
def test_what_is_no_document_is_no_answer_whatever_its_head_says(body: bytes) -> None:
    assert isinstance(read("embeddings", {"input": "a"}, body, "text/plain"), Failure)
