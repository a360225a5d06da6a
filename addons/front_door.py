"""What comes to the door: a request's outside as the gate reads it, and the refusals at the door itself."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from mitmproxy import http

from addons.challenge import NONCE, proof_of
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


def proof_for(flow: http.HTTPFlow, keys: Sequence[str]) -> str | None:
    """What shows the asker that we know the first of the client keys, if it asks for that (addons/challenge.py)."""
    nonce, sockname = flow.request.headers.get(NONCE), flow.client_conn.sockname
    return proof_of(keys[0], nonce, (str(sockname[0]), int(sockname[1]))) if nonce and keys else None


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
