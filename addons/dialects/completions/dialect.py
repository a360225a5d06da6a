"""The dialect of the legacy POST /v1/completions."""

from collections.abc import Sequence

from mitmproxy import http

from addons.dialects.base import AnswerMeta, Encoder, ParsedRequest
from addons.dialects.body import Reading, all_at_once
from addons.dialects.chat_completions.request import wants_usage
from addons.dialects.client_session import READS, in_session
from addons.dialects.completions.answer import TextStream, TextWhole
from addons.dialects.completions.description import description
from addons.dialects.completions.request import read_completion
from addons.dialects.description import Description
from addons.dialects.openai.error import error_response
from addons.dialects.openai.transcript import OpenAITranscript
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import POST, Route
from addons.dialects.transcript import Transcript
from addons.errors import GatewayError


class Completions:
    """The Dialect of OpenAI's legacy completions."""

    name = "completions"
    routes: Sequence[Route] = (Route(POST, "/v1/completions", "completions", reads=READS),)
    transcript: Transcript = OpenAITranscript()

    def answer_id(self, request_id: str) -> str:
        return f"cmpl-{request_id.removeprefix('req_')}"

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        return in_session(read_completion(body, most_values), head)

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return all_at_once(read_completion(body))

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        return TextStream(meta, include_usage=wants_usage(parsed)) if parsed.request.stream else TextWhole(meta)

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return error_response(error)

    def description(self) -> Description:
        return description()
