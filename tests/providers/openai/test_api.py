"""Calls to an official API: the key, its models."""

import json
import re
from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials
from providers.contract.steps import Answer
from tests.providers.openai.accounts import KEY, MOMENT, call, chat, list_models, provider


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


def test_models_that_no_operation_is_for_are_left_out() -> None:
    site = provider(preset="ollama")
    list_models(site, 200, {"data": [{"id": "nomic-embed-text"}, {"id": "whisper-1"}, {"id": "o9"}]})
    assert {name: model.outputs for name, model in site.models().items()} == {
        "nomic-embed-text": ("embeddings",),
        "whisper-1": ("transcription",),
        "o9": ("text",),
    }
    site = provider(preset="openai", models={})
    list_models(site, 200, {"data": [{"id": "text-embedding-9"}, {"id": "sora-9"}]})
    assert "text-embedding-9" in site.models()
    assert "sora-9" not in site.models()


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
