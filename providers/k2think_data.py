"""What ages about K2Think's site, in one place. Shapes from public clients up to 2026-04; no recording is public."""

from collections.abc import Mapping
from typing import Final

BASE_URL: Final = "https://www.k2think.ai"

HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "Origin": "https://www.k2think.ai",
    "User-Agent": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/146.0.0.0 Safari/537.36"
    ),
}

MODELS: Final[Mapping[str, tuple[str, ...]]] = {
    "MBZUAI-IFM/K2-Think": ("MBZUAI-IFM/K2-Think-v2", "MBZUAI-IFM/K2-Think"),
    "MBZUAI-IFM/K2-Think-v2": ("MBZUAI-IFM/K2-Think-v2",),
}
"""Public id → the site's ids, newest first. The site answers the first version's name with "Model not found"."""
