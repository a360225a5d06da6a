"""The known APIs of the OpenAI form, as data. Every item can be overridden in config.yaml.

Sources: the vendors' public API references as of 2026, and their users' reports where those are silent.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from providers.official import price_data
from providers.official.codes import DASHSCOPE, ZAI
from providers.official.prices import NO_PRICES
from providers.openai.form import Form
from providers.openai.preset import KnownModel, Preset
from providers.openai.vendors import VENDORS
from providers.shared.suffixes import Suffixes

_THINKING_SEARCH: Final[Suffixes] = {
    "-Thinking": (True, None),
    "-Search": (None, True),
    "-Thinking-Search": (True, True),
}
_LOWER_SUFFIXES: Final[Suffixes] = {suffix.lower(): switches for suffix, switches in _THINKING_SEARCH.items()}


def _glm(public: str, *, vision: bool = False, context_length: int | None = None) -> KnownModel:
    return KnownModel(public, public.lower(), thinking=True, search=True, vision=vision, context_length=context_length)


_ZAI: Final = Preset(
    base_url="https://api.z.ai/api/paas/v4",
    owned_by="z.ai",
    operations=("chat", "images", "transcriptions"),
    form=Form(
        images_edits_path="",
        stream_usage=False,  # the last chunk always has usage
        max_tokens_name="max_tokens",
        thinking="type",
        effort_models=("glm-5.2", "glm-5.3"),
        search="tool",
        reasoning_field="reasoning_content",
        error_codes=ZAI,
    ),
    models=(
        _glm("GLM-4.5", context_length=131_072),
        _glm("GLM-4.5-Air", context_length=131_072),
        _glm("GLM-4.5V", vision=True),
        _glm("GLM-4.6", context_length=204_800),
        _glm("GLM-4.6V", vision=True),
        _glm("GLM-4.7", context_length=204_800),
        _glm("GLM-5", context_length=204_800),
        _glm("GLM-5-Turbo"),
        _glm("GLM-5.1"),
        _glm("GLM-5.2"),
        _glm("GLM-5.3"),
        KnownModel("GLM-Image", "glm-image", draws=True),
        KnownModel("CogView-4", "cogview-4-250304", draws=True),
    ),
    suffixes=_THINKING_SEARCH,
    prices=price_data.ZAI,
)

_DASHSCOPE: Final = Preset(
    base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    owned_by="alibaba",
    operations=("chat", "completions", "embeddings", "files", "batches"),
    form=Form(
        stream_usage=True,
        max_tokens_name="max_tokens",
        thinking="enable_thinking",
        reasoning_field="reasoning_content",
        thinking_streams_only=True,
        search="enable_search",
        error_codes=DASHSCOPE,
    ),
    models=(
        KnownModel("qwen-max", search=True),
        KnownModel("qwen-plus", thinking=True, search=True),
        KnownModel("qwen-turbo", thinking=True, search=True),
        KnownModel("qwen3.8-max", thinking=True, search=True),
        KnownModel("qwen3.7-max", thinking=True, search=True),
        KnownModel("qwen3.7-plus", thinking=True, search=True),
        KnownModel("qwen3-coder-plus"),
    ),
    suffixes=_LOWER_SUFFIXES,
    not_chat=("embedding", "rerank", "tts", "asr", "wan2", "wanx", "qwen-image", "paraformer", "cosyvoice", "realtime"),
    prices=price_data.DASHSCOPE_INTL,
)

_LONGCAT: Final = Preset(
    base_url="https://api.longcat.chat/openai/v1",
    owned_by="meituan",
    operations=("chat",),
    form=Form(
        models_path="/v1/models",
        stream_usage=False,
        max_tokens_name="max_tokens",
        thinking="type",
        plain_content=True,
    ),
    models=(
        KnownModel("LongCat-2.0", thinking=True, context_length=1_048_576),
        KnownModel("LongCat", "LongCat-2.0", thinking=True, context_length=1_048_576),
    ),
    suffixes=_THINKING_SEARCH,
)

_K2THINK: Final = Preset(
    base_url="https://api.k2think.ai/v1",
    owned_by="mbzuai-ifm",
    form=Form(
        stream_usage=False,
        efforts=("low", "medium", "high"),
        think_tags="implicit",
    ),
    models=(
        KnownModel("MBZUAI-IFM/K2-Think-v2", always_thinking=True),
        KnownModel("MBZUAI-IFM/K2-Think", "MBZUAI-IFM/K2-Think-v2", always_thinking=True),
    ),
)

_OPENAI: Final = Preset(
    base_url="https://api.openai.com/v1",
    owned_by="openai",
    operations=(
        "chat",
        "completions",
        "responses",
        "images",
        "variations",
        "embeddings",
        "speech",
        "transcriptions",
        "translations",
        "moderations",
        "files",
        "batches",
    ),
    form=Form(
        stream_usage=True,
        max_tokens_name="max_completion_tokens",
        developer_role=True,
        reasoning_field="drop",  # unknown fields of a message are refused
    ),
    models=(
        *(KnownModel(name, vision=True) for name in ("gpt-5", "gpt-5-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4o-mini")),
        *(KnownModel(name, vision=True, draws=True) for name in ("gpt-image-1", "gpt-image-1-mini")),
        *map(KnownModel, ("text-embedding-3-small", "text-embedding-3-large", "omni-moderation-latest")),
        *map(KnownModel, ("gpt-4o-transcribe", "whisper-1", "gpt-4o-mini-tts", "tts-1")),
    ),
    draws=("dall-e", "gpt-image", "chatgpt-image"),
    not_chat=(
        "embedding",
        "tts",
        "whisper",
        "dall-e",
        "moderation",
        "image",
        "sora",
        "transcribe",
        "realtime",
        "babbage",
        "davinci",
        "-instruct",
    ),
    prices=price_data.OPENAI,
)

_DEEPSEEK: Final = Preset(
    base_url="https://api.deepseek.com",
    owned_by="deepseek",
    form=Form(
        completions_path="/beta/completions",
        stream_usage=True,
        max_tokens_name="max_tokens",
        thinking="type",
        reasoning_field="reasoning_content",
        effort_models=("",),
        efforts=("low", "high", "max"),
    ),
    models=(
        KnownModel("deepseek-v4-flash", thinking=True),
        KnownModel("deepseek-v4-pro", thinking=True),
        KnownModel("deepseek-chat"),
        KnownModel("deepseek-reasoner", always_thinking=True),
    ),
    suffixes={"-thinking": (True, None)},
    prices=price_data.DEEPSEEK,
)

_MOONSHOT: Final = Preset(
    base_url="https://api.moonshot.ai/v1",
    owned_by="moonshot",
    operations=("chat", "files"),
    form=Form(
        stream_usage=True,
        max_tokens_name="max_completion_tokens",
        thinking="type",
        reasoning_field="reasoning_content",
        effort_models=("kimi-k3",),
        efforts=("low", "high", "max"),
    ),
    models=(
        KnownModel("kimi-k2.6", thinking=True, vision=True, context_length=262_144),
        KnownModel("kimi-k2.5", thinking=True, vision=True, context_length=262_144),
    ),
    suffixes={"-thinking": (True, None)},
    prices=price_data.MOONSHOT,
)

_OPENROUTER: Final = Preset(
    base_url="https://openrouter.ai/api/v1",
    owned_by="openrouter",
    operations=("chat", "completions", "responses", "embeddings"),
    form=Form(developer_role=True, reasoning_field="reasoning"),  # usage always comes
)

_OLLAMA: Final = Preset(
    base_url="http://127.0.0.1:11434/v1",
    owned_by="ollama",
    operations=("chat", "completions", "images", "embeddings"),
    form=Form(images_edits_path="", stream_usage=True, max_tokens_name="max_tokens", think_tags="explicit"),
    not_chat=("embed",),
)

_VLLM: Final = Preset(
    base_url="http://127.0.0.1:8000/v1",
    owned_by="vllm",
    operations=("chat", "completions", "embeddings", "transcriptions", "translations", "rerank"),
    form=Form(stream_usage=True, think_tags="explicit"),
)

_LLAMA_CPP: Final = Preset(
    base_url="http://127.0.0.1:8080/v1",
    owned_by="llama.cpp",
    operations=("chat", "completions", "embeddings", "rerank"),
    form=Form(stream_usage=True, max_tokens_name="max_tokens", thinking="template", think_tags="explicit"),
)

PRESETS: Final[Mapping[str, Preset]] = {
    "zai": _ZAI,
    "zai-coding": replace(_ZAI, base_url="https://api.z.ai/api/coding/paas/v4", prices=NO_PRICES),
    "dashscope-intl": _DASHSCOPE,
    "dashscope-cn": replace(_DASHSCOPE, base_url="https://dashscope.aliyuncs.com/compatible-mode/v1", prices=NO_PRICES),
    "dashscope-us": replace(
        _DASHSCOPE, base_url="https://dashscope-us.aliyuncs.com/compatible-mode/v1", prices=NO_PRICES
    ),
    "longcat": _LONGCAT,
    "k2think": _K2THINK,
    "openai": _OPENAI,
    "deepseek": _DEEPSEEK,
    "moonshot": _MOONSHOT,
    "openrouter": _OPENROUTER,
    "ollama": _OLLAMA,
    "vllm": _VLLM,
    "llama.cpp": _LLAMA_CPP,
    **VENDORS,
}

NO_PRESET: Final = Preset(
    base_url="",
    owned_by="",
    form=Form(),
    operations=(
        "chat",
        "completions",
        "images",
        "variations",
        "embeddings",
        "speech",
        "transcriptions",
        "translations",
        "moderations",
        "rerank",
    ),
)
"""Any other API of the form: what its models are asked for it may have, and refuses it itself where it has not."""
