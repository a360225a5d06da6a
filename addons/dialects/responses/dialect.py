"""The dialect of POST /v1/responses."""

from collections.abc import Sequence

from mitmproxy import http

from addons.dialects.base import AnswerMeta, Encoder, ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once
from addons.dialects.client_session import READS
from addons.dialects.description import Description
from addons.dialects.responses.description import description
from addons.dialects.responses.failures import HEADERS
from addons.dialects.responses.kept import going_on
from addons.dialects.responses.local import ROUTES
from addons.dialects.responses.named import ANSWER_PREFIX
from addons.dialects.responses.refused import ASKS, refused
from addons.dialects.responses.request import FORM_HEADERS, read_response
from addons.dialects.responses.stream import ResponseStream, ResponseWhole
from addons.dialects.responses.transcript import ResponsesTranscript
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import POST, Route
from addons.dialects.transcript import Transcript
from addons.errors import GatewayError


class Responses:
    """The Dialect of OpenAI's Responses."""

    name = "responses"
    routes: Sequence[Route] = (
        Route(POST, "/v1/responses", ASKS, reads=(*HEADERS, *READS, *FORM_HEADERS)),
        *ROUTES,
    )
    transcript: Transcript = ResponsesTranscript()

    def answer_id(self, request_id: str) -> str:
        return f"{ANSWER_PREFIX}{request_id.removeprefix('req_')}"

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        return read_response(body, most_values, head)

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return all_at_once(read_response(body, VALUES_LIMIT, head))

    def going_on(self, parsed: ParsedRequest, kept: bytes) -> Reading[ParsedRequest]:
        return going_on(parsed, kept)

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        return ResponseStream(meta, parsed) if parsed.request.stream else ResponseWhole(meta, parsed)

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return refused(error, head)

    def description(self) -> Description:
        return description()
