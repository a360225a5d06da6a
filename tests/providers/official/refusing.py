"""Refusals of official APIs: what is made of one."""

import json
from typing import Any, Final

from providers.contract.errors import ProviderError
from providers.official.errors import classify
from providers.openai.presets import PRESETS

JSON: Final = {"content-type": "application/json"}


def refusal(status: int, body: Any, preset: str = "openai", **headers: str) -> ProviderError:
    """`body`: JSON, or the bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    given = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(status, given, raw, PRESETS[preset].form.error_codes)


def error(message: str = "no", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}
