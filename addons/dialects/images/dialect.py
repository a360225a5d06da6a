"""The dialect of POST /v1/images/generations and POST /v1/images/edits."""

from collections.abc import Sequence

from mitmproxy import http

from addons.dialects.base import AnswerMeta, Encoder, ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once
from addons.dialects.description import Description
from addons.dialects.images.answer import PicturesWhole
from addons.dialects.images.description import description
from addons.dialects.images.request import EDITS, pictures_beginning, read_pictures
from addons.dialects.images.transcript import PicturesTranscript
from addons.dialects.openai.error import error_response
from addons.dialects.openai.passed_events import PassedEvents
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import POST, Route
from addons.dialects.transcript import Transcript
from addons.errors import GatewayError
from providers.contract.form import Form


class Images:
    """The Dialect of OpenAI's pictures."""

    name = "images"
    routes: Sequence[Route] = (
        Route(POST, "/v1/images/generations", "images_generations"),
        Route(POST, "/v1/images/edits", EDITS, reads=("content-type",), uploads=True),
    )
    transcript: Transcript = PicturesTranscript()

    def answer_id(self, request_id: str) -> str:
        return f"img-{request_id.removeprefix('req_')}"

    def read(self, body: bytes, most_values: int, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
        return read_pictures(body, most_values, head)

    def parse(self, body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
        return all_at_once(read_pictures(body, VALUES_LIMIT, head))

    def begun(self, form: Form, head: RoutedHead) -> ParsedRequest:
        return pictures_beginning(form)

    def encoder(self, parsed: ParsedRequest, meta: AnswerMeta) -> Encoder:
        return PassedEvents() if parsed.request.stream else PicturesWhole(meta)

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return error_response(error)

    def description(self) -> Description:
        return description()
