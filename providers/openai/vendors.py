"""More known APIs of the OpenAI form, as data: those without models, thinking switches or codes of their own here.

Sources and dates stand in docs/providers.md. `stream_usage` None: the API tells usage by itself, or it is not known to
take the field, so that nothing is added to a request.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from providers.official import price_data
from providers.official.codes import MINIMAX
from providers.official.prices import NO_PRICES
from providers.openai.form import Form
from providers.openai.preset import KnownModel, Preset

AZURE_ADDRESS: Final = "https://YOUR-RESOURCE.openai.azure.com/openai/v1"
_SILICONFLOW: Final = Preset(
    base_url="https://api.siliconflow.com/v1",
    owned_by="siliconflow",
    operations=(
        "chat",
        "completions",
        "images",
        "embeddings",
        "speech",
        "transcriptions",
        "rerank",
        "files",
        "batches",
    ),
    form=Form(
        images_edits_path="",
        max_tokens_name="max_tokens",
        thinking="enable_thinking",
        reasoning_field="reasoning_content",
    ),
    not_chat=("embed", "bge-", "rerank", "flux", "stable-diffusion", "kolors", "cosyvoice", "sensevoice", "wan"),
    draws=("flux", "stable-diffusion", "kolors", "qwen-image"),
)
_MINIMAX: Final = Preset(
    base_url="https://api.minimax.io/v1",
    owned_by="minimax",
    operations=("chat",),
    form=Form(
        max_tokens_name="max_completion_tokens",
        think_tags="explicit",
        reasoning_field="tags",
        error_codes=MINIMAX,
    ),
    models=(KnownModel("MiniMax-M3"), KnownModel("MiniMax-M2.7"), KnownModel("MiniMax-M2.5")),
    prices=price_data.MINIMAX,
)

VENDORS: Final[Mapping[str, Preset]] = {
    "gemini": Preset(
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        owned_by="google",
        operations=("chat", "images", "embeddings"),
        # Unknown fields of a message are refused: thinking comes back in extra_content, which clients keep.
        form=Form(images_edits_path="", stream_usage=True, reasoning_field="drop"),
        not_chat=("embedding", "imagen", "veo", "tts", "aqa", "-image", "lyria", "native-audio", "live"),
        draws=("imagen", "-image"),
        prices=price_data.GEMINI,
    ),
    "groq": Preset(
        base_url="https://api.groq.com/openai/v1",
        owned_by="groq",
        operations=("chat", "responses", "speech", "transcriptions", "translations", "files", "batches"),
        form=Form(stream_usage=True, reasoning_field="reasoning"),
        not_chat=("whisper", "tts", "orpheus", "prompt-guard"),
        prices=price_data.GROQ,
    ),
    "mistral": Preset(
        base_url="https://api.mistral.ai/v1",
        owned_by="mistralai",
        operations=("chat", "embeddings", "transcriptions", "moderations", "files"),
        form=Form(stream_usage=False, max_tokens_name="max_tokens", reasoning_field="thinking"),
        not_chat=("embed", "moderation", "ocr", "transcribe"),
        prices=price_data.MISTRAL,
    ),
    "xai": Preset(
        base_url="https://api.x.ai/v1",
        owned_by="xai",
        operations=("chat", "completions", "responses", "images"),
        form=Form(max_tokens_name="max_completion_tokens", reasoning_field="reasoning_content"),
        not_chat=("image", "imagine", "video"),
        draws=("-image",),
        prices=price_data.XAI,
    ),
    "together": Preset(
        base_url="https://api.together.xyz/v1",
        owned_by="together",
        operations=(
            "chat",
            "completions",
            "images",
            "embeddings",
            "speech",
            "transcriptions",
            "translations",
            "rerank",
        ),
        form=Form(images_edits_path="", max_tokens_name="max_tokens", think_tags="explicit"),
        not_chat=("embed", "bge-", "flux", "rerank", "whisper", "imagen", "veo", "sora", "kling", "guard"),
        draws=("flux", "imagen"),
    ),
    "fireworks": Preset(
        base_url="https://api.fireworks.ai/inference/v1",
        owned_by="fireworks",
        operations=("chat", "completions", "responses", "embeddings", "rerank"),
        form=Form(think_tags="explicit"),
        not_chat=("embed", "flux", "rerank", "whisper", "stable-diffusion"),
    ),
    "siliconflow": _SILICONFLOW,
    "siliconflow-cn": replace(_SILICONFLOW, base_url="https://api.siliconflow.cn/v1"),
    "minimax": _MINIMAX,
    "minimax-cn": replace(_MINIMAX, base_url="https://api.minimaxi.com/v1", prices=NO_PRICES),
    "volcengine": Preset(
        base_url="https://ark.cn-beijing.volces.com/api/v3",
        owned_by="volcengine",
        operations=("chat", "responses", "images", "embeddings"),
        form=Form(
            images_edits_path="",
            stream_usage=True,
            max_tokens_name="max_tokens",
            thinking="type",
            reasoning_field="reasoning_content",
        ),
        not_chat=("embedding", "seedance", "seedream", "seededit"),
        draws=("seedream", "seededit"),
    ),
    "nvidia": Preset(
        base_url="https://integrate.api.nvidia.com/v1",
        owned_by="nvidia",
        operations=("chat", "completions", "embeddings"),
        form=Form(max_tokens_name="max_tokens", think_tags="explicit"),
        not_chat=("embed", "rerank", "nvclip", "retriever", "reward", "guard", "parakeet"),
    ),
    "cerebras": Preset(
        base_url="https://api.cerebras.ai/v1",
        owned_by="cerebras",
        form=Form(max_tokens_name="max_completion_tokens", think_tags="explicit", reasoning_field="reasoning"),
    ),
    "perplexity": Preset(
        base_url="https://api.perplexity.ai",
        owned_by="perplexity",
        operations=("chat",),
        # Every chunk has usage; there is no list of models.
        form=Form(
            stream_usage=False,
            max_tokens_name="max_tokens",
            think_tags="explicit",
            reasoning_field="drop",
        ),
        models=(
            KnownModel("sonar"),
            KnownModel("sonar-pro"),
            KnownModel("sonar-reasoning-pro", always_thinking=True),
            KnownModel("sonar-deep-research", always_thinking=True),
        ),
    ),
    "github-models": Preset(
        base_url="https://models.github.ai/inference",
        owned_by="github",
        operations=("chat", "embeddings"),
        form=Form(
            models_path="/catalog/models",
            stream_usage=True,
            developer_role=True,
            reasoning_field="drop",
        ),
        not_chat=("embed",),
    ),
    "azure": Preset(
        base_url="",  # each resource has its own
        owned_by="azure",
        operations=(
            "chat",
            "completions",
            "responses",
            "images",
            "embeddings",
            "speech",
            "transcriptions",
            "translations",
            "files",
            "batches",
        ),
        form=Form(
            stream_usage=True,
            max_tokens_name="max_completion_tokens",
            developer_role=True,
            reasoning_field="drop",
        ),
        not_chat=("embedding", "tts", "whisper", "dall-e", "image", "sora", "realtime", "transcribe"),
        draws=("dall-e", "gpt-image"),
    ),
}
