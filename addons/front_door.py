"""What comes to the door: a request's outside as the gate reads it, and the refusals at the door itself."""

import uuid
from typing import Any, Final

from mitmproxy import http

from addons.core.errors import GatewayError
from addons.core.gate import Knock

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


def key_removed() -> GatewayError:
    message = "the API key of this request is no longer one of this gateway's; its answer was ended"
    return GatewayError(401, message, code="invalid_api_key", should_retry=False)


def too_many() -> GatewayError:
    message = "the gateway has as many requests under way as it may (limits.requests in config.yaml); try again soon"
    return GatewayError(429, message, code="too_many_requests", retry_after_s=1)
