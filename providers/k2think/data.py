"""The data of K2Think's site that ages, in one place. From public clients up to 2026-04; no recording is public.

Each item can be put over in config.yaml (`headers`, `model_ids`).
"""

from collections.abc import Mapping
from typing import Final

BASE_URL: Final = "https://www.k2think.ai"

CHAT_PATH: Final = "/api/chat/completions"
MODELS_PATH: Final = "/api/models"
"""Not /api/v1/models, which gives an empty list."""
WHO_PATH: Final = "/api/v1/auths/"
"""A guess: Open WebUI's own, of which the site is a descendant."""

HEADERS: Final[Mapping[str, str]] = {
    "content-type": "application/json",
    "origin": BASE_URL,
    "referer": f"{BASE_URL}/",
    "user-agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/146.0.0.0 Safari/537.36"
    ),
}

MODELS: Final[Mapping[str, tuple[str, ...]]] = {
    "MBZUAI-IFM/K2-Think": ("MBZUAI-IFM/K2-Think-v2", "MBZUAI-IFM/K2-Think"),
    "MBZUAI-IFM/K2-Think-v2": ("MBZUAI-IFM/K2-Think-v2",),
}
"""Public id → the site's ids, newest first. Since early 2026 the site answers the first version's name with "Model not
found"; the public name stands for whatever version it has."""

FAMILY: Final = "MBZUAI-IFM/K2-Think"
"""The public name that a version newer than all known ones may stand in for."""
