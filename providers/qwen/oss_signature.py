"""The signature of version 4 that the object store behind Qwen's uploads wants, as its maker's documentation has it.

Pure. The headers that are signed are content-type, content-md5 and all whose names begin with x-oss-; the payload is
not signed.
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "OSS4-HMAC-SHA256"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
"""Value of the header x-oss-content-sha256."""
_SIGNED: Final = ("content-type", "content-md5")


def stamp(epoch_ms: int) -> str:
    """A moment as the header x-oss-date has it: `20231216T162057Z`."""
    return f"{datetime.fromtimestamp(epoch_ms // 1000, UTC):%Y%m%dT%H%M%SZ}"


def scope(date: str, region: str) -> str:
    """What a signature is good for: a day, by its stamp, and a region."""
    return f"{date[:8]}/{region}/oss/aliyun_v4_request"


def signature(
    method: str,
    resource: str,
    headers: Mapping[str, str],
    *,
    secret: str,
    region: str,
    query: Mapping[str, str] | None = None,
) -> str:
    """The signature in hex of a request whose `headers` (lower case) have x-oss-date among them.

    `resource` is /bucket/key, not encoded.
    """
    signed = sorted(name for name in headers if name in _SIGNED or name.startswith("x-oss-"))
    canonical = "\n".join(
        (
            method,
            quote(resource, safe="/"),
            "&".join(sorted(_pair(name, value) for name, value in (query or {}).items())),
            "".join(f"{name}:{headers[name].strip()}\n" for name in signed),
            "",  # no further headers are signed
            UNSIGNED,
        )
    )
    date = headers["x-oss-date"]
    told = "\n".join((ALGORITHM, date, scope(date, region), sha256(canonical.encode()).hexdigest()))
    key = f"aliyun_v4{secret}".encode()
    for part in scope(date, region).split("/"):
        key = _hmac(key, part)
    return _hmac(key, told).hex()


def _pair(name: str, value: str) -> str:
    return quote(name, safe="") + (f"={quote(value, safe='')}" if value else "")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
