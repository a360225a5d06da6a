"""A body of POST /v1/responses to a ParsedRequest: the request as it is, and the chat that asks the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from addons.dialects.base import ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once, bad_request, model_noted, read_object, validated
from addons.dialects.chat_completions.schema import EFFORTS
from addons.dialects.client_session import session_in
from addons.dialects.responses.failures import wants_failed_stream
from addons.dialects.responses.items import Conversation
from addons.dialects.responses.named import answer_of, makes_things, named_elsewhere, referred
from addons.dialects.responses.schema import OpenResponse, ResponseBody, all_tools, check_entries, check_served
from addons.dialects.responses.tools import Choice, Tools, chosen, read_tools
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.errors import GatewayError
from providers.contract.chat import Message
from providers.contract.native import ResponsesRequest
from providers.contract.requests import ChatRequest
from providers.formats.jsontext import mapping, text, whole

FORM_HEADERS: Final = ("openai-beta",)
"""Headers of the form, for an API that has it."""
_STEP: Final = 1000
"""Items that are read at once: some 20 ms."""
_NAME_LIMIT: Final = 512
_STRONGEST: Final[Mapping[str, str]] = {"ultra": "max"}


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What the encoders have to know of a request."""

    tools: Tools = field(default_factory=Tools)
    previous: str | None = None
    """The id of the answer that it goes on from, as the client named it."""
    stops_at_failure: bool = False
    """The client asks again for what ends as incomplete, and stops at what has failed."""


def read_response(body: bytes, most_values: int = VALUES_LIMIT, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
    """The request. Raises GatewayError (400) naming the field at fault."""
    raw = yield from read_object(body, most_values)
    with model_noted(raw):
        return (yield from to_parsed(raw, body, _around(raw, head)))


def parse_response(body: bytes, head: RoutedHead = NO_HEAD) -> ParsedRequest:
    """The request, read in one go. Raises GatewayError."""
    return all_at_once(read_response(body, head=head))


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of a request beside its body."""

    affinity: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    previous: str | None = None
    """The id of the answer that it went on from, of which the body says no more."""
    stops_at_failure: bool = False


def _around(raw: Mapping[str, Any], head: RoutedHead) -> Around:
    named = (session_in(head), raw.get("prompt_cache_key"), raw.get("user"))
    affinity = next((value for value in named if isinstance(value, str) and value), None)
    affinity = affinity[:_NAME_LIMIT] if affinity else None
    return Around(affinity, head.sendable(FORM_HEADERS), stops_at_failure=wants_failed_stream(head))


def to_parsed(raw: dict[str, Any], body: bytes, around: Around) -> Reading[ParsedRequest]:
    """The request that a JSON object makes; `body` is the same, written. What only a web session cannot do without is
    left to its `refusal`.

    Raises GatewayError (400) where the gateway itself cannot make sense of it, or where it would cost too much.
    """
    check_entries(raw)
    yield
    form = validated(OpenResponse, raw)
    check_served(raw)
    if form.input is None and not form.previous_response_id:
        raise bad_request("input: a request needs something to answer", "input")
    yield
    tools = read_tools(all_tools(raw))
    yield
    messages = yield from _messages(raw, tools)
    named = form.previous_response_id or None
    references = referred(raw)
    follows = named or next((answer for one in reversed(references) if (answer := answer_of(one))), None)
    refusal = _refusal(raw)
    if references and follows is None:
        refusal = bad_request("an item_reference names an item that was never given out here", "input")
    if refusal is None and not messages and follows is None:
        refusal = bad_request("input: a request needs something to answer", "input")
    chat = replace(_chat(raw, messages, tools), affinity=around.affinity)
    request = ResponsesRequest(
        form.model, chat, body, raw, around.headers, stream=chat.stream, affinity=around.affinity
    )
    options = AnswerOptions(tools, around.previous or named, around.stops_at_failure)
    return ParsedRequest(
        request,
        options,
        refusal,
        names=named_elsewhere(raw),
        follows=follows,
        keeps=raw.get("store") is not False,
        makes=makes_things(raw),
        said=raw,
    )


def _refusal(raw: dict[str, Any]) -> GatewayError | None:
    try:
        validated(ResponseBody, raw)
    except GatewayError as error:
        return error
    return None


def _messages(raw: Mapping[str, Any], tools: Tools) -> Reading[tuple[Message, ...]]:
    """Instructions first, then the input."""
    first = text(raw.get("instructions"))
    said = [Message("system", first)] if first else []
    given = raw.get("input")
    if isinstance(given, str):
        return (*said, Message("user", given)) if given else tuple(said)
    items = given if isinstance(given, list) else []
    conversation = Conversation(tools)
    for at in range(0, len(items), _STEP):
        for number, item in enumerate(items[at : at + _STEP], at):
            conversation.add(item, number)
        yield
    return (*said, *conversation.messages())


def _chat(raw: Mapping[str, Any], messages: tuple[Message, ...], tools: Tools) -> ChatRequest:
    choice: Choice = chosen(tools, raw.get("tool_choice"))
    parallel = raw.get("parallel_tool_calls")
    effort = mapping(raw.get("reasoning")).get("effort")
    effort = _STRONGEST.get(effort, effort) if isinstance(effort, str) else None
    temperature, top_p, most = raw.get("temperature"), raw.get("top_p"), raw.get("max_output_tokens")
    return ChatRequest(
        model=raw["model"],
        messages=messages,
        stream=raw.get("stream") is True,
        temperature=temperature if _is_number(temperature) else None,
        top_p=top_p if _is_number(top_p) else None,
        max_tokens=whole(int(most) if isinstance(most, float) and most.is_integer() else most),
        reasoning_effort=effort if effort in EFFORTS else None,
        search=tools.search,
        tools=choice.functions,
        tool_choice=choice.choice if choice.functions else None,
        response_format=_response_format(mapping(mapping(raw.get("text")).get("format"))),
        extra={"parallel_tool_calls": parallel} if isinstance(parallel, bool) and choice.functions else {},
    )


def _response_format(form: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """`text.format` as a chat's `response_format`: a schema stands in an object of its own there."""
    match form.get("type"):
        case "json_object":
            return {"type": "json_object"}
        case "json_schema":
            nested = mapping(form.get("json_schema")) or {name: value for name, value in form.items() if name != "type"}
            return {
                "type": "json_schema",
                "json_schema": {name: value for name, value in nested.items() if value is not None},
            }
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def tool_words(request: ResponsesRequest) -> list[str]:
    """The texts of a request's tools, for a count of tokens."""
    functions = [mapping(one.get("function")) for one in request.chat.tools]
    return [word for one in functions for word in (text(one.get("name")), text(one.get("description")))]
