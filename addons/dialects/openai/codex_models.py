"""The list of models as Codex reads it, beside OpenAI's own: what its program has to know of each to use it well.

Form: openai/codex, codex-rs/protocol/src/openai_models.rs (ModelInfo). No model is told to have Codex's own tool for
patches: one that was not made for it writes better shell commands.
"""

from collections.abc import Mapping
from typing import Any, Final

from providers.contract.provider import Model

_EFFORTS: Final = ("low", "medium", "high")
_CONTEXT: Final = 128_000
"""Tokens, where a provider does not say: Codex makes the conversation shorter at nine tenths of it."""
_OUTPUT_TOKENS: Final = 10_000
"""Of a command's output that Codex sends."""
_INSTRUCTIONS: Final = (
    "You are a coding agent in a person's terminal, in the folder of their project. Use the tools you are given to "
    "read files, run commands and edit files, until what was asked for is done; check your work where you can. Keep to "
    "the style of the code that is there, change nothing that was not asked for, and never undo a change that is not "
    "yours. At the end say briefly what you did, and name files by their paths."
)
"""What the system prompt begins with: Codex has none of its own for a model that a list names."""


def codex_models(listed: Mapping[str, Model]) -> list[dict[str, Any]]:
    """The models by name, the first before all."""
    return [_info(name, model, at) for at, (name, model) in enumerate(listed.items())]


def _info(name: str, model: Model, priority: int) -> dict[str, Any]:
    thinks = model.thinking is not False
    efforts = [{"effort": effort, "description": f"{effort} effort"} for effort in _EFFORTS] if thinks else []
    return {
        "slug": name,
        "display_name": name,
        "description": f"{name} of {model.owned_by}" if model.owned_by else name,
        "default_reasoning_level": "medium" if thinks else "none",
        "supported_reasoning_levels": efforts,
        "shell_type": "shell_command",
        "visibility": "list",
        "supported_in_api": True,
        "priority": priority,
        "upgrade": None,
        "base_instructions": _INSTRUCTIONS,
        "supports_reasoning_summaries": thinks,
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": None,
        "truncation_policy": {"mode": "tokens", "limit": _OUTPUT_TOKENS},
        "supports_parallel_tool_calls": model.tools != "none",
        "context_window": model.context_length or _CONTEXT,
        "experimental_supported_tools": [],
        "input_modalities": ["text", "image"] if model.vision else ["text"],
        "use_responses_lite": False,
    }
