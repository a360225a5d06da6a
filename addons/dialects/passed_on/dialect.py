"""The dialect of the endpoints that are passed on to official APIs."""

from collections.abc import Sequence

from mitmproxy import http

from addons.dialects.base import AnswerMeta, Encoder, ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once
from addons.dialects.description import Description
from addons.dialects.openai.error import error_response
from addons.dialects.openai.passed_events import PassedEvents
from addons.dialects.passed_on.answer import PassedBytes, PassedWhole
from addons.dialects.passed_on.description import description
from addons.dialects.passed_on.endpoints import ENDPOINTS
from addons.dialects.passed_on.lists import LISTS
from addons.dialects.passed_on.request import passed_beginning, read_passed
from addons.dialects.passed_on.transcript import PassedTranscript
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import Route
from addons.dialects.transcript import Transcript
from addons.errors import GatewayError
from providers.contract.form import Form
from providers.contract.passed_on import PassedRequest


class PassedOn:
    """The Dialect of OpenAI's other endpoints."""

    name = "passed_on"
    routes: Sequence[Route] = (*(endpoint.route for endpoint in ENDPOINTS.values()), *LISTS)
    transcript: Transcript = PassedTranscript()

    def answer_id(self, request_id: str) -> str:
        return f"pass-{request_id.removeprefix('req_')}"

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        return read_passed(body, most_values, head)

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return all_at_once(read_passed(body, VALUES_LIMIT, head))

    def begun(self, form: Form, head: RoutedHead) -> ParsedRequest:
        return passed_beginning(form, head)

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        if parsed.request.stream:
            return PassedEvents()
        passed = isinstance(parsed.request, PassedRequest) and parsed.request.answers_bytes
        return PassedBytes() if passed else PassedWhole()

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return error_response(error)

    def description(self) -> Description:
        return description()
