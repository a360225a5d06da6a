"""A reasoning item's encrypted content: made with the item, and checked when it comes back. Pure."""

import base64
import hashlib
import hmac


def seal(secret: bytes, item: str, thought: str) -> str:
    """What was thought, bound to its item's id, under the site's own secret."""
    told = f"{item}\n{thought}".encode()
    return "gAAA" + base64.urlsafe_b64encode(_mac(secret, told) + told).decode()


def is_sealed(secret: bytes, item: str | None, content: str) -> bool:
    """Whether it is one of ours, unaltered, and of that item (an item may come back without its id)."""
    try:
        raw = base64.urlsafe_b64decode(content.removeprefix("gAAA"))
        bound = raw[32:].decode().partition("\n")[0]
    except ValueError:
        return False
    return hmac.compare_digest(raw[:32], _mac(secret, raw[32:])) and item in (None, bound)


def _mac(secret: bytes, told: bytes) -> bytes:
    return hmac.new(secret, told, hashlib.sha256).digest()
