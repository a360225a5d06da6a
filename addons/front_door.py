"""What comes to the door: a request's outside as the gate reads it, and the refusals at the door itself."""

import json
import re
import uuid
from typing import Any, Final

from mitmproxy import http

from addons.core.errors import GatewayError
from addons.core.gate import Knock

PATH_LIMIT: Final = 100
_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,20}) (/[^ ?\r\n]*)")
_CREDENTIALS: Final = ("authorization", "x-api-key", "api-key", "cookie", "proxy-authorization")


def new_id() -> str:
    return f"req_{uuid.uuid4().hex}"


def knock_of(flow: http.HTTPFlow) -> Knock:
    request = flow.request
    headers = {name.lower(): value for name, value in request.headers.items()}
    sockname: Any = flow.client_conn.sockname
    is_h2 = flow.client_conn.alpn == b"h2"
    return Knock(
        method=request.method,
        target=request.path,
        headers=headers,
        absolute_form=bool(request.authority) and not is_h2,
        host=(request.authority if is_h2 else request.host_header) or "",
        local_address=(str(sockname[0]), int(sockname[1])),
    )


def path_of(flow: http.HTTPFlow) -> str:
    """The path the client asked for, without its query, where keys have been seen."""
    return flow.request.path.partition("?")[0][:PATH_LIMIT]


def client_of(flow: http.HTTPFlow) -> str:
    """The address of the client's end of the connection."""
    address: Any = flow.client_conn.peername
    return str(address[0]).removeprefix("::ffff:") if address else "-"


def asked_in(begins: bytes) -> tuple[str, str]:
    """Method and path in the first bytes of a head that is no request, if they are there; no other word of it."""
    found = _REQUEST_LINE.match(begins)
    return (found[1].decode("latin-1"), found[2][:PATH_LIMIT].decode("latin-1")) if found else ("", "")


def refusal_below(flow: http.HTTPFlow) -> GatewayError | None:
    """The refusal of a request that no hook has answered: the layers below gave it, or mitmproxy itself."""
    if flow.response is None:
        return GatewayError(400, flow.error.msg, code="bad_http_request") if flow.error else None
    try:
        told = json.loads(flow.response.content or b"")["error"]
        return GatewayError(flow.response.status_code, str(told["message"]), code=str(told["code"]))
    except (ValueError, TypeError, KeyError):
        return None


def take_credentials(flow: http.HTTPFlow) -> None:
    """Takes the client's credentials off the flow, before any other addon, the view or a saved file sees it."""
    for name in _CREDENTIALS:
        flow.request.headers.pop(name, None)


def without_body(answer: http.Response) -> None:
    """HEAD: the headers of GET, no content. The length is told all the same."""
    length = answer.headers.get("content-length", "0")
    answer.content = b""
    answer.headers["content-length"] = length


def shutting_down() -> GatewayError:
    message = "the gateway is shutting down; try again when it runs again"
    return GatewayError(503, message, code="shutting_down", retry_after_s=5)


def too_many() -> GatewayError:
    message = "the gateway has as many requests under way as it may (limits.requests in config.yaml); try again soon"
    return GatewayError(429, message, code="too_many_requests", retry_after_s=1)
