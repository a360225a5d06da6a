"""Every reader of what clients say, and every writer of what they get, takes linear time: a row for each."""

import gzip
import json
import random
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.body import all_at_once, read_object
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole
from addons.dialects.form import read_form
from addons.dialects.form_beginning import FormBeginning
from addons.dialects.messages.answer import without_sources
from addons.dialects.messages.request import read_request
from addons.dialects.messages.stream import MessagesStream
from addons.dialects.messages.whole import MessagesWhole
from addons.dialects.registry import for_path
from addons.dialects.responses.input_text import InputText
from addons.dialects.responses.kept import going_on
from addons.dialects.responses.request import parse_response, read_response
from addons.dialects.responses.stream import ResponseStream, ResponseWhole
from addons.dialects.responses.tools import read_tools
from addons.dialects.responses.transcript import ResponsesTranscript
from addons.errors import GatewayError
from addons.exchange.conversation import Conversation
from addons.exchange.lost_answer import CameSoFar
from addons.features.media.feature import decoded
from addons.features.media.parts import file_parts
from addons.features.stop_limits import OutputLimits
from addons.features.structured.finder import JsonFinder, values_in
from addons.features.structured.held import HeldJson
from addons.features.structured.wanted import WantedJson
from addons.features.token_estimate import TokenCounter
from addons.features.tools.held import FirstCall
from addons.features.tools.history import Folding, folded
from addons.features.tools.toolbox import Tool, Toolbox
from addons.ingress.gate import GateRules, admit
from addons.ingress.request_head import RequestHead
from addons.kept.sealing import DamagedItem, Sealing
from addons.kept.shelf import Item, ItemKey
from addons.routing.strategy import OrderState, conversation_of
from addons.stream.request_head import fields_in
from addons.transport.codings import decode_body
from providers.contract.chat import ImagePart, Message, ToolCall
from providers.contract.events import Citation, Event, Finish, Reasoning, Text, ToolCallDelta
from providers.contract.requests import ChatRequest
from tests.features.tools.reading import CLOSE as CALL_CLOSE
from tests.features.tools.reading import OPEN as CALL_OPEN
from tests.features.tools.reading import reader as calls_reader
from tests.support.choices import Chosen, order
from tests.support.growing import (
    Reader,
    chars,
    fed,
    whole,
    whole_bytes,
)
from tests.support.growth import MOST_RATIO, growth

META = AnswerMeta("chatcmpl-1", 1, "m")


def stops(unit: str, *stop: str) -> Reader:
    return fed(lambda: lambda text: OutputLimits(stop, None).filter([Text(text)]), whole(unit))


def a_call(number: int) -> ToolCall:
    return ToolCall(f"c{number}", "f", '{"a": 1}')


def conversation(message: Callable[[int], Message]) -> Reader:
    how = Folding("k3w9x1ab", str, str, before=(Message("assistant", None, tool_calls=(a_call(0),)),))

    def reader(size: int) -> Callable[[], object]:
        messages = [message(number) for number in range(size // 8)]
        return lambda: folded(messages, how)

    return reader


def first_call() -> Callable[[str], object]:
    held = FirstCall(Toolbox([Tool("f", None, "", {})]))
    return lambda text: (held.filter([ToolCallDelta(0, None, "f", text)]), held.passes(()))


def digest(messages: list[Message]) -> object:
    return Conversation(ChatRequest("m", tuple(messages)), None).answered(Message("assistant", "a"))


def rest_of(events: list[Event]) -> object:
    came = CameSoFar()
    came.add(events)
    return came.rest([*events, *events, Finish("stop")])


def encoded(event: Callable[[int], Event]) -> Reader:
    def reader(size: int) -> Callable[[], object]:
        events = [event(number) for number in range(size // 16)]

        def work() -> None:
            stream, collected = ChatStream(META, include_usage=True), ChatWhole(META)
            for one in events:
                stream.encode([one])
                collected.encode([one])
            collected.encode([Finish("stop")])

        return work

    return reader


def as_message(event: Callable[[int], Event]) -> Reader:
    """Events to a stream and a message of Anthropic's form."""

    def reader(size: int) -> Callable[[], object]:
        events = [event(number) for number in range(size // 16)]

        def work() -> None:
            stream, collected = MessagesStream(META, thinks=True), MessagesWhole(META, thinks=True)
            for one in [*events, Finish("stop")]:
                stream.encode([one])
                collected.encode([one])

        return work

    return reader


def as_response(event: Callable[[int], Event]) -> Reader:
    """Events to a stream and a whole answer of the Responses form, and both as people read them."""
    asked = parse_response(b'{"model": "m", "input": "a", "tools": [{"type": "custom", "name": "c"}]}')

    def reader(size: int) -> Callable[[], object]:
        events = [event(number) for number in range(size // 32)]

        def work() -> None:
            stream, collected = ResponseStream(META, asked), ResponseWhole(META, asked)
            told = b"".join(stream.encode([one]) for one in events)
            list(ResponsesTranscript().answered(told.decode()))
            told += stream.encode([Finish("stop")])
            for one in [*events, Finish("stop")]:
                collected.encode([one])
            list(ResponsesTranscript().answered(told.decode()))

        return work

    return reader


def items(*each: object, **fields: object) -> Reader:
    """A body of the Responses form that says these over and over."""

    def reader(size: int) -> Callable[[], object]:
        body = json.dumps({"model": "m", "input": list(each) * (size // 64), **fields}).encode()
        return lambda: all_at_once(read_response(body))

    return reader


def gone_on(item: object) -> Reader:
    """A request that names the items of a kept answer."""

    def reader(size: int) -> Callable[[], object]:
        said = [{**cast(dict[str, object], item), "id": f"msg_{number:034x}"} for number in range(size // 64)]
        named = [{"type": "item_reference", "id": one["id"]} for one in said]
        kept = json.dumps({"input": said, "response": {}}).encode()
        asked = parse_response(json.dumps({"model": "m", "input": named}).encode())
        return lambda: all_at_once(going_on(asked, kept))

    return reader


def tools_offered(size: int) -> Callable[[], object]:
    """Tools of one name in namespaces of another."""
    tools = [
        {"type": kind, "name": "_" * (number % 60) + "a"}
        for number in range(size // 64)
        for kind in ("function", "custom")
    ]
    return lambda: read_tools(("_" * (at % 60), tool) for at, tool in enumerate(tools))


def turns(*each: object) -> Reader:
    """A body of Anthropic's form that says these over and over."""

    def reader(size: int) -> Callable[[], object]:
        body = json.dumps({"model": "m", "messages": list(each) * (size // 64)}).encode()
        return lambda: all_at_once(read_request(body))

    return reader


def said_by(role: str, *blocks: object) -> object:
    return {"role": role, "content": [*blocks]}


USED = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


BROUGHT = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "a"}]}


IN_A_PART = b'--b\r\nContent-Disposition: a; name="a"\r\n\r\n'


def form(data: bytes) -> object:
    with suppress(GatewayError):
        return all_at_once(read_form(data, "multipart/form-data; boundary=b"))
    return None


def settled(size: int) -> Callable[[], object]:
    def work() -> None:
        state = OrderState(random.Random(1))
        for number in range(size // 8):
            chat = ChatRequest("m", (Message("user", "x"),), affinity=f"{number}")
            order(state, [Chosen(("p", "a"))], "round_robin", f"m{number}", conversation_of(chat))
            state.settled(conversation_of(chat), ("p", "a"))

    return work


def kept_item(unit: str, of_id: str) -> Reader:
    """A sealed file whose value, or whose id, is long."""

    def reader(size: int) -> Callable[[], object]:
        sealing, key = Sealing(b"k" * 32, lambda count: b"n" * count), ItemKey(b"owner", "response", of_id * size)
        name = sealing.name(key)
        data = sealing.seal(name, key, Item((unit * (5 * size)).encode(), 1))

        def work() -> None:
            with suppress(DamagedItem):
                sealing.open(name, data)

        return work

    return reader


def knocked(target: str = "/v1/models", origin: str = "https://app.example", **fields: str) -> object:
    """What the gate makes of a preflight, or of a request, with such words in its head."""
    headers = {"origin": origin, **{name.replace("_", "-"): value for name, value in fields.items()}}
    method = "GET" if "content-encoding" in headers else "OPTIONS"
    if method == "OPTIONS":
        headers["access-control-request-method"] = "POST"
    rules = GateRules(None, allowed_origins=frozenset({"https://app.example"}))
    with suppress(GatewayError):
        return admit(RequestHead(method, target, headers, False, "127.0.0.1:1", ("127.0.0.1", 1)), rules)
    return None


def plain(body: bytes) -> object:
    coding = "gzip" if body.startswith(b"\x1f\x8b") else "deflate"
    with suppress(GatewayError):
        return all_at_once(decode_body(body, (coding,), 2**30, "too large", lambda count: None))
    return None


def json_found() -> Callable[[str], object]:
    finder = JsonFinder()
    return lambda piece: list(finder.feed(piece))


def json_at_last(unit: str, lead: str = "") -> Reader:
    def reader(size: int) -> Callable[[], object]:
        text = lead + unit * (size // len(unit))
        return lambda: list(values_in(text, cut=True))

    return reader


def json_held(unit: str) -> Reader:
    """An answer that has to be JSON, in small pieces, to its end."""

    def reader(size: int) -> Callable[[], object]:
        events = [*(Text(unit) for _ in range(size // len(unit))), Finish("stop")]

        def work() -> None:
            held = HeldJson(WantedJson({"type": "object", "required": ["b"]}))
            for event in events:
                held.filter([event])

        return work

    return reader


JSON_UNITS = ["{", '{"', "[", '{"a":', '{"a":1}', "}", "{ ", "<", "<think>", "```\n{}\n```", '"', "{a:1,", "\\"]


def file_part(base64: str) -> object:
    """What is told of a picture that a client sends, and its bytes."""
    part = ImagePart(f"data:image/png;base64,{base64}")
    with suppress(GatewayError):
        (found,) = file_parts([Message("user", (part,))])
        found.kind()
        return list(decoded(found))
    return None


def calls(lead: str = "") -> Callable[[], Callable[[str], object]]:
    """A reader of tool calls that has read this."""

    def make() -> Callable[[str], object]:
        reading = calls_reader()
        reading.filter([Text("a"), *([Text(lead)] if lead else ())])
        return lambda text: reading.filter([Text(text)])

    return make


def calls_to_the_end(unit: str, lead: str = "") -> Reader:
    def reader(size: int) -> Callable[[], object]:
        text = lead + unit * (size // len(unit))
        return lambda: calls_reader().filter([Text(text), Finish("stop")])

    return reader


CALL_UNITS = (
    "<", "{", "[{", "`", "```\n", "<call-", CALL_OPEN, CALL_CLOSE, CALL_OPEN + "{", "<tool_call>", "<arg_key>",
    "<read a='", '{"name":"read","arguments":{',
    '{"name":"read","arguments":{"path":"a"}} ', '{"name":"red","arguments":{}}',
    '{"id":"', "\nread({", "调用函数: read {", "{'a':", "</think>", "<|a|>", "\n", "read<arg_key>",
    '"', "\\", '",', "<parameter=a>",
)  # fmt: skip


CALL_LEADS = {
    "a string that goes out": CALL_OPEN + '{"name":"write","arguments":{"content":"',
    "a value that is held": CALL_OPEN + '{"name":"todo","arguments":{"items":',
    "a value of GLM's": "<tool_call>read<arg_key>path</arg_key><arg_value>",
    "an attribute": "<read path='",
    "a fence": "```\n",
    "JSON": '{"name":"read","arguments":{"path":"',
}


FIELD = b'--b-1\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


def form_beginning() -> FormBeginning:
    return FormBeginning("multipart/form-data; boundary=b-1")


class FormRest(FormBeginning):
    """Behind the head of a file."""

    def rest_of(self, data: bytes) -> None:
        self.rest(data, ("model",))


def form_rest() -> FormRest:
    found = FormRest("multipart/form-data; boundary=b-1")
    found.feed(b'--b-1\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n')
    return found


READERS: dict[str, Reader] = {
    "responses: text and thinking": as_response(lambda n: Text("a") if n % 2 else Reasoning("b")),
    "responses: text": as_response(lambda n: Text("a")),
    "responses: calls": as_response(lambda n: ToolCallDelta(n, None, "f", '{"a":1}')),
    "responses: one custom call": as_response(lambda n: ToolCallDelta(0, None, "c", "a" if n else '{"input":"')),
    "responses: mixed calls": as_response(lambda n: ToolCallDelta(n % 2, None, "c", '{"a":')),
    "responses: sources": as_response(lambda n: Citation("https://a", "b") if n % 2 else Text("a")),
    "responses: items": items(
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a"}]},
    ),
    "responses: one turn": items({"role": "assistant", "content": "a"}, {"type": "local_shell_call", "call_id": "c"}),
    "responses: tools": tools_offered,
    "responses: items named by id alone": items({"type": "reasoning", "id": "rs_1"}, {"id": "msg_1"}),
    "responses: files and secrets": items(
        {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]},
        {"type": "additional_tools", "tools": [{"type": "mcp", "authorization": "a" * 9, "headers": {"a": "b" * 9}}]},
    ),
    "messages: files": turns(
        said_by("user", {"type": "tool_result", "content": [{"type": "image", "source": {"file_id": "f"}}] * 4})
    ),
    "responses: named items": gone_on({"role": "user", "content": "a"}),
    "responses: input of a custom tool": fed(lambda: InputText().feed, chars("a\\n", '{"input": "')),
    "responses: beginning of an input": fed(lambda: InputText().feed, chars(" ")),
    "messages: turns": turns(said_by("user", BROUGHT), said_by("assistant", USED), said_by("system")),
    "messages: one turn": turns(said_by("user", BROUGHT, {"type": "new"})),
    "messages: held": turns({"role": "system", "content": "a"}, said_by("assistant", USED)),
    "messages: sources": fed(lambda: without_sources, whole("\n\nSources:\n- [")),
    "messages: text and thinking": as_message(lambda n: Text("a") if n % 2 else Reasoning("b")),
    "messages: blanks": as_message(lambda n: Text(" ")),
    "messages: calls": as_message(lambda n: ToolCallDelta(n, None, "f", '{"a":1}')),
    "messages: mixed calls": as_message(lambda n: ToolCallDelta(n % 2, None, "f", '{"a":')),
    "messages: a call and words": as_message(lambda n: ToolCallDelta(0, None, "f", "{") if n % 2 else Text("a")),
    "kept item: value": kept_item("x\n", ""),
    "kept item: id": kept_item("", "\ud800"),
    "media: base64": fed(lambda: file_part, lambda size: ["QUJD" * (10 * size)]),
    "media: line ends": fed(lambda: file_part, lambda size: ["QUJD\n" * (10 * size)]),
    **{f"JSON on the way, {unit!r}": fed(json_found, chars(unit)) for unit in JSON_UNITS},
    **{f"JSON in one piece, {unit!r}": fed(json_found, whole(unit)) for unit in JSON_UNITS},
    **{f"JSON held, {unit!r}": json_held(unit) for unit in JSON_UNITS},
    **{f"calls by piece, {unit!r}": fed(calls(), chars(unit)) for unit in CALL_UNITS},
    **{f"calls in one piece, {unit!r}": calls_to_the_end(unit) for unit in CALL_UNITS},
    **{f"calls by piece, in {name}": fed(calls(lead), chars("</a")) for name, lead in CALL_LEADS.items()},
    **{f"calls in one piece, in {name}": calls_to_the_end("</a", lead) for name, lead in CALL_LEADS.items()},
    **{f"JSON at the end, {unit!r}": json_at_last(unit) for unit in JSON_UNITS},
    **{f"JSON at the end, begun, {unit!r}": json_at_last(unit, '{"a": "') for unit in JSON_UNITS},
    "calls of a conversation": conversation(lambda number: Message("assistant", "{", tool_calls=(a_call(number),))),
    "results of a conversation": conversation(lambda number: Message("tool", "<", tool_call_id=f"c{number}")),
    "the first call of an answer": fed(first_call, chars("{")),
    "digest: messages": fed(lambda: digest, lambda size: [[Message("assistant", "a", tool_calls=(a_call(0),))] * size]),
    "digest: an answer": fed(lambda: digest, lambda size: [[Message("assistant", " " * size)]]),
    "rest of an answer": fed(lambda: rest_of, lambda size: [[Text("a")] * size]),
    "tokens: pieces": fed(lambda: TokenCounter().add, chars("a")),
    "tokens: text": fed(lambda: TokenCounter().add, whole("a,é中")),
    "tokens: room": fed(lambda: lambda text: TokenCounter().room(text, len(text) // 4), whole("a,é中")),
    "stop strings": stops("a", "a" * 255 + "b", "ab" * 128),
    "stop strings, nearly": stops("ab", "ab" * 127 + "c"),
    "tool calls": encoded(lambda number: ToolCallDelta(number, "a", "b", "{}")),
    "tool arguments": encoded(lambda number: ToolCallDelta(0, "a", "b", "{}")),
    "text pieces": encoded(lambda number: Text("\ud83d")),
    "body: text": fed(lambda: lambda b: all_at_once(read_object(b)), lambda size: [b'{"a":"' + b"\\n" * size + b'"}']),
    "body: blanks": fed(lambda: lambda b: all_at_once(read_object(b)), lambda size: [b" " * size + b"{}"]),
    "form: boundaries": fed(lambda: form, whole_bytes("\r\n--b  ")),
    "form: parts": fed(lambda: form, whole_bytes('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n')),
    "form: nearly a boundary": fed(lambda: form, lambda size: [IN_A_PART + b"--b" * (size // 3)]),
    "form: line ends": fed(lambda: form, lambda size: [IN_A_PART + b"\r" * size]),
    "form: a head": fed(lambda: form, lambda size: [b"--b\r\n" + b"a:\r\n b\r\n" * (size // 9)]),
    "form: words of a head": fed(lambda: form, lambda size: [IN_A_PART[:-4] + b'; a="\\' * (size // 6)]),
    "conversations": settled,
    "door: slashes": fed(lambda: lambda path: knocked(target=path, content_encoding="gzip"), whole("/models//")),
    "door: whose path": fed(lambda: for_path, whole("/models//")),
    "door: lines of a refused head": fed(lambda: lambda head: fields_in(head.splitlines()), whole_bytes("a:\n")),
    "door: codings": fed(lambda: lambda named: knocked(content_encoding=named), whole(" gzip ,")),
    "door: headers asked for": fed(lambda: lambda named: knocked(access_control_request_headers=named), whole("a,")),
    "door: a long name": fed(lambda: lambda named: knocked(access_control_request_headers=named), whole("a")),
    "door: origins": fed(lambda: lambda origin: knocked(origin=origin), whole("http://a.")),
    "codings: stored blocks": fed(lambda: plain, lambda size: [b"\x78\x01" + b"\x00\x00\x00\xff\xff" * size]),
    "codings: members": fed(lambda: plain, lambda size: [gzip.compress(b"a" * 64) * (size // 16)]),
    "form: bytes of a field": fed(lambda: form_beginning().feed, lambda size: [FIELD, *([b"\r"] * size)]),
    "form: bytes of a head": fed(lambda: form_beginning().feed, lambda size: [b"--b-1\r\n", *([b"a"] * size)]),
    "form: bytes before the form": fed(lambda: form_beginning().feed, lambda size: [b"-"] * size),
    "form: bytes of the rest": fed(lambda: form_rest().rest_of, lambda size: [b"\r"] * size),
    "form: boundaries in the rest": fed(lambda: form_rest().rest_of, lambda size: [b"\r\n--b-" * (size // 6)]),
    "form: nearly boundaries in the rest": fed(
        lambda: form_rest().rest_of, lambda size: [b"\r\n--b-1 -" * (size // 9)]
    ),
    "form: blanks behind a boundary in the rest": fed(
        lambda: form_rest().rest_of, lambda size: [b"\r\n--b-1" + b" " * 100] * (size // 109)
    ),
    "form: nearly boundaries behind its end": fed(
        lambda: form_rest().rest_of, lambda size: [b"\r\n--b-1--\r\n", *([b"-"] * size)]
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_linear_time(name: str) -> None:
    assert growth(READERS[name], 20_000) < MOST_RATIO
