"""The encoders' bytes through the real OpenAI SDK, its own parser and its strict validation."""

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import openai
import pytest

from addons.dialects.base import AnswerMeta, Dialect
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.completions.dialect import Completions
from addons.dialects.openai.error import error_response
from addons.errors import GatewayError
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Citation, Event, Finish, Reasoning, Text, ToolCallDelta, Usage

META = AnswerMeta("chatcmpl-1", 1700000000, "m")
SAY: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CUTS = [1, 7, 1_000_000]

PLAIN: list[Event] = [
    Reasoning("let me "),
    Reasoning("see"),
    Text('He"l'),
    Text("lo \ud83d"),
    Text("\ude00"),
    Citation("https://a", "A", "[1]", 0, 2),
    Usage(5, 7, 12, reasoning_tokens=2),
    Finish("stop"),
]
TOOLS: list[Event] = [
    ToolCallDelta(4, "call_a", "weather", ""),
    ToolCallDelta(4, None, None, '{"city":'),
    ToolCallDelta(4, None, None, '"Paris"}'),
    ToolCallDelta(9, "call_b", "time", "{}"),
    Finish("tool_calls"),
]


class Gateway:
    """Answers with the events given, in the way the request asks for: parse, encode, cut into network chunks."""

    def __init__(self, events: Sequence[Event | GatewayError], cut: int = 1_000_000) -> None:
        self.events = events
        self.cut = cut
        self.requests = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        dialect: Dialect = ChatCompletions() if request.url.path.endswith("/chat/completions") else Completions()
        first = self.events[0]
        if isinstance(first, GatewayError):
            told = error_response(first)
            return httpx.Response(told.status_code, headers=dict(told.headers), content=told.content)
        parsed = dialect.parse(request.read())
        if parsed.request.stream:
            headers = {"content-type": "text/event-stream; charset=utf-8"}
            return httpx.Response(200, headers=headers, content=self._frames(dialect, parsed))
        collector = dialect.encoder(parsed, META)
        body = collector.encode([event for event in self.events if not isinstance(event, GatewayError)])
        return httpx.Response(200, headers={"content-type": "application/json"}, content=body)

    def _frames(self, dialect: Dialect, parsed: Any) -> Iterator[bytes]:
        stream = dialect.encoder(parsed, META)
        pieces = [
            stream.error(event) if isinstance(event, GatewayError) else stream.encode([event]) for event in self.events
        ]
        raw = stream.keepalive.join(pieces)
        for at in range(0, len(raw), self.cut):
            yield raw[at : at + self.cut]


def client(gateway: Gateway, retries: int = 0) -> openai.OpenAI:
    http = httpx.Client(transport=httpx.MockTransport(gateway))
    return openai.OpenAI(
        base_url="http://gateway/v1",
        api_key="key",
        http_client=http,  # type: ignore[arg-type]
        max_retries=retries,
        _strict_response_validation=True,
    )


def deltas(chunks: Sequence[Any], name: str) -> str:
    return "".join(getattr(c.delta, name, None) or "" for chunk in chunks for c in chunk.choices)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("usage", [False, True], ids=["no usage", "usage"])
def test_create_streams(cut: int, usage: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if usage else {}
    with client(Gateway(PLAIN, cut)) as api:
        chunks = list(api.chat.completions.create(**SAY, stream=True, **options))
    assert deltas(chunks, "content") == 'He"llo 😀'
    assert deltas(chunks, "reasoning_content") == "let me see"
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == ([12] if usage else [])
    assert (chunks[-1].choices == []) is usage


@pytest.mark.parametrize("cut", CUTS)
def test_the_stream_helper_gathers_text_usage_and_sources(cut: int) -> None:
    options: Any = {"include_usage": True}
    with (
        client(Gateway(PLAIN, cut)) as api,
        api.chat.completions.stream(**SAY, stream_options=options) as stream,
    ):
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert message.content == 'He"llo 😀'
    assert message.model_extra is not None
    assert message.model_extra["reasoning_content"] == "let me see"
    assert final.usage is not None
    assert final.usage.total_tokens == 12
    assert kinds.count("content.done") == 1


def test_the_stream_helper_gathers_tool_calls() -> None:
    with client(Gateway(TOOLS)) as api, api.chat.completions.stream(**SAY) as stream:
        stream.until_done()
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls is not None
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_a", "weather", '{"city":"Paris"}'),
        ("call_b", "time", "{}"),
    ]


def test_whole_answers_pass_strict_validation() -> None:
    with client(Gateway(PLAIN)) as api:
        answer = api.chat.completions.create(**SAY)
    message = answer.choices[0].message
    assert message.content == 'He"llo 😀'
    assert message.annotations is not None
    assert message.annotations[0].url_citation.title == "A"
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 2


def test_legacy_answers_pass_strict_validation() -> None:
    with client(Gateway(PLAIN)) as api:
        answer = api.completions.create(model="m", prompt="hi")
    assert answer.choices[0].text == 'He"llo 😀'
    assert answer.usage is not None
    assert answer.usage.total_tokens == 12


@pytest.mark.parametrize("path", ["chat", "legacy"])
def test_an_error_after_some_text_is_raised(path: str) -> None:
    broken = GatewayError.from_provider(ProviderError(ErrorKind.INCOMPLETE, "broke off."), "zai", "main")
    with client(Gateway([Text("so far"), broken])) as api:
        stream: Any
        if path == "chat":
            stream = api.chat.completions.create(**SAY, stream=True)
            assert next(stream).choices[0].delta.role == "assistant"
            assert next(stream).choices[0].delta.content == "so far"
        else:
            # OpenAI's own legacy stream has finish_reason null in its pieces, which the SDK's strict mode refuses.
            loose = api.with_options()
            loose._strict_response_validation = False
            stream = loose.completions.create(model="m", prompt="hi", stream=True)
            assert next(stream).choices[0].text == "so far"
        with pytest.raises(openai.APIError) as caught:
            next(stream)
    assert (caught.value.code, caught.value.type) == ("upstream_eof", "server_error")
    assert caught.value.message.startswith("[zai/main] broke off.")


@pytest.mark.parametrize(
    ("kind", "expected", "repeated"),
    [
        (ErrorKind.SESSION_EXPIRED, openai.InternalServerError, False),
        (ErrorKind.CHALLENGE, openai.InternalServerError, False),
        (ErrorKind.RATE_LIMITED, openai.RateLimitError, True),
        (ErrorKind.QUOTA, openai.RateLimitError, False),
        (ErrorKind.OUTDATED_CLIENT, openai.InternalServerError, False),
        (ErrorKind.MODEL_UNAVAILABLE, openai.NotFoundError, False),
        (ErrorKind.BAD_REQUEST, openai.BadRequestError, False),
        (ErrorKind.TOO_LONG, openai.BadRequestError, False),
        (ErrorKind.CONTENT_FILTERED, openai.PermissionDeniedError, False),
        (ErrorKind.CONVERSATION_BUSY, openai.InternalServerError, True),
        (ErrorKind.CONVERSATION_GONE, openai.InternalServerError, True),
        (ErrorKind.PROVIDER_DOWN, openai.InternalServerError, True),
        (ErrorKind.INCOMPLETE, openai.InternalServerError, True),
    ],
)
def test_the_sdk_raises_what_is_meant_and_repeats_only_what_can_help(
    kind: ErrorKind, expected: type[openai.APIStatusError], repeated: bool
) -> None:
    error = ProviderError(kind, "no.", retry_after_s=0.001)
    gateway = Gateway([GatewayError.from_provider(error, "zai", "main")])
    with client(gateway, retries=1) as api, pytest.raises(expected) as caught:
        api.chat.completions.create(**SAY)
    assert type(caught.value) is expected
    assert gateway.requests == (2 if repeated else 1)
    assert caught.value.code
