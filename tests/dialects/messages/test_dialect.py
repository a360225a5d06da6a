"""Messages as a dialect: its places, what it sees of a head, models and counts."""

import json
from typing import Any

import pytest

from addons.dialects import registry
from addons.dialects.body import all_at_once
from addons.dialects.local import LocalRequest
from addons.dialects.messages.counting import count_tokens
from addons.dialects.messages.dialect import Messages
from addons.dialects.messages.models import model_info
from addons.dialects.routed_head import NO_HEAD
from addons.errors import GatewayError
from providers.contract.provider import Model


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/v1/messages", {}, "messages"),
        ("/v1/messages?beta=true", {}, "messages"),
        ("/messages/", {}, "messages"),
        ("/v1/messages/batches/x", {}, "messages"),
        ("/anthropic/v1/messages", {}, "messages"),
        ("/anthropic/v1/files", {}, "messages"),
        ("/v1/complete", {}, "messages"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "messages"),
        ("/v1/models/a/b", {"anthropic-version": "2026-10-21"}, "messages"),
        ("/v1/models", {}, "chat_completions"),
    ],
)
def test_its_places(path: str, headers: dict[str, str], name: str) -> None:
    assert registry.for_path(path, headers).name == name


def test_a_refusal_tells_the_requests_id_where_the_sdk_looks_for_it() -> None:
    found = registry.refusal("/v1/messages/batches", GatewayError(404, "No."), {}, "req_1")
    assert (found.headers["request-id"], found.headers["x-request-id"]) == ("req_1", "req_1")
    assert json.loads(found.content or b"")["request_id"] == "req_1"
    usual = registry.refusal("/v1/chat/completions", GatewayError(404, "No."), {}, "req_1")
    assert "request-id" not in usual.headers


def test_a_refusal_is_in_the_form_for_the_program_that_asks() -> None:
    headers = {"user-agent": "claude-cli/2.1.332"}
    assert registry.refusal("/v1/messages", GatewayError(401, "No."), headers).status_code == 403
    assert registry.refusal("/v1/messages", GatewayError(401, "No.")).status_code == 401


def test_its_answers_have_ids_of_the_form() -> None:
    assert Messages().answer_id("req_01") == "msg_01"


def test_a_model_is_told_in_both_forms() -> None:
    told = model_info(Model("glm", "g", context_length=200_000, owned_by="zai"), 1_790_000_000, "claude-glm")
    del told["architecture"]
    assert told == {
        "type": "model",
        "id": "claude-glm",
        "display_name": "claude-glm",
        "created_at": "2026-09-21T14:13:20Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "object": "model",
        "created": 1_790_000_000,
        "owned_by": "zai",
        "context_length": 200_000,
        "supported_parameters": [],
    }


class Counting:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def tokens(self, texts: Any) -> int:
        self.texts = list(texts)
        return 7


def test_tokens_are_counted_of_all_that_a_model_is_told() -> None:
    body = {
        "model": "m",
        "system": "Be.",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]},
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    catalog: Any = Counting()
    answer = all_at_once(count_tokens(LocalRequest(NO_HEAD, json.dumps(body).encode()), catalog))
    assert json.loads(answer.content or b"") == {"input_tokens": 7}
    tool = '{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}'
    assert catalog.texts == ["Be.", "hi", "", '{"x":1}', tool]
    with pytest.raises(GatewayError, match="messages: "):
        all_at_once(count_tokens(LocalRequest(NO_HEAD, b'{"model":"m"}'), catalog))
