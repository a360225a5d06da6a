"""Events to a stream of /v1/responses: named events with numbers, and the whole answer in the last of them."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic_core import from_json

from addons.dialects.base import EVENT_STREAM, FILTERED, KEEPALIVE, AnswerMeta, ParsedRequest, WholeEncoder
from addons.dialects.responses.document import ResponseDocument, cut_reason, usage_json
from addons.dialects.responses.failures import told
from addons.dialects.responses.kept import kept_answer
from addons.dialects.responses.numbered import Numbered
from addons.dialects.responses.output import Output, stem_of
from addons.dialects.responses.request import AnswerOptions
from addons.dialects.responses.tools import Tools
from addons.dialects.responses.verbatim import OwnAnswer
from addons.dialects.text import json_bytes
from addons.errors import GatewayError
from providers.contract.events import Event, Failure, Finish, Issued, Usage, Verbatim, Withdrawn

_CREATED: Final = ("response.created", "response.in_progress")


class ResponseStream:
    """The Encoder of streams of /v1/responses; the whole answer is `document` once it has ended."""

    streaming = True
    content_type = EVENT_STREAM
    keepalive = KEEPALIVE

    def __init__(self, meta: AnswerMeta, parsed: ParsedRequest) -> None:
        options = parsed.options
        tools = options.tools if isinstance(options, AnswerOptions) else Tools()
        self._parsed = parsed
        self._writes = ResponseDocument(meta, parsed)
        self._output = Output(stem_of(meta.id), tools)
        self._frames = self._output.frames
        self._stops_at_failure = isinstance(options, AnswerOptions) and options.stops_at_failure
        self._usage: Usage | None = None
        self._begun = False
        self._own = OwnAnswer()
        """What the provider has said in this form itself."""
        self.document = b""

    def encode(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if isinstance(event, Verbatim):
                self._own.add(event.data)
                out.append(event.data)
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Finish):
                if not self._own.begun:
                    out.append(self._finished(event))
            elif isinstance(event, Withdrawn):
                self._output.withdraw()
            elif not isinstance(event, Failure | Issued):
                out += (self._beginning(), self._output.add(event))
        return b"".join(out)

    def error(self, error: GatewayError) -> bytes:
        """The failure, which is the last event of what was begun."""
        if self._own.begun:
            return self._failed_own(error)
        begun = self._beginning()
        document = self._writes.written("failed", self._output.whole(), error=told(error))
        return begun + self._frames.frame("response.failed", b'"response":' + document)

    def kept(self) -> bytes | None:
        return kept_answer(self._parsed, self._own.document() if self._own.begun else self.document)

    def _beginning(self) -> bytes:
        """The frames that an answer begins with, once."""
        if self._begun:
            return b""
        self._begun = True
        document = b'"response":' + self._writes.written("in_progress")
        return b"".join(self._frames.frame(kind, document) for kind in _CREATED)

    def _finished(self, finish: Finish) -> bytes:
        cut = cut_reason(finish.reason) or ("max_output_tokens" if self._output.cut else "")
        out = self._beginning() + self._output.end(completed=not cut)
        if finish.reason == "content_filter" and self._stops_at_failure:
            return out + self.error(GatewayError(403, FILTERED, code="content_filter"))
        status = "incomplete" if cut else "completed"
        self.document = self._writes.written(status, self._output.whole(), usage_json(self._usage), cut=cut)
        return out + self._frames.frame(f"response.{status}", b'"response":' + self.document)

    def _failed_own(self, error: GatewayError) -> bytes:
        """The end of a stream that the provider had begun in its own words."""
        frames = Numbered()
        frames.next = self._own.next_number()
        document: dict[str, Any] = from_json(self._writes.written("failed"))
        answer = {**document, **self._own.begun_as(), "status": "failed", "error": told(error)}
        return frames.frame("response.failed", b'"response":' + json_bytes(answer))


class ResponseWhole(WholeEncoder):
    """The Encoder of whole answers: what a stream of the same events ends with."""

    def __init__(self, meta: AnswerMeta, parsed: ParsedRequest) -> None:
        self._stream = ResponseStream(meta, parsed)
        self._own: list[bytes] = []

    def _add(self, events: Sequence[Event]) -> None:
        self._own += (event.data for event in events if isinstance(event, Verbatim))
        self._stream.encode(events)

    def _result(self) -> bytes:
        return b"".join(self._own) or self._stream.document

    def kept(self) -> bytes | None:
        return self._stream.kept()
