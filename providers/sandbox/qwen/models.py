"""The models of the Qwen stand-in, as the live list of autumn 2026 describes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class SandboxModel:
    """The abilities of a model; `think_skip` False means that it must think."""

    thinking: bool = True
    image: bool = True
    vision: bool = True
    think_skip: bool = True
    active: bool = True

    @property
    def chat_types(self) -> tuple[str, ...]:
        drawing = ("t2i",) if self.image else ()
        return ("t2t", "search", *drawing, *(("image_edit",) if self.image and self.vision else ()))


MODELS: Final[Mapping[str, SandboxModel]] = {
    "qwen3.8-max": SandboxModel(think_skip=False),
    "qwen3.7-plus": SandboxModel(),
    "qwen3.7-max": SandboxModel(image=False, vision=False),
    "qwen3.8-omni-flash": SandboxModel(image=False),
    "qwen3.6-plus": SandboxModel(),
    "qwen3.5-plus": SandboxModel(),
    "qwen3.5-flash": SandboxModel(image=False),
    "qwen3.5-omni-plus": SandboxModel(image=False),
    "qwen3-max-2026-01-23": SandboxModel(image=False, vision=False),
    "qwen3-coder-plus": SandboxModel(thinking=False, image=False, vision=False),
    "qwen3-retired": SandboxModel(active=False),
}


def usable(name: object) -> SandboxModel | None:
    """The model of that id, if the site still answers with it."""
    model = MODELS.get(name) if isinstance(name, str) else None
    return model if model is not None and model.active else None


def listed() -> list[dict[str, Any]]:
    """The items of GET /api/models."""
    return [_item(name, model) for name, model in MODELS.items()]


def _item(name: str, model: SandboxModel) -> dict[str, Any]:
    able = {"thinking": model.thinking, "search": True, "vision": model.vision, "document": True}
    meta = {
        "description": "",
        "capabilities": able,
        "abilities": {"vision": int(model.vision), "thinking": 3 if model.thinking else 0, "parse_url": 2},
        "max_context_length": 1_000_000,
        "max_summary_generation_length": 65_536,
        "auto_thinking": model.thinking,
        "auto_search": True,
        "thinking_format": "summary",
        "chat_type": list(model.chat_types),
        "modality": ["text", *(["image"] if model.image else [])],
        "mcp": [],
        "think_skip": {"enable": model.think_skip},
    }
    title = name.capitalize()
    state = {"is_active": model.active, "is_visitor_active": False}
    about = {"id": name, "name": title, "base_model_id": None, "meta": meta, **state}
    return {"id": name, "name": title, "object": "model", "owned_by": "qwen", "info": about, "preset": True}
