"""The refusals of the Qwen stand-in: mostly JSON with status 200, by fault of the directive."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.sandbox.server import Wire

_PUNISH: Final = "/_____tmd_____/punish?x5secdata=abc"
WAF_JSON: Final = {
    "ret": ["FAIL_SYS_USER_VALIDATE", "RGV587_ERROR::SM::哎哟喂,被挤爆啦,请稍后重试"],
    "data": {"url": f"https://chat.qwen.ai:443//api/v2/chat/completions{_PUNISH}"},
}
WAF_PAGE: Final = "<!doctype html><html><body><script>var aliyun_waf_aa = 1, aliyun_waf_bb = 2</script></body></html>"


def refused(code: str, details: str, **more: object) -> dict[str, Any]:
    """A refusal in the site's form. The details are written in the account's language."""
    return {"success": False, "request_id": str(uuid.uuid4()), "data": {"code": code, "details": details, **more}}


def invalid(*problems: str) -> dict[str, Any]:
    """A request of the wrong form: the details are a JSON list in a string."""
    listed = ", ".join(f'"{problem}"' for problem in problems)
    return refused("RequestValidationError", f"[{listed}]")


def _lines(value: object) -> str:
    return json.dumps(value, indent=2)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer instead of a stream."""

    body: object
    status: int = 200
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, wire: Wire, retry_after: str = "") -> None:
        headers = {**self.headers, **({"retry-after": retry_after} if retry_after else {})}
        kind = self.content_type or ("text/html; charset=utf-8" if isinstance(self.body, str) else "")
        await wire.respond(self.status, self.body, kind, headers)


_TEMPLATE: Final = "You have reached the daily usage limit. Please wait {{num}} hours before trying again."
_BUSY: Final = "The chat is in progress!"

REFUSALS: Final[Mapping[str, Refusal]] = {
    "quota": Refusal(refused("RateLimited", "您已达到今日的使用上限", template=_TEMPLATE, num=10)),
    "quota_limited": Refusal(refused("quotaLimited", "用量已达上限")),
    "parallel": Refusal(refused("ParallelLimited", "too many at once")),
    "unauthorized": Refusal(refused("Unauthorized", "您没有权限访问此资源")),
    "401": Refusal(refused("unauthorized", "Token has expired"), 401),
    "429": Refusal(refused("TooManyRequests", "slow down"), 429),
    "429_html": Refusal("<html><body>Too Many Requests</body></html>", 429),
    "418": Refusal("<html><body>teapot</body></html>", 418),
    "waf": Refusal(WAF_JSON),
    "waf_html": Refusal(WAF_PAGE),
    "waf_403": Refusal(WAF_PAGE, 403),
    "waf_302": Refusal("", 302, headers={"location": f"https://chat.qwen.ai{_PUNISH}"}),
    "bad_request": Refusal(refused("Bad_Request", "internal error")),
    "bad_request_final": Refusal(refused("Bad_Request", "Invalid input")),
    "validation": Refusal(invalid("Field 'chat_id': Field required")),
    "server": Refusal(refused("Internal_Server_Error", "oops")),
    "busy": Refusal(refused("Bad_Request", _BUSY)),
    "busy_400": Refusal(refused("Bad_Request", _BUSY), 400),
    "gone": Refusal(refused("CHAT_NOT_FOUND", "chat is not exist")),
    "not_found": Refusal(refused("Not_Found", "The resource is not exist")),
    "parent_gone": Refusal(refused("PARENT_NOT_FOUND", "parent is not exist")),
    "500": Refusal(refused("Internal_Server_Error", "oops"), 500),
    "502": Refusal("<html><body>Bad Gateway</body></html>", 502),
    "html": Refusal("<html><body>Sign in</body></html>"),
    "wrong_type": Refusal("just words", content_type="text/plain"),
    "empty_json": Refusal({}),
    "vague": Refusal(refused("Bad_Request", "参数错误")),
    "json_answer": Refusal({"choices": [{"message": {"role": "assistant", "content": "One two."}}]}),
    "json_content": Refusal({"success": True, "data": {"content": "One two."}}),
    "json_lines": Refusal(_lines({"success": True, "data": {"content": "One two."}}), content_type="application/json"),
    "quota_lines": Refusal(_lines(refused("RateLimited", "", num=10)), content_type="application/json"),
    "waf_lines": Refusal(_lines(WAF_JSON), content_type="application/json"),
}
"""Fault → what comes instead of a stream."""

DEMANDS: Final[Mapping[str, bytes]] = {
    "demand": b"data: " + json.dumps(WAF_JSON).encode() + b"\n\n",
    "demand_bare": json.dumps(WAF_JSON).encode(),
    "demand_lines": _lines(WAF_JSON).encode(),
    "demand_page": f"data: {WAF_PAGE}\n\n".encode(),
    "demand_bare_page": WAF_PAGE.replace("<script>", f"\n\n<a href='https://chat.qwen.ai{_PUNISH}'><script>").encode(),
}
"""Fault → the edge's demand inside a stream, after which nothing comes: as the first thing, or with `_mid` behind the
name among the words."""

IN_STREAM: Final[Mapping[str, Mapping[str, str]]] = {
    "invalid_input": {"code": "invalid_input", "details": "the attachment cannot be read"},
    "unauthorized_in_stream": {"code": "unauthorized", "message": "Token has expired"},
    "quota_in_stream": {"message": "Allocated quota exceeded, please increase your quota limit: token-limit"},
    "server_in_stream": {"code": "Internal_Server_Error", "details": "oops"},
}
"""Fault → the error frame right after the first frame."""
