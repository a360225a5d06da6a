"""Responses as operations of a provider: who is asked how, and what refusals mean."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.native import ResponsesRequest
from providers.contract.requests import ChatRequest, CompletionRequest
from providers.openai.responses.turns import ChatByResponseTurn, PassedResponseTurn
from providers.openai.turns import ChatTurn
from tests.providers.openai.accounts import chat, provider
from tests.support.turns import turn_of

NATIVE = ResponsesRequest("m", chat(), b'{"model": "m"}', {"model": "m"})


@pytest.mark.parametrize(
    ("operations", "request_", "turn"),
    [
        (["chat", "responses"], NATIVE, PassedResponseTurn),
        (["chat", "responses"], chat(), ChatTurn),
        (["responses"], NATIVE, PassedResponseTurn),
        (["responses"], chat(), ChatByResponseTurn),
        (["responses"], CompletionRequest("m", chat()), ChatByResponseTurn),
        (["chat"], NATIVE, ChatTurn),
        ("chat", NATIVE, ChatTurn),
    ],
    ids=["same", "chat", "same alone", "chat by response", "prompt by response", "response by chat", "one word"],
)
def test_the_operations_say_how_an_api_is_asked(operations: Any, request_: Any, turn: type) -> None:
    site = provider(base_url="http://127.0.0.1:1", operations=operations)
    assert type(turn_of(site, request_)) is turn


@pytest.mark.parametrize("request_", [NATIVE, chat()], ids=["same", "chat"])
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b'{"detail": "Not Found"}', ErrorKind.MODEL_UNAVAILABLE),
        (400, b'{"error": {"code": "previous_response_not_found", "message": "x"}}', ErrorKind.BAD_REQUEST),
        (404, b'{"error": {"code": "previous_response_not_found", "message": "x"}}', ErrorKind.BAD_REQUEST),
        (429, b'{"error": {"code": "insufficient_quota", "message": "x"}}', ErrorKind.QUOTA),
        (401, b'{"error": {"code": "invalid_api_key", "message": "x"}}', ErrorKind.SESSION_EXPIRED),
        (503, b"", ErrorKind.PROVIDER_DOWN),
    ],
    ids=["no path", "not found", "not found 404", "quota", "key", "down"],
)
def test_refusals_mean_what_those_of_chats_do(request_: Any, status: int, body: bytes, kind: ErrorKind) -> None:
    error = turn_of(provider(base_url="http://127.0.0.1:1", operations=["responses"]), request_).classify(
        status, {}, body
    )
    assert (error.kind, error.refused) == (kind, frozenset())


def test_who_is_asked_for_a_whole_answer_is_silent_until_it_is_there() -> None:
    site = provider(base_url="http://127.0.0.1:1", operations=["responses"])
    assert turn_of(site, NATIVE).buffers
    assert turn_of(site, chat()).buffers
    assert not turn_of(site, chat(stream=True)).buffers


def test_a_chat_by_response_has_no_stop_strings_of_its_own() -> None:
    native = provider(base_url="http://127.0.0.1:1", operations=["responses"]).operations[ChatRequest].native
    assert native is not None
    assert not {"stop", "n", "logprobs"} & native
