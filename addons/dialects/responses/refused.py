"""Refusals and failures as answers: OpenAI's envelope; for a stream of Codex's an answer that has failed."""

from typing import Final

from mitmproxy import http

from addons.dialects.base import EVENT_STREAM, AnswerMeta, ParsedRequest
from addons.dialects.openai.error import error_response
from addons.dialects.responses.failures import wants_failed_stream
from addons.dialects.responses.stream import ResponseStream
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from providers.contract.native import ResponsesRequest
from providers.contract.requests import ChatRequest

ASKS: Final = "responses"
"""The operation that asks a model."""
_ID: Final = "resp_refused"
_NONE: Final = ParsedRequest(ResponsesRequest("", ChatRequest("", ()), b"", {}))


def refused(error: GatewayError, head: RoutedHead) -> http.Response:
    """The error as an answer to a request with this head."""
    if head.operation != ASKS or not wants_failed_stream(head):
        return error_response(error)
    model = error.about[0] if error.about else error.asked
    stream = ResponseStream(AnswerMeta(_ID, 0, model), _NONE)
    headers = (("content-type", EVENT_STREAM), *error.extra_headers)
    return http.Response.make(200, stream.error(error), [(n.encode(), v.encode()) for n, v in headers])
