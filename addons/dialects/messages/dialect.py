"""The dialect of POST /v1/messages: Anthropic's Messages. All of it is served below /anthropic too, where some programs
look for it."""

from collections.abc import Sequence

from mitmproxy import http

from addons.dialects.base import AnswerMeta, Encoder, ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once
from addons.dialects.client_session import READS
from addons.dialects.description import Description
from addons.dialects.local import Catalog
from addons.dialects.messages.counting import count_tokens
from addons.dialects.messages.description import description
from addons.dialects.messages.errors import error_response
from addons.dialects.messages.models import model_answer, models_answer
from addons.dialects.messages.request import OF_THE_FORM, MessagesOptions, read_request
from addons.dialects.messages.stream import MessagesStream
from addons.dialects.messages.transcript import MessagesTranscript
from addons.dialects.messages.whole import MessagesWhole
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import GET, POST, Route
from addons.dialects.transcript import Transcript
from addons.errors import GatewayError

_ID = "request-id"
_VERSION = "anthropic-version"
_WHO = ("user-agent",)
_ALL = (*_WHO, *READS, *OF_THE_FORM)


def not_served(head: RoutedHead, catalog: Catalog) -> http.Response:
    """Raises GatewayError (404)."""
    raise GatewayError(
        404, "the gateway does not serve this of Anthropic's API; it serves /v1/messages", code="unknown_url"
    )


class Messages:
    """The Dialect of Anthropic's Messages."""

    name = "messages"
    routes: Sequence[Route] = (
        Route(POST, "/v1/messages", "messages", reads=_ALL, id_header=_ID),
        Route(POST, "/anthropic/v1/messages", "anthropic_messages", reads=_ALL, id_header=_ID),
        Route(POST, "/v1/messages/count_tokens", "count_tokens", local_reading=count_tokens, reads=_WHO, id_header=_ID),
        Route(
            POST,
            "/anthropic/v1/messages/count_tokens",
            "anthropic_count_tokens",
            local_reading=count_tokens,
            reads=_WHO,
            id_header=_ID,
        ),
        Route(GET, "/v1/models", "messages_models", models_answer, header=_VERSION, reads=_WHO, id_header=_ID),
        Route(GET, "/v1/models/{id:path}", "messages_model", model_answer, header=_VERSION, reads=_WHO, id_header=_ID),
        Route(GET, "/anthropic/v1/models", "anthropic_models", models_answer, reads=_WHO, id_header=_ID),
        Route(GET, "/anthropic/v1/models/{id:path}", "anthropic_model", model_answer, reads=_WHO, id_header=_ID),
        Route(POST, "/v1/complete", "complete", not_served, reads=_WHO, id_header=_ID),
        Route(GET | POST, "/anthropic/{rest:path}", "anthropic_rest", not_served, reads=_WHO, id_header=_ID),
    )
    transcript: Transcript = MessagesTranscript()

    def answer_id(self, request_id: str) -> str:
        return f"msg_{request_id.removeprefix('req_')}"

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        return read_request(body, most_values, head)

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return all_at_once(read_request(body, VALUES_LIMIT, head))

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        options = parsed.options if isinstance(parsed.options, MessagesOptions) else MessagesOptions()
        if parsed.request.stream:
            return MessagesStream(
                meta,
                thinks=options.thinks,
                prompt_tokens=options.prompt_tokens,
                words_alone=options.words_alone,
            )
        return MessagesWhole(meta, thinks=options.thinks, words_alone=options.words_alone)

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return error_response(error, head)

    def description(self) -> Description:
        return description()
