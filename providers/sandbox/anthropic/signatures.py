"""The signatures of a model's thinking: made with each block, and checked when the block comes back. Pure."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any


def sign(secret: bytes, shown: str, thought: str) -> str:
    """The signature of a block: what was thought, and what of it was shown, under the site's own secret."""
    told = json.dumps([shown, thought], ensure_ascii=False).encode()
    return base64.b64encode(_mac(secret, told) + told).decode()


def is_signed(secret: bytes, block: Mapping[str, Any]) -> bool:
    """Whether a `thinking` or `redacted_thinking` block is one of ours, as it was given out."""
    signature = block.get("data" if block.get("type") == "redacted_thinking" else "signature")
    try:
        raw = base64.b64decode(str(signature), validate=True)
        shown, _ = json.loads(raw[32:])
    except ValueError:
        return False
    shown_again = "" if block.get("type") == "redacted_thinking" else block.get("thinking")
    return hmac.compare_digest(raw[:32], _mac(secret, raw[32:])) and shown == shown_again


def _mac(secret: bytes, told: bytes) -> bytes:
    return hmac.new(secret, told, hashlib.sha256).digest()
