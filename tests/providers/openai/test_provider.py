import json
import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Finish, Passthrough, Text, Usage
from providers.contract.requests import ChatRequest
from providers.contract.session import Credentials, Session
from providers.contract.steps import Answer, Moment
from providers.openai.learnt import Learnt
from providers.openai.options import OpenAIOptions
from providers.openai.presets import PRESETS
from providers.openai.provider import OpenAICompatible
from providers.registry import provider_class
from tests.providers.openai.streams import FIXTURES, chunk, delta, joined, sse, words
from tests.support.calls import Seen, seen
from tests.support.turns import turn_of

MOMENT = Moment(epoch_ms=1_790_000_000_000, new_id=lambda: "id")
KEY = Session("api", "key1", ("api_key",))
NO_KEY = Session("api", "none")


def provider(**options: Any) -> OpenAICompatible:
    return OpenAICompatible("api", OpenAIOptions(**options))


def chat(model: str = "m", **fields: Any) -> ChatRequest:
    return ChatRequest(model, (Message("user", "hi"),), **fields)


def call(site: OpenAICompatible, request: ChatRequest, session: Session = KEY) -> tuple[Seen, dict[str, Any]]:
    found = seen(turn_of(site, request, session).call(MOMENT))
    return found, json.loads(found.body)


def list_models(site: OpenAICompatible, status: int, body: Any) -> Seen:
    steps = site.list_models(KEY, MOMENT)
    assert steps is not None
    asked = seen(next(steps))
    with pytest.raises(StopIteration):
        steps.send(Answer(status, {"content-type": "application/json"}, json.dumps(body).encode()))
    return asked


# -- configuration --------------------------------------------------------------------------------------------------
def test_the_registry_finds_it() -> None:
    assert provider_class("openai_compatible") is OpenAICompatible
    assert {operation.native for operation in provider(preset="openai").operations.values()} == {None}
    assert not OpenAICompatible.web_session


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_ready_to_use(preset: str) -> None:
    address = {"base_url": "https://r.openai.azure.com/openai/v1"} if preset == "azure" else {}
    site = provider(preset=preset, **address)
    assert site.origins()
    found, body = call(site, chat(next(iter(site.models()), "some/model"), stream=True))
    assert found.url.startswith(site.options.base_url + "/")
    assert found.url.endswith("/chat/completions")
    assert body["stream"] is True
    assert all(model.tools == "native" and model.site_id for model in site.models().values())


ADDRESSES = {
    "zai": "https://api.z.ai/api/paas/v4/chat/completions",
    "zai-coding": "https://api.z.ai/api/coding/paas/v4/chat/completions",
    "dashscope-intl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions",
    "dashscope-cn": "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
    "dashscope-us": "https://dashscope-us.aliyuncs.com/compatible-mode/v1/chat/completions",
    "longcat": "https://api.longcat.chat/openai/v1/chat/completions",
    "k2think": "https://api.k2think.ai/v1/chat/completions",
}


@pytest.mark.parametrize(("preset", "url"), ADDRESSES.items(), ids=ADDRESSES)
def test_presets_call_the_documented_address(preset: str, url: str) -> None:
    assert call(provider(preset=preset), chat())[0].url == url


def test_longcats_model_list_has_a_path_of_its_own() -> None:
    assert list_models(provider(preset="longcat"), 200, {"data": []}).url == "https://api.longcat.chat/v1/models"


def test_an_address_alone_is_enough() -> None:
    site = provider(base_url="http://127.0.0.1:11434/v1", models=["llama3"])
    found, body = call(site, chat("llama3"), NO_KEY)
    assert found.url == "http://127.0.0.1:11434/v1/chat/completions"
    assert "authorization" not in {name.lower() for name, _ in found.headers}
    assert body["model"] == "llama3"
    assert list(site.models()) == ["llama3"]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no-address": ({}, "base_url"),
    "unknown-preset": ({"preset": "zia"}, "is no preset. There are: zai"),
    "unknown-preset-with-address": ({"preset": "zia", "base_url": "https://a.example"}, "is no preset"),
    "preset-that-is-a-number": ({"preset": "3"}, "is no preset"),
    "call-in-address": ({"base_url": "https://api.example/v1/chat/completions/"}, "without /chat/completions"),
    "plain-http": ({"base_url": "http://api.example/v1"}, "loopback"),
    "user-in-address": ({"base_url": "https://u:p@api.example/v1"}, "no user"),
    "unknown-key": ({"preset": "zai", "api_key": "sk-secret"}, "api_key"),
    "path-to-another-host": ({"preset": "zai", "chat_path": "//evil.example/x"}, "path"),
    "path-with-scheme": ({"preset": "zai", "chat_path": "https://evil.example/x"}, "path"),
    "path-upwards": ({"preset": "zai", "models_path": "../../x"}, "path"),
    "key-as-header": ({"preset": "zai", "headers": {"authorization": "Bearer x"}}, "vault"),
    "header-with-line-end": ({"preset": "zai", "headers": {"X-A": "a\r\nb: c"}}, "no header"),
    "header-with-seal": ({"preset": "zai", "headers": {"X-A": "~sealed~a~b~c~"}}, "no header"),
    "models-of-a-wrong-type": ({"preset": "zai", "models": [3]}, "model ids"),
    "reason-without-meaning": ({"preset": "zai", "finish_reasons": {"x": "y"}}, "finish_reason"),
}


@pytest.mark.parametrize(("options", "said"), BAD.values(), ids=BAD)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        provider(**options)


def test_every_deviation_can_be_overridden() -> None:
    site = provider(
        preset="zai",
        base_url="https://open.bigmodel.cn/api/paas/v4",
        chat_path="x/chat?api-version=2",
        stream_usage=True,
        thinking="as_sent",
        finish_reasons={"Odd": "length"},
        error_codes={"9999": "quota"},
        headers={"X-Title": "Glassgate"},
    )
    found, body = call(site, chat("GLM-4.6", stream=True, reasoning_effort="low"))
    assert found.url == "https://open.bigmodel.cn/api/paas/v4/x/chat?api-version=2"
    assert ("X-Title", "Glassgate") in found.headers
    assert body["reasoning_effort"] == "low"
    assert body["stream_options"] == {"include_usage": True}
    refused = turn_of(site, chat()).classify(400, {}, b'{"error":{"code":"9999"}}')
    assert (refused.kind, turn_of(site, chat()).classify(400, {}, b'{"error":{"code":"1261"}}').kind) == (
        ErrorKind.QUOTA,
        ErrorKind.TOO_LONG,
    )
    events = turn_of(site, chat(stream=True)).decoder().feed(sse(words("a", "odd")))
    assert events[-1] == Finish("length")


# -- sessions -------------------------------------------------------------------------------------------------------
def test_the_key_stands_in_the_request_sealed() -> None:
    site = provider(preset="openai")
    session = site.read_session("key1", Credentials(api_key="sk-secret", headers={"OpenAI-Organization": "org-secret"}))
    found, _ = call(site, chat(), session)
    headers = dict(found.headers)
    assert headers["Authorization"] == "Bearer ~sealed~api~key1~api_key~"
    assert re.fullmatch(r"~sealed~[\w-]+~[\w-]+~header:OpenAI-Organization~", headers["OpenAI-Organization"])
    assert "secret" not in repr(found)
    assert headers["Content-Type"] == "application/json"


def test_a_token_serves_as_a_key_and_own_headers_replace_it() -> None:
    site = provider(base_url="https://azure.example/v1")
    token = site.read_session("a", Credentials(token="t"))
    assert dict(call(site, chat(), token)[0].headers)["Authorization"] == "Bearer ~sealed~api~a~token~"
    header = site.read_session("a", Credentials(headers={"api-key": "k"}))
    headers = dict(call(site, chat(), header)[0].headers)
    assert "Authorization" not in headers
    assert headers["api-key"] == "~sealed~api~a~header:api-key~"


@pytest.mark.parametrize(
    "material",
    [
        Credentials(),
        Credentials(cookies={"a": "b"}),
        Credentials(api_key="sk-secret\n"),
        Credentials(api_key="sk secret"),
        Credentials(api_key="sk-secrét"),
        Credentials(headers={"x": "secret\r\ny: z"}),
    ],
)
def test_a_session_that_cannot_serve_is_refused_without_its_value(material: Credentials) -> None:
    with pytest.raises(ProviderError) as caught:
        provider(preset="openai").read_session("a", material)
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED
    assert "secr" not in str(caught.value)


@pytest.mark.parametrize(("stream", "accept"), [(True, "text/event-stream"), (False, "application/json")])
def test_accept_says_what_is_asked_for(stream: bool, accept: str) -> None:
    assert dict(call(provider(preset="openai"), chat(stream=stream))[0].headers)["Accept"] == accept


# -- models ---------------------------------------------------------------------------------------------------------
def test_known_models_have_the_variants_of_the_web_sites() -> None:
    models = provider(preset="zai").models()
    assert {"GLM-4.6", "GLM-4.6-Thinking", "GLM-4.6-Search", "GLM-4.6-Thinking-Search", "GLM-4.5-Air"} <= set(models)
    assert models["GLM-4.6-Thinking"].site_id == "glm-4.6"
    assert models["GLM-4.6-Thinking"].thinking is True
    assert models["GLM-4.6"].thinking is None
    assert "qwen-plus-thinking" in provider(preset="dashscope-intl").models()
    assert "qwen-max-thinking" not in provider(preset="dashscope-intl").models()
    assert provider(preset="k2think").models()["MBZUAI-IFM/K2-Think"].site_id == "MBZUAI-IFM/K2-Think-v2"


def test_a_variant_is_sent_as_its_switches() -> None:
    _, body = call(provider(preset="zai"), chat("glm-4.6-thinking-search"))
    assert body["model"] == "glm-4.6"
    assert body["thinking"] == {"type": "enabled"}
    assert body["tools"][0]["type"] == "web_search"


def test_configured_models_are_the_only_ones_and_keep_what_is_known() -> None:
    site = provider(preset="zai", models={"fast": "GLM-4.6-Thinking", "new": "glm-9"})
    assert set(site.models()) == {"fast", "new"}
    assert site.models()["fast"].thinking is True
    assert site.models()["fast"].context_length == 204_800
    assert call(site, chat("fast"))[1]["model"] == "glm-4.6"
    assert call(site, chat("NEW"))[1]["model"] == "glm-9"
    assert site.list_models(KEY, MOMENT) is None


LISTS: dict[str, Any] = {
    "openai": {"object": "list", "data": [{"id": "gpt-9", "owned_by": "openai", "created": 5}, {"id": "gpt-5"}]},
    "bare": [{"id": "gpt-9", "owned_by": "openai", "created": 5}],
    "ollama": {"models": [{"name": "gpt-9", "owned_by": "openai", "created": 5}, 3, {"id": 5}]},
}


@pytest.mark.parametrize("body", LISTS.values(), ids=LISTS)
def test_the_live_list_joins_the_known_models(body: Any) -> None:
    site = provider(preset="openai")
    before = dict(site.models())
    asked = list_models(site, 200, body)
    assert (asked.method, asked.url) == ("GET", "https://api.openai.com/v1/models")
    assert dict(asked.headers)["Authorization"] == "Bearer ~sealed~api~key1~api_key~"
    assert set(site.models()) == {*before, "gpt-9"}
    assert site.models()["gpt-9"].created == 5


def test_models_that_do_not_chat_are_left_out() -> None:
    site = provider(preset="openai")
    list_models(site, 200, {"data": [{"id": "text-embedding-3-small"}, {"id": "whisper-1"}, {"id": "o9"}]})
    assert "o9" in site.models()
    assert not {"text-embedding-3-small", "whisper-1"} & set(site.models())


def test_facts_of_the_live_list_are_kept() -> None:
    site = provider(preset="openrouter")
    entry = {"id": "a/b", "context_length": 5000, "architecture": {"input_modalities": ["text", "image"]}}
    list_models(site, 200, {"data": [entry, {"id": "c", "max_model_len": 7}, {"id": "d", "meta": {"n_ctx_train": 8}}]})
    assert [(m.context_length, m.vision) for m in site.models().values()] == [(5000, True), (7, None), (8, None)]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"message": "bad key"}}, ErrorKind.SESSION_EXPIRED),
        (200, {"hello": 1}, ErrorKind.PROVIDER_DOWN),
        (200, {"error": {"code": "1302", "message": "slow"}}, ErrorKind.RATE_LIMITED),
    ],
)
def test_a_refused_list_is_an_error_and_changes_nothing(status: int, body: Any, kind: ErrorKind) -> None:
    site = provider(preset="zai")
    before = site.models()
    steps = site.list_models(KEY, MOMENT)
    assert steps is not None
    next(steps)
    with pytest.raises(ProviderError) as caught:
        steps.send(Answer(status, {}, json.dumps(body).encode()))
    assert caught.value.kind is kind
    assert site.models() is before


# -- answers --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "content_type", "readable"),
    [
        (200, "text/event-stream; charset=utf-8", True),
        (200, "application/json", True),
        (200, "application/problem+json", True),
        (200, "TEXT/EVENT-STREAM", True),
        (200, "", True),
        (200, "text/html", True),
        (201, "application/json", True),
        (202, "text/event-stream", True),
        (200, "image/png", False),
        (200, "application/grpc", False),
        (204, "", False),
        (429, "text/event-stream", False),
        (302, "application/json", False),
    ],
)
def test_what_can_be_read_is_told_from_what_cannot(status: int, content_type: str, readable: bool) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert turn_of(provider(preset="openai"), chat()).accepts(status, headers) is readable


def test_the_decoder_knows_what_the_client_asked() -> None:
    site = provider(preset="openai")
    body = sse(chunk(delta({"function_call": {"name": "f", "arguments": "{}"}}, reason="function_call")))
    legacy = turn_of(site, chat(stream=True, extra={"functions": [{"name": "f"}]})).decoder()
    assert joined(legacy.feed(body)).end == Finish("function_call")
    assert joined(turn_of(site, chat(stream=True)).decoder().feed(body)).end == Finish("tool_calls")
    two = turn_of(site, chat(n=2)).decoder()
    assert joined([*two.feed(sse(words("a", "stop"), done=False)), *two.close()]).failure.kind is ErrorKind.INCOMPLETE


def test_answers_that_come_late_are_said_to() -> None:
    assert turn_of(provider(preset="k2think"), chat(stream=True)).buffers
    assert not turn_of(provider(preset="openai"), chat(stream=True)).buffers
    assert turn_of(provider(preset="openai"), chat(stream=False)).buffers


META = AnswerMeta(id="chatcmpl-9", created=2, model="m")


def test_a_whole_answer_reaches_the_client_with_all_it_held() -> None:
    raw = (FIXTURES / "synthetic-whole.json").read_bytes()
    decoder = turn_of(provider(preset="openai"), chat()).decoder()
    encoder = ChatWhole(META)
    body = encoder.encode([*decoder.feed(raw), *decoder.close()])
    given, found = json.loads(raw), json.loads(body)
    given["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = '{"a": 1}'
    assert found == {**given, "created": 2}


def test_a_stream_reaches_the_client_with_all_it_held() -> None:
    raw = (FIXTURES / "synthetic-openai.sse").read_bytes()
    decoder = turn_of(provider(preset="openai"), chat(stream=True)).decoder()
    encoder = ChatStream(META, include_usage=True)
    out = encoder.encode([*decoder.feed(raw), *decoder.close()])
    frames = [json.loads(line) for line in out.removesuffix(b"data: [DONE]\n\n").split(b"data: ") if line]
    assert "".join(f["choices"][0]["delta"].get("content") or "" for f in frames if f["choices"]) == "Grüße 🌍!"
    assert frames[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}
    assert frames[-1]["system_fingerprint"] == "fp_1"


def test_words_are_told_as_they_come() -> None:
    decoder = turn_of(provider(preset="openai"), chat(stream=True)).decoder()
    assert decoder.feed(sse(words("a"), done=False)) == [Passthrough("chunk", {"id": "chatcmpl-1"}), Text("a")]
    end = sse(chunk(delta({}, reason="stop"), usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}))
    events = decoder.feed(end)
    assert [type(event) for event in events] == [Usage, Finish]
    assert decoder.close() == []


# -- what the gateway adds, and what it learns ------------------------------------------------------------------------
def refuse(site: OpenAICompatible, body: Any, status: int = 422) -> ProviderError:
    error = turn_of(site, chat()).classify(
        status, {"content-type": "application/json"}, json.dumps(body, ensure_ascii=False).encode()
    )
    error.model = "m"
    return error


def mend(site: OpenAICompatible, error: ProviderError) -> bool:
    steps = turn_of(site, chat(), KEY).recover(error, MOMENT)
    if steps is None:
        return False
    assert list(steps) == []
    return True


def test_nothing_is_added_where_it_is_not_known_to_be_taken() -> None:
    unknown, known = provider(base_url="https://api.example/v1"), provider(preset="openai")
    assert "stream_options" not in call(unknown, chat(stream=True))[1]
    assert call(known, chat(stream=True))[1]["stream_options"] == {"include_usage": True}
    asked = chat(stream=True, extra={"stream_options": {"include_usage": True}})
    assert call(unknown, asked)[1]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in call(provider(preset="mistral"), asked)[1]


REFUSALS = {
    "mistral": {
        "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"]}]}
    },
    "fastapi": {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
    "words": {"error": {"message": "Unrecognized request argument supplied: stream_options"}},
    "usage": {"error": {"message": "include_usage is not supported", "type": "invalid_request_error"}},
    "param alone": {"error": {"message": "bad parameter", "param": "stream_options", "code": "invalid_parameter"}},
    "a list of words": {"message": ["property stream_options should not exist"], "statusCode": 400},
    "a table": {"errors": {"stream_options": ["is invalid"]}},
    "a text": "stream_options is not a valid field",
    "a model": {"error": {"message": "stream_options is not supported by this model", "code": "unsupported_model"}},
    "camel case": {"error": {"message": "Unexpected field: streamOptions"}},
    "Chinese": {"error": {"message": "参数stream_options无效"}},
}


@pytest.mark.parametrize("body", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_an_api_refuses_of_ours_is_not_sent_again(body: Any) -> None:
    site = provider(preset="openai")
    error = refuse(site, body)
    assert error.refused == frozenset({"stream_options"})
    assert mend(site, error)
    assert "stream_options" not in call(site, chat(stream=True))[1]
    assert "stream_options" in call(site, replace(chat(stream=True), model="another"))[1], "one address, many APIs"


def test_what_an_api_taught_is_bounded() -> None:
    learnt = Learnt()
    for number in range(5000):
        learnt.refuses(f"m{number}", frozenset({"stream_options"}))
        learnt.heard(f"m{number}", "reasoning")
    assert len(learnt.refused) < 1000
    assert len(learnt.reasoning) < 1000
    assert learnt.refused_by("m4999") == {"stream_options"}


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "temperature is not supported with this model"}},
        {"error": {"message": "The `reasoning_content` in the thinking mode must be passed back to the API."}},
        {"error": {"message": "Missing `reasoning_content` field in the assistant message"}},
    ],
)
def test_what_is_refused_for_another_reason_is_not_mended(body: Any) -> None:
    site = provider(preset="openai")
    assert not mend(site, refuse(site, body, 400))


def earlier(**fields: Any) -> ChatRequest:
    said = Message("assistant", "4", extra={"reasoning_content": "2+2", **fields})
    return ChatRequest("m", (Message("user", "2+2?"), said, Message("user", "+1?")))


def sent_back(site: OpenAICompatible, **fields: Any) -> dict[str, Any]:
    message: dict[str, Any] = call(site, earlier(**fields))[1]["messages"][1]
    return message


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"preset": "deepseek"}, {"content": "4", "reasoning_content": "2+2"}),
        ({"preset": "groq"}, {"content": "4", "reasoning": "2+2"}),
        ({"preset": "openai"}, {"content": "4"}),
        ({"preset": "minimax"}, {"content": "<think>\n2+2\n</think>\n\n4"}),
        (
            {"preset": "mistral"},
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "2+2"}]},
                    {"type": "text", "text": "4"},
                ]
            },
        ),
        ({"base_url": "https://api.example/v1"}, {"content": "4", "reasoning_content": "2+2"}),
        ({"base_url": "https://api.example/v1", "reasoning_field": "drop"}, {"content": "4"}),
    ],
)
def test_reasoning_goes_back_under_the_apis_own_name(options: dict[str, Any], sent: dict[str, Any]) -> None:
    assert sent_back(provider(**options)) == {"role": "assistant", **sent}


def test_the_name_is_learnt_from_the_apis_own_answers() -> None:
    site = provider(preset="vllm")
    turn_of(site, chat()).decoder().feed(sse(chunk(delta({"reasoning": "hm"}))))
    assert sent_back(site)["reasoning"] == "2+2"
    turn_of(site, chat()).decoder().feed(sse(chunk(delta({"reasoning_content": "hm"}))))
    assert sent_back(site)["reasoning_content"] == "2+2"
    thinking = {"content": [{"type": "thinking", "thinking": "hm"}]}
    turn_of(site, chat()).decoder().feed(sse(chunk(delta(thinking))))
    assert sent_back(site)["content"][0]["type"] == "thinking"
    for number in range(2000):
        turn_of(site, chat(f"m{number}")).decoder().feed(sse(chunk(delta({"reasoning": "hm"}))))
    assert len(site._api.learnt.reasoning) <= 512


def test_reasoning_that_an_api_refuses_is_left_out() -> None:
    site = provider(base_url="https://api.example/v1")
    error = refuse(site, {"error": {"message": "messages.1: property 'reasoning_content' is unsupported"}}, 400)
    assert mend(site, error)
    assert sent_back(site) == {"role": "assistant", "content": "4"}


def test_a_choice_among_no_tools_is_not_sent() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    site = provider(base_url="https://api.example/v1")
    assert "tool_choice" not in call(site, chat(tool_choice="none"))[1]
    assert call(site, chat(tool_choice="none", tools=(tool,)))[1]["tool_choice"] == "none"
    assert call(site, chat(tool_choice="required"))[1]["tool_choice"] == "required"
