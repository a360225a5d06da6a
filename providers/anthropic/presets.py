"""The known APIs of the Messages form, as data. Every item can be overridden in config.yaml.

Sources and dates stand in docs/providers.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from providers.anthropic.preset import KnownModel, Preset
from providers.anthropic.takes import SWITCH, Takes
from providers.official import price_data
from providers.official.prices import NO_PRICES

_MILLION: Final = 1_000_000

NO_PRESET: Final = Preset(base_url="", owned_by="", key_header="x-api-key", search=True)
"""An address alone: what the client asks for is passed on, and the API refuses what it does not have."""

_ANTHROPIC: Final = Preset(
    base_url="https://api.anthropic.com",
    owned_by="anthropic",
    key_header="x-api-key",
    models=(
        KnownModel("claude-opus-5-5", context_length=_MILLION),
        KnownModel("claude-sonnet-5-5", context_length=_MILLION),
        KnownModel("claude-haiku-5-5", context_length=_MILLION),
        KnownModel("claude-fable-5-1", context_length=_MILLION),
        KnownModel("claude-opus-5", context_length=_MILLION),
        KnownModel("claude-sonnet-5", context_length=_MILLION),
        KnownModel("claude-haiku-4-5", context_length=200_000),
    ),
    takes=Takes(sampling=False),
    search=True,
    schemas=True,
    caches=True,
    prices=price_data.ANTHROPIC,
)
_ZAI: Final = Preset(
    base_url="https://api.z.ai/api/anthropic",
    owned_by="z.ai",
    models=(
        KnownModel("GLM-4.5-Air", "glm-4.5-air", vision=False, context_length=131_072),
        KnownModel("GLM-4.6", "glm-4.6", vision=False, context_length=204_800),
        KnownModel("GLM-4.7", "glm-4.7", vision=False, context_length=204_800),
        KnownModel("GLM-5", "glm-5", vision=False, context_length=204_800),
        KnownModel("GLM-5.1", "glm-5.1", vision=False),
        KnownModel("GLM-5.2", "glm-5.2", vision=False),
        KnownModel("GLM-5.3", "glm-5.3", vision=False),
    ),
    takes=SWITCH,
    thought_returns=True,
    lists_models=False,
    prices=price_data.ZAI,
)
_MOONSHOT: Final = Preset(
    base_url="https://api.moonshot.ai/anthropic",
    owned_by="moonshotai",
    models=(KnownModel("kimi-k2.5", context_length=262_144), KnownModel("kimi-k2.6", context_length=262_144)),
    takes=SWITCH,
    thought_returns=True,
    lists_models=False,
    prices=price_data.MOONSHOT,
)
_MINIMAX: Final = Preset(
    base_url="https://api.minimax.io/anthropic",
    owned_by="minimax",
    key_header="x-api-key",
    models=(
        KnownModel("MiniMax-M3", context_length=_MILLION),
        KnownModel("MiniMax-M2.7", vision=False, context_length=204_800),
        KnownModel("MiniMax-M2.5", vision=False, context_length=204_800),
    ),
    takes=SWITCH,
    caches=True,
    thought_returns=True,
    lists_models=False,
    lowest_temperature=0.01,
    prices=price_data.MINIMAX,
)
_DASHSCOPE: Final = Preset(
    base_url="https://dashscope-intl.aliyuncs.com/apps/anthropic",
    owned_by="alibaba",
    models=(
        KnownModel("qwen3.8-max", vision=False),
        KnownModel("qwen3.7-plus"),
        KnownModel("qwen3-coder-plus", vision=False, context_length=_MILLION),
    ),
    takes=Takes("budget", efforts=()),
    lists_models=False,
    prices=price_data.DASHSCOPE_INTL,
)
_LOCAL: Final = Preset(
    base_url="", owned_by="", key_header="x-api-key", takes=Takes("switch", "disabled", efforts=(), max_tokens=8192)
)

PRESETS: Final[Mapping[str, Preset]] = {
    "anthropic": _ANTHROPIC,
    "zai": _ZAI,
    "zai-cn": replace(_ZAI, base_url="https://open.bigmodel.cn/api/anthropic", prices=NO_PRICES),
    "deepseek": Preset(
        base_url="https://api.deepseek.com/anthropic",
        owned_by="deepseek",
        key_header="x-api-key",
        models=(KnownModel("deepseek-flash"), KnownModel("deepseek-v4-pro", vision=False, context_length=_MILLION)),
        takes=Takes("switch", "disabled", efforts=("low", "high", "max")),
        thought_returns=True,
        lists_models=False,
        prices=price_data.DEEPSEEK,
    ),
    "moonshot": _MOONSHOT,
    "moonshot-cn": replace(_MOONSHOT, base_url="https://api.moonshot.cn/anthropic", prices=NO_PRICES),
    "kimi-coding": replace(
        _MOONSHOT,
        key_header="x-api-key",
        base_url="https://api.kimi.com/coding",
        models=(KnownModel("kimi-for-coding", context_length=262_144),),
        prices=NO_PRICES,
    ),
    "longcat": Preset(
        base_url="https://api.longcat.chat/anthropic",
        owned_by="meituan",
        models=(KnownModel("LongCat-2.0", vision=False, context_length=1_048_576),),
        takes=SWITCH,
        thought_returns=True,
        lists_models=False,
    ),
    "minimax": _MINIMAX,
    "minimax-cn": replace(_MINIMAX, base_url="https://api.minimaxi.com/anthropic", prices=NO_PRICES),
    "dashscope-intl": _DASHSCOPE,
    "dashscope-cn": replace(_DASHSCOPE, base_url="https://dashscope.aliyuncs.com/apps/anthropic", prices=NO_PRICES),
    "openrouter": Preset(
        base_url="https://openrouter.ai/api",
        owned_by="openrouter",
        takes=Takes("budget", efforts=()),
        caches=True,
    ),
    "ollama": replace(_LOCAL, base_url="http://127.0.0.1:11434"),
    "vllm": replace(_LOCAL, base_url="http://127.0.0.1:8000"),
    "llama.cpp": replace(_LOCAL, base_url="http://127.0.0.1:8080"),
}
