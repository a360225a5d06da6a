"""The description is valid OpenAPI, leaves nothing out, and its request schemas say exactly what the dialects take."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from addons.config.client_keys import ClientKey, ClientKeys
from addons.dialects.ambiguity import survey as surveyed
from addons.dialects.base import Dialect
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.completions.dialect import Completions
from addons.dialects.images.dialect import Images
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from addons.ingress.gate import GateRules, admit, routes
from addons.ingress.openapi import document, document_bytes
from addons.ingress.request_head import RequestHead

API = schemathesis.openapi.from_dict(json.loads(document_bytes()))
DIALECTS: dict[str, Dialect] = {
    "ChatRequest": ChatCompletions(),
    "CompletionRequest": Completions(),
    "ImageGenerationRequest": Images(),
    "ImageEditRequest": Images(),
}
PATHS = {
    "ChatRequest": "/v1/chat/completions",
    "CompletionRequest": "/v1/completions",
    "ImageGenerationRequest": "/v1/images/generations",
    "ImageEditRequest": "/v1/images/edits",
}
HI = {"role": "user", "content": "Hello"}
FUZZ = settings(
    max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


def taken(name: str, body: object) -> bool:
    """Whether the dialect takes the body, for any provider."""
    try:
        head = RoutedHead("images_edits" if name == "ImageEditRequest" else "images_generations")
        return DIALECTS[name].parse(json.dumps(body).encode(), head).refusal is None
    except GatewayError:
        return False


def described(name: str) -> Callable[[object], bool]:
    """Whether a body is one by the description."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(schema).is_valid


def test_it_is_valid_openapi() -> None:
    API.validate()


def test_every_reference_leads_somewhere_and_every_part_is_used() -> None:
    text = document_bytes().decode()
    parts = {f"#/components/{kind}/{name}" for kind, named in document()["components"].items() for name in named}
    used = {piece.split('"')[0] for piece in text.split('"$ref": "')[1:]}
    assert used <= parts
    unused = {f"#/components/responses/{error}405" for error in ("Error", "MessagesError")}
    assert parts - used <= {"#/components/securitySchemes/key", *unused}


def test_the_gates_routes_and_methods_are_described_and_no_others() -> None:
    methods = {
        path: {method.upper() for method in item if method != "parameters"}
        for path, item in document()["paths"].items()
    }
    taken: dict[str, set[str]] = {}
    for route, _ in routes().rows:
        taken.setdefault(route.shown_path, {"OPTIONS"}).update(route.methods)
    assert methods == taken


def test_the_description_itself_wants_a_key() -> None:
    request_head = RequestHead("GET", "/openapi.json", {}, False, "127.0.0.1:1", ("127.0.0.1", 1))
    with pytest.raises(GatewayError) as caught:
        admit(request_head, GateRules(ClientKeys([ClientKey("ada", "sk-some-key-of-ours")])))
    assert caught.value.status == 401


def chat(**fields: object) -> dict[str, object]:
    return {"model": "m", "messages": [HI], **fields}


def said(**fields: object) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", **fields}]}


CHATS: dict[str, tuple[object, bool]] = {
    "plain": (chat(), True),
    "unknown field": (chat(of_the_future={"a": [1]}), True),
    "no model": ({"messages": [HI]}, False),
    "empty model": (chat(model=""), False),
    "long model": (chat(model="m" * 257), False),
    "no messages": (chat(messages=[]), False),
    "too many messages": (chat(messages=[HI] * 2001), False),
    "null content": (said(content=None), False),
    "no parts": (said(content=[]), False),
    "assistant without content": (said(role="assistant"), True),
    "tool without id": (said(role="tool", content="x"), False),
    "tool with empty id": (said(role="tool", content="x", tool_call_id=""), False),
    "tool": (said(role="tool", content="x", tool_call_id="c"), True),
    "unknown role": (said(role="critic", content="x"), False),
    "text part": (said(content=[{"type": "text", "text": ""}]), True),
    "text part without text": (said(content=[{"type": "text"}]), False),
    "image as text": (said(content=[{"type": "image_url", "image_url": "https://a/b"}]), True),
    "image without url": (said(content=[{"type": "image_url", "image_url": {}}]), False),
    "image with odd detail": (said(content=[{"type": "image_url", "image_url": {"url": "u", "detail": 1}}]), False),
    "part of another type": (said(content=[{"type": "input_audio"}]), True),
    "part with odd text": (said(content=[{"type": "input_audio", "text": 1}]), False),
    "call without function": (said(role="assistant", tool_calls=[{"id": "c"}]), False),
    "custom call": (said(role="assistant", tool_calls=[{"type": "custom"}]), True),
    "custom tool": (chat(tools=[{"type": "custom"}]), True),
    "tool without function": (chat(tools=[{"type": "function", "function": None}]), False),
    "number as text": (chat(temperature="1"), False),
    "temperature beyond": (chat(temperature=2.5), False),
    "whole temperature": (chat(temperature=1), True),
    "truth as number": (chat(temperature=True), False),
    "truth as count": (chat(max_tokens=True), False),
    "empty stop": (chat(stop=""), True),
    "many stops": (chat(stop=["a"] * 64), True),
    "too many stops": (chat(stop=["a"] * 65), False),
    "effort of nobody's": (chat(reasoning_effort="auto"), True),
    "text as the format": (chat(response_format="text"), True),
    "no stops": (chat(stop=[]), True),
    "no candidates": (chat(n=0), False),
    "odd effort": (chat(reasoning_effort="extreme"), False),
    "bias": (chat(logit_bias={"5": -100}), True),
    "not an object": ([HI], False),
}
OLD: dict[str, tuple[object, bool]] = {
    "plain": ({"model": "m", "prompt": "x"}, True),
    "in a list": ({"model": "m", "prompt": ["x"]}, True),
    "two prompts": ({"model": "m", "prompt": ["x", "y"]}, False),
    "tokens": ({"model": "m", "prompt": [1]}, False),
    "neutral": ({"model": "m", "prompt": "x", "suffix": "", "echo": False, "best_of": 1, "n": 1, "tools": []}, True),
    "suffix": ({"model": "m", "prompt": "x", "suffix": "y"}, False),
    "logprobs": ({"model": "m", "prompt": "x", "logprobs": 0}, False),
    "messages mean nothing": ({"model": "m", "prompt": "x", "messages": 5}, True),
    "temperature beyond": ({"model": "m", "prompt": "x", "temperature": 3}, False),
}


def drawn(**fields: object) -> dict[str, object]:
    return {"model": "m", "prompt": "A cat", **fields}


PICTURES: dict[str, tuple[object, bool]] = {
    "plain": (drawn(), True),
    "unknown field": (drawn(of_the_future={"a": [1]}), True),
    "no prompt": ({"model": "m"}, False),
    "empty prompt": (drawn(prompt=""), False),
    "no pictures": (drawn(n=0), False),
    "ten": (drawn(n=10), True),
    "eleven": (drawn(n=11), False),
    "null": (drawn(n=None, size=None, response_format=None, stream=None), True),
    "a size of nobody's": (drawn(size="1x1"), True),
    "another format": (drawn(response_format="png"), False),
    "stream": (drawn(stream=True, partial_images=3), True),
}
EDITS: dict[str, tuple[object, bool]] = {
    "nothing to change": (drawn(), False),
    "a data URL": (drawn(image="data:image/png;base64,AA=="), True),
    "several": (drawn(image=["data:image/png;base64,AA=="] * 16), True),
    "too many": (drawn(image=["data:image/png;base64,AA=="] * 17), False),
    "none": (drawn(images=[]), False),
    "as OpenAI has it": (drawn(images=[{"image_url": "data:image/png;base64,AA=="}, {"file_id": "f"}]), True),
    "with a mask": (drawn(image="u", mask={"image_url": "u"}), True),
    "with an odd mask": (drawn(image="u", mask=5), False),
}
EXAMPLES = [
    pytest.param(name, body, good, id=f"{name}: {about}")
    for name, cases in (
        ("ChatRequest", CHATS),
        ("CompletionRequest", OLD),
        ("ImageGenerationRequest", PICTURES),
        ("ImageEditRequest", EDITS),
    )
    for about, (body, good) in cases.items()
]


@pytest.mark.parametrize(("name", "body", "good"), EXAMPLES)
def test_description_and_dialect_agree_on_examples(name: str, body: object, good: bool) -> None:
    assert (taken(name, body), described(name)(body)) == (good, good)


@pytest.mark.untraced
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("name", DIALECTS)
def test_description_and_dialect_agree_on_whatever_is_generated(name: str, mode: GenerationMode) -> None:
    cases = API[PATHS[name]]["POST"].as_strategy(mode)
    is_described = described(name)

    @FUZZ
    @given(case=cases)
    def agree(case: Any) -> None:
        body = case.body
        if isinstance(body, dict | list | str | int | float | None):
            assume(surveyed([body]).oversized is None)  # no schema says it of a number anywhere
            assert taken(name, body) == is_described(body), body

    agree()


def changed(body: Any) -> st.SearchStrategy[Any]:
    """A body with one value somewhere in it replaced or taken away."""
    places = list(_places(body, ()))
    odd = st.sampled_from(
        [None, "", "x", 0, 1, -1, 0.5, True, [], {}, [""], ["x"], {"x": 1}, "function", "tool", "text"]
    )
    return st.tuples(st.sampled_from(places), st.one_of(st.just(...), odd)).map(lambda told: _with(body, *told))


def _places(value: Any, path: tuple[str | int, ...]) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield (*path, name)
        yield from _places(item, (*path, name))


def _with(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    copied = json.loads(json.dumps(body))
    place = copied
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copied


FULL = {
    **chat(stream=True, stream_options={"include_usage": True}, temperature=1, top_p=0.5, max_tokens=5, stop=["a"]),
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "functions": [{"name": "f"}],
    "tool_choice": {"type": "function"},
    "response_format": {"type": "text"},
    "logit_bias": {"5": 1},
    "modalities": ["text"],
    "messages": [
        {"role": "system", "content": "s", "name": "n"},
        {"role": "user", "content": [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "u"}}]},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
        {"role": "tool", "content": "r", "tool_call_id": "c"},
    ],
}


@FUZZ
@given(body=changed(FULL).flatmap(changed))
def test_description_and_dialect_agree_on_a_full_request_with_two_faults(body: Any) -> None:
    assert taken("ChatRequest", body) == described("ChatRequest")(body), body
