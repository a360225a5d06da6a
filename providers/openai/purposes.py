"""What a model is for, where that is neither chats nor pictures, as its name tells. Pure."""

from collections.abc import Collection
from typing import Final

from providers.openai.preset import OperationName

_PURPOSES: Final[tuple[tuple[str, str, tuple[OperationName, ...]], ...]] = (
    ("rerank", "rerank", ("rerank",)),
    ("moderation", "moderation", ("moderations",)),
    ("embed", "embeddings", ("embeddings",)),
    ("bge-", "embeddings", ("embeddings",)),
    ("whisper", "transcription", ("transcriptions", "translations")),
    ("transcribe", "transcription", ("transcriptions",)),
    ("-asr", "transcription", ("transcriptions",)),
    ("parakeet", "transcription", ("transcriptions",)),
    ("sensevoice", "transcription", ("transcriptions",)),
    ("-tts", "speech", ("speech",)),
    ("tts-", "speech", ("speech",)),
    ("orpheus", "speech", ("speech",)),
    ("cosyvoice", "speech", ("speech",)),
)
"""A part of a name, what such a model's answers are (as OpenRouter calls it in output_modalities), and the operations
that it is asked by. The first that fits holds: a bge-reranker makes no vectors."""


def purpose_of(model_id: str) -> tuple[str, Collection[OperationName]]:
    """What the model's answers are and the operations it is for; nothing for one that is for chats, or not known."""
    name = model_id.lower()
    return next(((what, by) for part, what, by in _PURPOSES if part in name), ("", ()))
