"""The object store beside the Qwen stand-in: takes a file by PUT with a signature of version 4, worked out here anew.

It knows no session of the site's: an Authorization of another scheme or a cookie there is a leak, and refused.
Signed are content-type, content-md5 and every x-oss-… header that is there; the payload is not.
"""

import calendar
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from providers.sandbox.server import Request, Site, Wire

BUCKET: Final = "qwen-webui-prod"
REGION: Final = "ap-southeast-1"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
GRANT_S: Final = 300
_ALGORITHM: Final = "OSS4-HMAC-SHA256"
_NEEDED: Final = ("content-type", "x-oss-content-sha256", "x-oss-date", "x-oss-security-token")
_AUTHORIZATION: Final = re.compile(r"OSS4-HMAC-SHA256 Credential=([^/,\s]+)/([^,\s]+),\s*Signature=([0-9a-f]{64})")
_SKEW_S: Final = 900


@dataclass(slots=True)
class Grant:
    """What one upload may be signed with."""

    path: str
    key_id: str = field(default_factory=lambda: f"STS.{secrets.token_hex(10)}")
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(60))
    ends_at: float = field(default_factory=lambda: time.time() + GRANT_S)


@dataclass
class OssSite(Site):
    """The object store."""

    name: str = "qwen-oss"
    grants: dict[str, Grant] = field(default_factory=dict)
    """By access key id."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """What was put, by path without its first slash."""
    leaks: list[str] = field(default_factory=list)
    """Credentials of the site that came here: the names of their headers."""
    fault: str = ""
    """How every PUT fails: `500`, `reset`."""

    def grant(self, path: str) -> Grant:
        made = Grant(path)
        self.grants[made.key_id] = made
        return made

    async def handle(self, request: Request, wire: Wire) -> None:
        path = unquote(request.path.removeprefix("/"))
        if request.method == "GET" and path in self.objects:
            await wire.respond(200, self.objects[path], "application/octet-stream")
        elif request.method != "PUT":
            await wire.respond(404, _error("NoSuchKey"), "application/xml")
        elif problem := self._problem(request, path):
            await wire.respond(403, _error(problem), "application/xml")
        elif self.fault == "reset":
            wire.reset()
        elif self.fault:
            await wire.respond(int(self.fault), _error("InternalError"), "application/xml")
        else:
            self.objects[path] = request.body
            await wire.respond(200, b"", headers={"etag": f'"{hashlib.md5(request.body).hexdigest()}"'})  # noqa: S324

    def _problem(self, request: Request, path: str) -> str:
        """The code of the store's refusal, or nothing."""
        headers = request.headers
        if "cookie" in headers:
            self.leaks.append("cookie")
            return "AccessDenied"
        authorization = headers.get("authorization", "")
        if authorization and not authorization.startswith(_ALGORITHM):
            self.leaks.append("authorization")
            return "AccessDenied"
        found = _AUTHORIZATION.fullmatch(authorization)
        grant = self.grants.get(found[1]) if found else None
        if found is None or any(not headers.get(name) for name in _NEEDED):
            return "InvalidArgument"
        if grant is None:
            return "InvalidAccessKeyId"
        if headers["x-oss-security-token"] != grant.token or grant.ends_at < time.time():
            return "SecurityTokenExpired" if grant.ends_at < time.time() else "InvalidSecurityToken"
        if headers["x-oss-content-sha256"] != UNSIGNED:
            return "InvalidArgument"
        if abs(_moment(headers["x-oss-date"]) - time.time()) > _SKEW_S:
            return "RequestTimeTooSkewed"
        if request.query or path != grant.path:
            return "AccessDenied"
        if found[2] != scope(headers["x-oss-date"]):
            return "InvalidArgument"
        right = signature(grant.secret, path, headers)
        return "" if hmac.compare_digest(found[3], right) else "SignatureDoesNotMatch"


def scope(moment: str, region: str = REGION) -> str:
    """The scope of a signature at a moment of the form YYYYMMDDTHHMMSSZ."""
    return f"{moment[:8]}/{region}/oss/aliyun_v4_request"


def signature(
    secret: str, path: str, headers: Mapping[str, str], query: str = "", bucket: str = BUCKET, region: str = REGION
) -> str:
    """The signature in hex of a PUT; the query as it is signed, sorted and encoded."""
    signed = sorted(name for name in headers if name in ("content-type", "content-md5") or name.startswith("x-oss-"))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in signed)
    request = "\n".join(["PUT", f"/{bucket}/{quote(path, safe='/')}", query, lines, "", UNSIGNED])
    moment = headers["x-oss-date"]
    text = "\n".join([_ALGORITHM, moment, scope(moment, region), hashlib.sha256(request.encode()).hexdigest()])
    key = f"aliyun_v4{secret}".encode()
    for part in (moment[:8], region, "oss", "aliyun_v4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _moment(text: str) -> float:
    try:
        return calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return 0


def _error(code: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{code}</Message></Error>'
