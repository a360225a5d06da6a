"""The check of a recording: decodes it with today's adapters and compares what would be delivered."""

import difflib
from dataclasses import dataclass, replace

from addons.accounts.way_in import way_in
from addons.dialects.base import AnswerMeta, Dialect, ParsedRequest
from addons.dialects.registry import parsed_as
from addons.errors import GatewayError
from addons.exchange.answer_reader import AnswerReader
from addons.exchange.answer_source import AnswerSource
from addons.features.chain import applied
from addons.features.feature import Served
from addons.inspect.chat_view import answer_lines, error_of
from addons.recordings.recording import RecordedAnswer, Recording, RecordingProblem
from addons.stream.port import State
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Usage
from providers.contract.provider import AnyProvider, Model
from providers.contract.requests import ChatRequest
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.registry import provider_class


def differences(recording: Recording) -> list[str]:
    """Lines of a diff between what was delivered then and what would be now; none when they are the same.

    Raises RecordingProblem for a recording that cannot be decoded again.
    """
    if recording.part != "attempt":
        return []  # nothing of a preparing call was delivered
    if recording.answer is None:
        raise RecordingProblem("the provider did not answer in this recording: there is nothing to read again")
    if recording.answer.cut:
        why = "inspect.body_kb, or its stream was lost and the rest read back"
        raise RecordingProblem(f"only the beginning of the answer was kept ({why}): it cannot be read again")
    if recording.outcome == "client_left":
        raise RecordingProblem("the client left in the middle: what it got is no measure")
    if (several := _several(recording)) > 1:
        raise RecordingProblem(
            f"it was one of {several} answers to a request: what was delivered is more than this one"
        )
    then, now = (
        delivered_lines(recording),
        _visible_lines(delivered_today(recording, recording.answer), recording.dialect),
    )
    return list(difflib.unified_diff(then, now, "delivered then", "delivered now", lineterm=""))


def _several(recording: Recording) -> int:
    """How many answers the client wanted, of a site that gives one at a time."""
    request = _parsed(recording)[1].request
    return request.n if isinstance(request, ChatRequest) and not _provider(recording.provider).gives_several else 1


def delivered_lines(recording: Recording) -> list[str]:
    """The answer as it was delivered then, in the lines that a reader sees."""
    return _visible_lines(recording.delivered, recording.dialect)


def delivered_today(recording: Recording, answer: RecordedAnswer) -> str:
    """The bytes the client would be sent today, as text, by the adapter as it comes. Raises RecordingProblem."""
    provider = _provider(recording.provider)
    return decode_again(recording, answer, provider).delivered


_THEN = Moment(0, lambda: "recorded")
"""Nothing in the reading of an answer depends on when it came."""


@dataclass(frozen=True, slots=True)
class DecodedAnswer:
    """An answer as its client gets it. Times in milliseconds since it was asked for."""

    delivered: str
    error: ProviderError | None
    usage: Usage | None
    first_token_ms: int | None


def decode_again(recording: Recording, answer: RecordedAnswer, provider: AnyProvider) -> DecodedAnswer:
    """The answer to the recording's request as `provider` reads it today. Raises RecordingProblem.

    Takes as long as the answer needed to be read: a long one is no work for the event loop."""
    now_ms = 0
    dialect, parsed = _parsed(recording)
    serving = provider.serving(replace(parsed.request, model=recording.model))
    if serving is None:
        raise RecordingProblem(f"the adapter {provider.type_name!r} serves no {parsed.request.kind} any more")
    encoder = dialect.encoder(parsed, AnswerMeta("recorded", 0, recording.model))
    # The model as it was then is not known: it is taken to be able to do what the request asks of it.
    model = Model(recording.model, recording.model, tools="emulated", vision=True, draws_as=recording.model)
    # What was delivered well may have been the second answer, which is not asked for again.
    again = recording.outcome == "ok"
    served = Served(model, serving.operation.native, _THEN, provider, request_id=recording.request_id, again=again)
    done = applied(serving.request, served)
    turn = serving.operation.turn(done.request, Session(provider.name, "recorded"))
    source = AnswerSource(provider, done.request, turn, done.filters, done.check)
    reader = AnswerReader(source, encoder, clock=lambda: float(now_ms))
    reader.head(answer.status, {name.lower(): value for name, value in answer.headers})
    body: list[bytes] = []
    for piece in answer.pieces:
        now_ms = piece.ms
        body.append(reader.feed(piece.data))
        while reader.behind:
            body.append(reader.read_on())
    body.append(reader.close())
    if reader.state is State.FAILED and any(body):
        body.append(encoder.error(_broken_off(reader, provider)))
    first = reader.first_token_at
    return DecodedAnswer(
        delivered=b"".join(body).decode("utf-8", "replace"),
        error=reader.error,
        usage=reader.usage,
        first_token_ms=None if first is None else round(first),
    )


def _broken_off(reader: AnswerReader, provider: AnyProvider) -> GatewayError:
    error = reader.error or ProviderError(ErrorKind.INCOMPLETE, "the answer broke off")
    return GatewayError.from_provider(error, provider.name, "recorded", way_in(provider, "recorded"))


def _visible_lines(delivered: str, dialect: str) -> list[str]:
    """The parts of an answer a reader sees: texts, calls, sources, the end; not ids and times, nor how it was cut."""
    lines = [line for block in answer_lines(delivered, dialect) for line in block.split("\n")]
    error = error_of(delivered, dialect)
    return [*lines, f"error: {error.partition(':')[0]}"] if error else lines


def _provider(type_name: str) -> AnyProvider:
    try:
        cls = provider_class(type_name)
    except KeyError:
        raise RecordingProblem(f"this Glassgate has no adapter {type_name!r}") from None
    needed = {} if cls.web_session else {"base_url": "https://recorded.invalid"}
    return cls(type_name, cls.Options.model_validate(needed))


def _parsed(recording: Recording) -> tuple[Dialect, ParsedRequest]:
    try:
        return parsed_as(recording.dialect, recording.client_request.encode("utf-8", "surrogatepass"))
    except GatewayError as error:
        problem = f"the client's request in the recording cannot be read: {error.message}"
        raise RecordingProblem(problem) from None
