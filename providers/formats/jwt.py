"""Reader of a JSON Web Token's claims. Its signature is the site's business."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, Final

from providers.formats.jsontext import loads
from providers.formats.moments import moment_s

_LONGEST: Final = 64 * 1024


def claims(token: str) -> dict[str, Any] | None:
    """The payload of a JWT; None when the text is no JWT."""
    parts = token.split(".", 3) if len(token) <= _LONGEST else []
    if len(parts) != 3 or token.split() != [token]:
        return None
    try:
        payload = loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return payload if isinstance(payload, dict) else None


def ends_at(found: Mapping[str, Any]) -> int | None:
    """The end of the token in Unix seconds (claim `exp`); None where its claims do not say so."""
    return moment_s(found.get("exp"))
