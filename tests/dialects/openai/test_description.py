"""What the descriptions of OpenAI's formats share, against what is really answered."""

import json
from typing import Any

import jsonschema_rs
import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.openai.description import (
    ERROR,
    MODEL_OPERATIONS,
    MODEL_SCHEMAS,
    SCHEMAS,
    answer_schema,
    generation,
)
from addons.dialects.registry import DIALECTS
from addons.errors import GatewayError
from providers.contract.events import Finish, Text, Usage
from tests.dialects.chat_completions.test_request import body

ALL = {**SCHEMAS, **MODEL_SCHEMAS}


def fits(schema: dict[str, Any], value: object) -> bool:
    return jsonschema_rs.validator_for({**schema, "components": {"schemas": ALL}}).is_valid(value)


OF_THE_FORM = [dialect for dialect in DIALECTS if dialect.description().error == ERROR]


@pytest.mark.parametrize("dialect", OF_THE_FORM, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("param", [None, "messages[0]"])
def test_an_error_is_as_described(dialect: Any, param: str | None) -> None:
    answer = dialect.error(GatewayError(400, "No.", code="bad", param=param))
    told = json.loads(answer.content)
    assert fits(SCHEMAS[ERROR], told)
    assert not fits(SCHEMAS[ERROR], {**told, "more": 1})
    assert not fits(SCHEMAS[ERROR], {"error": {**told["error"], "message": None}})


def test_an_answer_is_as_described() -> None:
    dialect = ChatCompletions()
    encoder = dialect.encoder(dialect.parse(body()), AnswerMeta("id-1", 1, "m"))
    told = json.loads(encoder.encode([Text("Hello"), Usage(1, 2, 3), Finish("stop")]))
    schema = answer_schema("chat.completion", {"type": "object", "required": ["index", "message"]})
    assert fits(schema, told)
    assert not fits(answer_schema("text_completion", {"type": "object"}), told)
    assert not fits(schema, {**told, "usage": {"prompt_tokens": -1, "completion_tokens": 1, "total_tokens": 1}})


def test_a_generation_streams_or_does_not() -> None:
    told = generation("A chat.", "Asked", "Answered", {"model": "m"})
    assert set(told.content) == {"application/json", "text/event-stream"}
    assert told.content["application/json"]["schema"] == {"$ref": "#/components/schemas/Answered"}
    assert told.request == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Asked"}, "example": {"model": "m"}}
    }


def test_models_are_listed_or_one_is_asked_for() -> None:
    model = {"id": "m", "object": "model", "created": 1, "owned_by": "p"}
    assert fits(MODEL_SCHEMAS["ModelList"], {"object": "list", "data": [model]})
    assert not fits(MODEL_SCHEMAS["ModelList"], {"object": "list", "data": [{**model, "odd": 1}]})
    assert MODEL_OPERATIONS["model"].errors == (404,)
