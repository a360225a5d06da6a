"""Presets, and the keys of config.yaml over them."""

from typing import Any

import pytest
from pydantic import ValidationError

from providers.contract.errors import ErrorKind
from providers.contract.events import Finish
from providers.contract.session import Session
from providers.openai.presets import PRESETS
from providers.openai.provider import OpenAICompatible
from providers.registry import provider_class
from tests.providers.openai.accounts import call, chat, list_models, provider
from tests.providers.openai.streams import sse, words
from tests.support.turns import turn_of

NO_KEY = Session("api", "none")


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
