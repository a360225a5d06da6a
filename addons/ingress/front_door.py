"""What comes to the door: a request's outside as the gate reads it, and the refusals at the door itself."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mitmproxy import http

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.fields import Fields, by_name
from addons.cleaning.index import Known
from addons.errors import GatewayError
from addons.ingress.cors import answer_headers
from addons.ingress.gate import RequestHead
from addons.ingress.key_proof import NONCE, proof_of
from addons.stream.connection_limits import ConnectionLimits, Peer, host_of
from addons.stream.credentials import FRAMING
from addons.stream.refusal import noted
from addons.stream.request_head import PATH_LIMIT

_WORD: Final = re.compile(rb"[^\s,;=/?&\"'#]{8,}")
_KEPT_BYTES: Final = 8 * 1024
"""So much of a client's head is kept where people can see it; programs send a tenth of that."""


def new_id() -> str:
    return f"req_{uuid.uuid4().hex}"


def request_head_of(flow: http.HTTPFlow, shown: Mapping[str, str]) -> RequestHead:
    """The request as the gate reads it. `shown` are the credentials, which were taken off it (addons/stream)."""
    request = flow.request
    sockname: Any = flow.client_conn.sockname
    is_h2 = flow.client_conn.alpn == b"h2"
    return RequestHead(
        method=request.method,
        target=request.path,
        headers={**by_name(request.headers.fields), **shown},
        absolute_form=bool(request.authority) and not is_h2,
        host=(request.authority if is_h2 else request.host_header) or "",
        local_address=(str(sockname[0]), int(sockname[1])),
        tls=flow.client_conn.tls,
    )


def told_beside(request: http.Request, allowed_origins: frozenset[str]) -> Fields:
    """What every answer to the request says besides its own headers: whether a page of another origin may read it."""
    if not allowed_origins:
        return ()
    origins = [value for name, value in request.headers.fields if name.lower() == b"origin"]
    origin = b", ".join(origins).decode("latin-1") if origins else None
    return answer_headers(origin, allowed_origins)


def path_of(flow: http.HTTPFlow) -> str:
    """The path the client asked for, without its query, where keys have been seen."""
    return flow.request.path.partition("?")[0][:PATH_LIMIT]


def client_of(flow: http.HTTPFlow, rules: ConnectionLimits) -> str:
    """The client's address in words: of its end of the connection, or as a trusted proxy in front tells it."""
    peer = flow.client_conn.peername
    return address_of((rules.client_address(peer, flow.request.headers.fields),)) if peer else "-"


def address_of(peer: Peer | None) -> str:
    """A peer's address in words."""
    return host_of(peer).removeprefix("::ffff:") or "-" if peer else "-"


def refusal_below(flow: http.HTTPFlow) -> GatewayError | None:
    """The refusal of a request that no hook has answered: the layers below gave it, or mitmproxy itself."""
    if flow.response is None and flow.error:
        return GatewayError(400, flow.error.msg, code="bad_http_request")
    return noted(flow)


def hide_keys(request: http.Request, cleaner: Cleaner, shown: Mapping[str, str]) -> Cleaner:
    """Hides secrets wherever else they may stand in a head: in the path, under a name of any kind, as a piece, encoded.

    `shown` are the credentials that came with the request; they are hidden elsewhere too, right or wrong. Gives the
    cleaner that knows those that stood elsewhere: for what else is said of the request. What a head
    has beyond _KEPT_BYTES is not kept, since looking through it has its price and most who send it have no key.
    """
    _cut(request)
    texts = [request.data.path, request.data.authority, *(part for field in request.headers.fields for part in field)]
    words = {word for value in shown.values() for word in _WORD.findall(value.encode("utf-8", "surrogateescape"))}
    said = b"\n".join(texts)
    if any(word in said for word in words):
        cleaner = cleaner.also(Known(word.decode("utf-8", "surrogateescape"), "client_key") for word in words)
    if cleaner.nothing_in(*texts):  # nearly always
        return cleaner
    request.data.path = cleaner.data(request.data.path)
    request.data.authority = cleaner.data(request.data.authority)
    request.headers = http.Headers((cleaner.data(name), cleaner.data(value)) for name, value in request.headers.fields)
    return cleaner


def _cut(request: http.Request) -> None:
    """Leaves _KEPT_BYTES of the head, and what HTTP itself needs."""
    room = _KEPT_BYTES
    fields: list[tuple[bytes, bytes]] = []
    request.data.path = request.data.path[:room]
    request.data.authority = request.data.authority[:room]
    room -= len(request.data.path) + len(request.data.authority)
    for name, value in request.headers.fields:
        room -= len(name) + len(value)
        if room >= 0 or name.lower() in FRAMING:
            fields.append((name, value))
    if room < 0:
        request.headers = http.Headers(fields)


def proof_for(flow: http.HTTPFlow, keys: Sequence[str]) -> str | None:
    """What shows the asker that we know the first of the client keys, if it asks (addons/ingress/key_proof.py)."""
    nonce, sockname = flow.request.headers.get(NONCE), flow.client_conn.sockname
    return proof_of(keys[0], nonce, (str(sockname[0]), int(sockname[1]))) if nonce and keys else None


def without_body(answer: http.Response) -> None:
    """HEAD: the headers of GET, no content. The length is told all the same."""
    length = answer.headers.get("content-length", "0")
    answer.content = b""
    answer.headers["content-length"] = length


def key_removed() -> GatewayError:
    message = "the API key of this request is no longer one of this gateway's; its answer was ended"
    return GatewayError(401, message, code="invalid_api_key", should_retry=False)
