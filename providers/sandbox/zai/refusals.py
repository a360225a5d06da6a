"""The refusals of the Z.AI stand-in, by fault of the directive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.sandbox.server import Wire

_EDGE_PAGE: Final = (
    "<html><head><title>405</title></head><body><a href='https://errors.aliyun.com/'>blocked</a></body></html>"
)
_PAGE: Final = "<!doctype html><html><head><title>Z.ai</title></head><body>There is nothing here.</body></html>"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer instead of a stream. A text is a page."""

    status: int
    body: object
    retry_after: str = ""

    async def send(self, wire: Wire, retry_after: str = "") -> None:
        after = retry_after or self.retry_after
        kind = "text/html" if isinstance(self.body, str) else ""
        await wire.respond(self.status, self.body, kind, {"retry-after": after} if after else {})


REFUSALS: Final[Mapping[str, Refusal]] = {
    "edge": Refusal(405, _EDGE_PAGE),
    "401": Refusal(401, {"detail": "Your session has expired"}),
    "429": Refusal(429, {"detail": "Too many requests"}, retry_after="3"),
    "json_error": Refusal(403, {"error": {"code": 403, "detail": {"code": "USER_LEVEL", "message": "not allowed"}}}),
    "html": Refusal(200, "<html><body>Sign in</body></html>"),
    "outdated": Refusal(426, {"detail": "您的客户端版本过旧"}),
    "gone": Refusal(404, {"detail": "Not Found"}),
    "gone_page": Refusal(404, _PAGE),
    "gone_empty": Refusal(404, ""),
    "busy": Refusal(409, {"detail": {"code": "SESSION_BUSY", "message": "an earlier turn is still running"}}),
    "busy_page": Refusal(409, _PAGE),
    "busy_empty": Refusal(409, ""),
}
