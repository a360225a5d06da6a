"""The dialect of POST /v1/chat/completions; the list of models is served beside it."""

from collections.abc import Sequence

from mitmproxy import http

from addons.dialects.base import AnswerMeta, Encoder, ParsedRequest
from addons.dialects.body import Reading
from addons.dialects.chat_completions.description import description
from addons.dialects.chat_completions.request import parse_chat, read_chat, wants_usage
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole
from addons.dialects.client_session import READS, in_session
from addons.dialects.description import Description
from addons.dialects.openai import models
from addons.dialects.openai.error import error_response
from addons.dialects.openai.transcript import OpenAITranscript
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import POST, Route
from addons.dialects.transcript import Transcript
from addons.errors import GatewayError


class ChatCompletions:
    """The Dialect of OpenAI's chat completions."""

    name = "chat_completions"
    routes: Sequence[Route] = (Route(POST, "/v1/chat/completions", "chat_completions", reads=READS), *models.ROUTES)
    transcript: Transcript = OpenAITranscript()

    def answer_id(self, request_id: str) -> str:
        return f"chatcmpl-{request_id.removeprefix('req_')}"

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        return in_session(read_chat(body, most_values), head)

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return parse_chat(body)

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        return ChatStream(meta, include_usage=wants_usage(parsed)) if parsed.request.stream else ChatWhole(meta)

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return error_response(error)

    def description(self) -> Description:
        return description()
