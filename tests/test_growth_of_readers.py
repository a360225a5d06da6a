"""Every hand-written reader takes linear time: one row of a table for each, with the texts that are hard for it."""

import gzip
import json
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest

from addons.cleaning.cleaner import NOTHING_KNOWN
from addons.config.key_sources import _limits_of
from addons.config.secret_looks import looks_secret
from addons.config.yaml_reading import YamlProblem, read_texts
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
from addons.errors import GatewayError, clean
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
from addons.importing.contents import ImportProblem
from addons.importing.cookies_txt import read_cookies
from addons.importing.curl import read_curl
from addons.importing.detect import read as read_file
from addons.importing.powershell import read_powershell
from addons.ingress.gate import GateRules, admit
from addons.ingress.request_head import RequestHead
from addons.inspect.annotation import Annotation
from addons.inspect.arriving import ArrivingBody
from addons.inspect.chat_view import chat_text
from addons.inspect.delivered_view import delivered_text
from addons.inspect.events_view import rows, table
from addons.inspect.pseudonyms import Pseudonyms
from addons.kept.sealing import DamagedItem, Sealing
from addons.kept.shelf import Item, ItemKey
from addons.keys import managed
from addons.keys.managed import KeysProblem
from addons.mitm.search import answer_texts, fold_text, request_text, searched_words
from addons.recordings.recording import RecordingProblem
from addons.recordings.session_file import read_recordings
from addons.routing.strategy import OrderState, conversation_of
from addons.stream.request_head import fields_in
from addons.transport.codings import decode_body
from addons.upstream.tls_records import TlsRecords
from addons.words.near import near
from providers.anthropic.decoder import MessagesDecoder
from providers.anthropic.names import ID_CHARS, PlainNames
from providers.anthropic.passing import PassedOn
from providers.contract.chat import ImagePart, Message, ToolCall
from providers.contract.events import Citation, Event, Finish, Reasoning, Text, ToolCallDelta
from providers.contract.operation import Decoder
from providers.contract.requests import ChatRequest
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import loads, loads_glued
from providers.formats.pages import is_check, is_page, title_of
from providers.formats.sse import SseReader
from providers.k2think.decoder import K2ThinkDecoder
from providers.k2think.marks import EndMarks
from providers.k2think.text import K2Text
from providers.longcat.decoder import LongCatDecoder
from providers.official.errors import classify
from providers.official.refusals import too_long, unwanted
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from providers.openai.frames import glued
from providers.openai.json_end import JsonEnd
from providers.openai.learnt import refused_fields
from providers.openai.options import OpenAIOptions
from providers.openai.passed_answers import EventStream, PlainBytes, Reading, WholeDocument, media_type
from providers.openai.reasons import end_of
from providers.openai.responses.decoder import ResponseDecoder
from providers.openai.responses.passed import PassedResponse
from providers.qwen.decoder import QwenDecoder
from providers.qwen.interception import InterceptedCalls
from providers.qwen.kept import KeptAnswer as KeptQwen
from providers.qwen.pictures import PictureContent
from providers.qwen.sources import cited_text
from providers.shared.citations import Sources
from providers.shared.cumulative import CumulativeText
from providers.shared.model_field import with_model
from providers.shared.quotable import quotable
from providers.shared.retry_after import header_wait, period_of, retry_after
from providers.shared.think_tags import ThinkTags
from providers.zai.buffer import BufferLimit, EditBuffer
from providers.zai.decoder import ZaiDecoder
from providers.zai.kept import KeptAnswer as KeptZai
from providers.zai.stray_tags import StrayTagFilter
from tests.features.tools.reading import CLOSE as CALL_CLOSE
from tests.features.tools.reading import OPEN as CALL_OPEN
from tests.features.tools.reading import reader as calls_reader
from tests.support.choices import Chosen, order
from tests.support.growth import MOST_RATIO, growth

FORM: Form = OpenAIOptions(base_url="https://api.example").form()
META = AnswerMeta("chatcmpl-1", 1, "m")

type Reader = Callable[[int], Callable[[], object]]
"""A size in characters → the work with a text of that size, ready to be done."""


def by_pieces(take: Callable[[list[bytes]], object]) -> Callable[[bytes], object]:
    return lambda piece: take([piece])


def fed(make: Callable[[], Callable[[Any], object]], pieces: Callable[[int], Iterable[Any]]) -> Reader:
    """Feeds the pieces of a text of the given size to a reader made anew."""

    def reader(size: int) -> Callable[[], object]:
        ready = list(pieces(size))

        def work() -> None:
            feed = make()
            for piece in ready:
                feed(piece)

        return work

    return reader


def chars(unit: str, lead: str = "") -> Callable[[int], Iterable[str]]:
    """A text in pieces of one unit each."""
    return lambda size: [lead, *[unit] * (size // len(unit))]


def whole(unit: str, lead: str = "") -> Callable[[int], Iterable[str]]:
    return lambda size: [lead + unit * (size // len(unit))]


def sse(*frames: object) -> bytes:
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)


def answer(decoder: Callable[[], Decoder], frame: Callable[[str], object]) -> Callable[[str], list[Reader]]:
    """Readers of a stream whose text is made of a unit: in many small frames, and in one."""

    def readers(unit: str) -> list[Reader]:
        def small(size: int) -> Callable[[], object]:
            data = sse(frame(unit)) * (size // 8)
            pieces = [data[at : at + 65536] for at in range(0, len(data), 65536)]

            def work() -> None:
                reading = decoder()
                for piece in pieces:
                    reading.feed(piece)
                reading.close()

            return work

        def large(size: int) -> Callable[[], object]:
            data = sse(frame(unit * (size // len(unit))))
            return lambda: decoder().feed(data)

        return [small, large]

    return readers


def openai(tags: str) -> Callable[[], Decoder]:
    return lambda: OpenAIDecoder(replace(FORM, think_tags=tags))  # type: ignore[arg-type]


UNITS = (
    " ", "\n", "<", "a", "a ", "【", "【1†x】", "[[1", "[[1]]", "<think ", "</think", "<answer>", "</answer>",
    '<details type="reasoning" done="true">\n>a</details>\n',
    '>a <details type="reasoning" done="true">\n>b</details>\n',
    "<details ", "<summary>\n", ">\n", "&", "&amp;", "<glm_block>", "<glm_block x>{}</glm_block>",
    "[ref_id=a†", "†http://a", "\ud83d",
)  # fmt: skip

ARGUMENTS = ("{}", '{"a":1}', "[]", "{} ", '\\"', "{", "x", "null")
"""Units of a tool call's arguments."""


def collected(frame: Callable[[str], object]) -> Callable[[str], list[Reader]]:
    return answer(lambda: OpenAIDecoder(replace(FORM, think_tags="explicit"), stream=False), frame)


def delta(**fields: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": fields}]}


def call(arguments: str) -> dict[str, object]:
    return delta(tool_calls=[{"index": 0, "id": "call_12345", "function": {"name": "f", "arguments": arguments}}])


def block_delta(**fields: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": 0, "delta": fields}


def text_delta(text: str) -> dict[str, object]:
    return {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text}


def passed_response() -> Decoder:
    return PassedResponse({}, lambda error: error, stream=True)


def passed_on() -> Decoder:
    return PassedOn(lambda error: error)


def lines(unit: str) -> Reader:
    """JSON lines, one of them long, in small pieces."""

    def reader(size: int) -> Callable[[], object]:
        first, long = (json.dumps(delta(content=text)).encode() for text in ("a", unit * (size // len(unit))))
        pieces = [first + b"\n", *(long[at : at + 8] for at in range(0, len(long), 8))]

        def work() -> None:
            decoder = OpenAIDecoder(FORM)
            for piece in pieces:
                decoder.feed(piece)
            decoder.close()

        return work

    return reader


DECODERS: dict[str, Callable[[str], list[Reader]]] = {
    "openai": answer(openai("none"), lambda t: {"choices": [{"index": 0, "delta": {"content": t}}]}),
    "openai any": answer(openai("any"), lambda t: {"choices": [{"index": 0, "delta": {"content": t}}]}),
    "openai implicit": answer(openai("implicit"), lambda t: {"choices": [{"index": 0, "delta": {"content": t}}]}),
    "openai tools": answer(
        openai("none"), lambda t: {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": t}}]}}]}
    ),
    "openai calls": answer(openai("none"), call),
    "openai names": answer(
        openai("none"), lambda t: delta(tool_calls=[{"index": 0, "id": t, "function": {"name": t}}])
    ),
    "openai parts": answer(openai("any"), lambda t: delta(content=[{"type": "text", "text": t}, {"type": t}])),
    "openai thoughts": answer(openai("none"), lambda t: delta(reasoning_content=[t, {"text": t}])),
    "openai snapshots": answer(openai("any"), lambda t: {"choices": [{"index": 0, "message": {"content": t}}]}),
    "openai reasons": answer(
        openai("none"), lambda t: {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": {"type": t}}]}
    ),
    "openai errors": answer(openai("none"), lambda t: {"error": {"message": [t], "code": t}}),
    "openai fields": answer(openai("none"), lambda t: {"choices": [], "usage": {"prompt_tokens": 1, t: 1}, t: t}),
    "openai gathered": collected(lambda t: delta(content=t)),
    "openai refusals gathered": collected(lambda t: delta(refusal=t)),
    "openai details gathered": collected(lambda t: delta(reasoning_details=[{"index": 0, "text": t}])),
    "anthropic": answer(MessagesDecoder, lambda t: block_delta(type="text_delta", text=t)),
    "anthropic calls": answer(MessagesDecoder, lambda t: block_delta(type="input_json_delta", partial_json=t)),
    "anthropic blocks": answer(
        MessagesDecoder,
        lambda t: {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "name": t, "id": t},
        },
    ),
    "anthropic sources": answer(MessagesDecoder, lambda t: block_delta(type="citations_delta", citation={"url": t})),
    "anthropic errors": answer(MessagesDecoder, lambda t: {"type": "error", "error": {"message": t, "type": t}}),
    "responses": answer(lambda: ResponseDecoder({}), lambda t: text_delta(t)),
    "responses items": answer(
        lambda: ResponseDecoder({}),
        lambda t: {"type": "response.output_item.done", "item": {"type": "message", "content": [{"text": t}]}},
    ),
    "responses calls": answer(
        lambda: ResponseDecoder({}),
        lambda t: {"type": "response.output_item.done", "item": {"type": "function_call", "arguments": t}},
    ),
    "responses passed on": answer(passed_response, lambda t: text_delta(t)),
    "responses held": answer(passed_response, lambda t: {"type": "response.created", "response": {"id": t}}),
    "anthropic passed on": answer(passed_on, lambda t: block_delta(type="text_delta", text=t)),
    "anthropic held back": answer(passed_on, lambda t: {"type": t}),
    "k2think": answer(K2ThinkDecoder, lambda t: {"choices": [{"delta": {"content": t}}]}),
    "k2think snapshots": answer(K2ThinkDecoder, lambda t: {"content": t}),
    "qwen": answer(QwenDecoder, lambda t: {"choices": [{"delta": {"phase": "answer", "content": t}}]}),
    "qwen whole": answer(QwenDecoder, lambda t: {"data": {"content": [t, {"text": t}]}}),
    "qwen demand": answer(QwenDecoder, lambda t: {"ret": [t, t], "data": {"url": t}}),
    "longcat": answer(LongCatDecoder, lambda t: {"event": {"type": "content", "content": t}}),
    "longcat final": answer(
        lambda: LongCatDecoder(remarks=True), lambda t: {"event": {"type": "finish", "finalContent": t + " b"}}
    ),
    "longcat search": answer(LongCatDecoder, lambda t: {"event": {"type": "search", "content": "[" + t}}),
    "zai": answer(ZaiDecoder, lambda t: {"type": "chat:completion", "data": {"phase": "answer", "delta_content": t}}),
    "zai blocks": answer(
        ZaiDecoder,
        lambda t: {"type": "chat:completion", "data": {"content_blocks": [{"type": "text", "content": [t, t]}]}},
    ),
    "zai tool": answer(
        ZaiDecoder, lambda t: {"type": "chat:completion", "data": {"phase": "tool_response", "delta_content": t}}
    ),
}


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_takes_linear_time(name: str) -> None:
    for unit in ARGUMENTS if name == "openai calls" else UNITS:
        for kind, reader in zip(("small frames", "one frame"), DECODERS[name](unit), strict=True):
            size = 12_000 if kind == "small frames" else 40_000
            assert growth(reader, size) < MOST_RATIO, f"{name}: {unit!r}, {kind}"


def one_source() -> Sources:
    found = Sources()
    found.add("https://a.example", "A", "1")
    return found


def edits(size: int) -> Callable[[], object]:
    """A long piece, then one-letter edits at its end: each must cost as much as it replaces."""

    def work() -> None:
        buffer = EditBuffer()
        buffer.append("a" * (20 * size), "answer")
        for _ in range(size // 64):
            buffer.edit(20 * size - 1, "b", "answer")

    return work


def edits_backwards(size: int) -> Callable[[], object]:
    def work() -> None:
        buffer = EditBuffer()
        buffer.append("a\n" * (10 * size), "answer")
        for at in range(20 * size - 1, 0, -5000):
            buffer.edit(at, "b", "answer")

    return work


def lines_of_a_frame(size: int) -> Callable[[], object]:
    def work() -> None:
        with suppress(BufferLimit):
            EditBuffer().append('<details type="reasoning" done="true">\n' + ">a</details>\n" * (size // 4), "answer")

    return work


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


def zai_kept(blocks: list[Any]) -> object:
    return KeptZai("a").read(
        json.dumps({"data": {"a": {"content_blocks": blocks, "done": True}}}).encode(), ZaiDecoder()
    )


def qwen_kept(parts: list[Any]) -> object:
    history = {"currentId": "a", "messages": {"a": {"role": "assistant", "content_list": parts}}}
    return KeptQwen().read(json.dumps({"data": {"chat": {"history": history}}}).encode(), "a", None, QwenDecoder())


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


def imported(data: str) -> object:
    try:
        return read_file(data.encode(), 0.0)
    except ImportProblem:
        return None


def powershell(data: str) -> object:
    try:
        return read_powershell(data)
    except ImportProblem as e:
        return e


def curl(data: str) -> object:
    try:
        return read_curl(data)
    except ImportProblem:
        return None


def cookies(data: str) -> object:
    return read_cookies(data, 0.0)


def viewed(delivered: str) -> object:
    return chat_text(Annotation("req_1", client_request=delivered, delivered=delivered))


def filled(messages: str) -> object:
    return viewed(f'{{"model": "m", "messages": [{messages[:-1]}]}}')


def filled_parts(parts: str) -> object:
    return filled(f'{{"role": "user", "content": [{parts[:-1]}]}},')


def filled_tools(tools: str) -> object:
    return viewed(f'{{"model": "m", "messages": [{{"role": "user", "content": "a"}}], "tools": [{tools[:-1]}]}}')


def session_read(exchanges: str) -> object:
    try:
        return read_recordings(f'{{"format": "glassgate-session", "version": 1, "exchanges": [{exchanges[:-1]}]}}')
    except RecordingProblem:
        return None


def searched(delivered: str) -> object:
    note = Annotation("req_1", client_request=delivered, delivered=delivered)
    return request_text(note), fold_text(answer_texts(note, b"", None)), searched_words(delivered)


IN_A_PART = b'--b\r\nContent-Disposition: a; name="a"\r\n\r\n'


def form(data: bytes) -> object:
    with suppress(GatewayError):
        return all_at_once(read_form(data, "multipart/form-data; boundary=b"))
    return None


def vectors(data: bytes) -> object:
    decoder = WholeDocument(Reading({}))
    return decoder.feed(data), decoder.close()


def drawn(data: bytes) -> object:
    decoder = EventStream(Reading({}))
    return decoder.feed(data), decoder.close()


def as_table(data: str) -> object:
    return table(rows(data.encode(), [(0.0, len(data))], None), cut=False)


def new_fields(size: int) -> Callable[[], object]:
    """Chunks each of which has a field that none had before."""
    text = sse(*({f"n{number}": "a"} for number in range(size // 8))).decode()
    return lambda: delivered_text(text)


def whole_answer(size: int) -> Callable[[], object]:
    text = "[" + '{"a":1},' * (size // 8) + "1]"
    return lambda: delivered_text(text)


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
        data = sealing.seal(name, key, Item((unit * (100 * size)).encode(), 1))

        def work() -> None:
            with suppress(DamagedItem):
                sealing.open(name, data)

        return work

    return reader


def whole_bytes(unit: str) -> Callable[[int], Iterable[bytes]]:
    return lambda size: [(unit * (size // len(unit))).encode()]


def small_bytes(lead: bytes, unit: bytes) -> Callable[[int], Iterable[bytes]]:
    return lambda size: [lead, *[unit] * (size // len(unit))]


def one_after_another(size: int) -> Callable[[], object]:
    """Many short values in one text, each looked for where the last one ended."""
    text = '{"a":1}' * (size // 7)

    def work() -> None:
        at = 0
        while at < len(text):
            at = JsonEnd().read(text, at)

    return work


def words(text: str) -> None:
    with suppress(YamlProblem):
        read_texts(text)


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


def keys_file(data: bytes) -> None:
    with suppress(KeysProblem):
        managed.read(data, b"v" * 16, b"s" * 32)


def limits_behind(words: list[str]) -> None:
    with suppress(ValueError):
        _limits_of(words)


READERS: dict[str, Reader] = {
    "responses passed on: one event": fed(lambda: passed_response().feed, small_bytes(b"data: ", b"a" * 8)),
    "responses passed on: blank lines": fed(lambda: passed_response().feed, small_bytes(b":\n", b"\n" * 8)),
    "responses passed on: carriage returns": fed(lambda: passed_response().feed, small_bytes(b":\n", b"\r" * 8)),
    "responses passed on: whole": fed(lambda: passed_response().feed, small_bytes(b'{"', b"a" * 8)),
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
    "arriving: events": fed(
        lambda: by_pieces(ArrivingBody(NOTHING_KNOWN.data).take),
        lambda size: [b'data: {"a": 1}\n\n' * 50] * (size // 800),
    ),
    "sse: comments": fed(lambda: SseReader().feed, lambda size: [b": c\n\n" * (size // 5)]),
    "sse: comments, cut": fed(lambda: SseReader().feed, lambda size: [b": c\n\n"] * (size // 5)),
    "sse: lines": fed(lambda: SseReader().feed, lambda size: [b"data: a\n" * min(size // 8, 9000)]),
    "sse: strays": fed(lambda: SseReader(strays=True).feed, lambda size: [b"<a>\n" * min(size // 4, 9000)]),
    "sse: strays and data": fed(
        lambda: SseReader(strays=True).feed, lambda size: [b"<a>\ndata: a\n" * min(size // 12, 4500)]
    ),
    "sse: bytes": fed(lambda: SseReader().feed, lambda size: [b"d"] * size),
    "sse: line ends": fed(lambda: SseReader().feed, lambda size: [b"\n"] * size),
    "tally: quotes": fed(lambda: JsonTally().feed, lambda size: [b'"' * size]),
    "tally: open string": fed(lambda: JsonTally().feed, lambda size: [b'"' + b'\\"' * size]),
    "tally: bytes": fed(lambda: JsonTally().feed, lambda size: [b'"', *[b"\\"] * size]),
    "json: deep": fed(lambda: loads, lambda size: [b"[" * size]),
    "json: broken": fed(lambda: loads, lambda size: [b'{"a":"' + b"\\ud83d" * size]),
    "json: glued": fed(lambda: loads_glued, lambda size: [b"{} " * size]),
    "json: glued blanks": fed(lambda: loads_glued, lambda size: [b" " * size]),
    "json: glued marks": fed(lambda: glued, lambda size: [b"[DONE]" * size]),
    "json: glued words": fed(lambda: glued, lambda size: [b"data:" * size]),
    "tags: blanks": fed(lambda: ThinkTags().feed, chars(" ")),
    "tags: blanks inside": fed(lambda: ThinkTags().feed, chars(" ", "<think>a")),
    "tags: blanks in the answer": fed(lambda: ThinkTags().feed, chars(" ", "<think></think><answer>a")),
    "tags: ends": fed(lambda: ThinkTags().feed, chars("</answer>", "<think></think><answer>a")),
    "tags: openings": fed(lambda: ThinkTags().feed, whole("<think ", "a")),
    "zai strays": fed(lambda: StrayTagFilter().feed, lambda size: whole("</think> ")(10 * size)),
    "zai strays, pieces": fed(lambda: StrayTagFilter().feed, chars("</think>")),
    "k2 marks": fed(lambda: EndMarks().feed, whole("<|im_end|>")),
    "k2 marks, pieces": fed(lambda: EndMarks().feed, chars("<|im_end|> <|im", "<|im_end|>")),
    "k2 marks: beginnings": fed(lambda: EndMarks().feed, whole("<|im_end", "<")),
    "k2 text: blanks": fed(lambda: K2Text().add, chars(" ", '<details type="reasoning"><summary></summary>a')),
    "k2 text: marks": fed(lambda: K2Text().add, chars("> ", '<details type="reasoning"><summary></summary>a')),
    "k2 text: no summary end": fed(lambda: K2Text().add, chars("a", '<details type="reasoning"><summary>')),
    "k2 text: no tag end": fed(lambda: K2Text().add, chars("a", '<details type="reasoning" ')),
    "k2 text: escapes": fed(lambda: K2Text().add, chars("&", '<details type="reasoning"><summary></summary>a')),
    "qwen's own calls": fed(lambda: InterceptedCalls().feed, lambda size: whole("Tool a does not exist")(10 * size)),
    "qwen's own calls, pieces": fed(lambda: InterceptedCalls().feed, chars("Tool ")),
    "qwen's own calls, a name": fed(lambda: InterceptedCalls().feed, chars("T", "Tool ")),
    "calls of a conversation": conversation(lambda number: Message("assistant", "{", tool_calls=(a_call(number),))),
    "results of a conversation": conversation(lambda number: Message("tool", "<", tool_call_id=f"c{number}")),
    "the first call of an answer": fed(first_call, chars("{")),
    "zai kept": fed(lambda: zai_kept, lambda size: [[{"type": "text", "content": "a"}] * size]),
    "qwen kept": fed(lambda: qwen_kept, lambda size: [[{"phase": "answer", "content": "a"}] * size]),
    "digest: messages": fed(lambda: digest, lambda size: [[Message("assistant", "a", tool_calls=(a_call(0),))] * size]),
    "digest: an answer": fed(lambda: digest, lambda size: [[Message("assistant", " " * size)]]),
    "rest of an answer": fed(lambda: rest_of, lambda size: [[Text("a")] * size]),
    "cumulative": fed(lambda: CumulativeText(frames=3).add, chars("ab")),
    "citations": fed(lambda: cited_text("links", one_source()).feed, chars("[[")),
    "citations, one text": fed(lambda: cited_text("links", one_source()).feed, whole("[[1")),
    "edits at the end": edits,
    "edits backwards": edits_backwards,
    "lines of a frame": lines_of_a_frame,
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
    "errors: clean": fed(lambda: clean, whole("\x00a")),
    "errors: words": fed(lambda: quotable, whole("http://a")),
    "errors: what is too long": fed(lambda: too_long, whole("tokens input ")),
    "errors: what is not wanted": fed(lambda: unwanted, whole("sensitive ")),
    "errors: classify": fed(
        lambda: lambda body: classify(400, {}, body, {}), lambda size: [b"<html><title" + b"<title" * size]
    ),
    "stand-ins: letters": fed(lambda: Pseudonyms().text, whole("a")),
    "stand-ins: mail": fed(lambda: Pseudonyms().text, whole("a@a.")),
    "stand-ins: jwt": fed(lambda: Pseudonyms().text, whole("eyJ")),
    "stand-ins: fields": fed(lambda: Pseudonyms().text, whole('"token":"')),
    "stand-ins: open field": fed(lambda: Pseudonyms().text, whole("\\", '"token":"')),
    "stand-ins: numbers": fed(lambda: Pseudonyms().text, whole("1.")),
    "chat view: pieces": fed(lambda: viewed, whole('data: {"choices":[{"delta":{"content":"a"}}]}\n')),
    "chat view: words": fed(lambda: viewed, whole("a")),
    "context view: messages": fed(lambda: filled, whole('{"role": "user", "content": "a"},')),
    "context view: parts": fed(lambda: filled_parts, whole('{"type": "text", "text": "a"},')),
    "context view: tools": fed(lambda: filled_tools, whole('{"type": "function", "function": {"name": "a"}},')),
    "session file": fed(lambda: session_read, whole("5,")),
    "stream view: chunks": fed(lambda: delivered_text, whole('data: {"choices":[{"delta":{"content":"a"}}]}\n\n')),
    "stream view: new fields": new_fields,
    "stream view: a whole answer": whole_answer,
    "stream view: deep": fed(lambda: delivered_text, whole("[")),
    "stream view: lines": fed(lambda: delivered_text, whole("a\n")),
    "stream view: blank lines": fed(lambda: delivered_text, whole("\n\n")),
    "search: pieces": fed(lambda: searched, whole('data: {"choices":[{"delta":{"content":"a"}}]}\n')),
    "search: words": fed(lambda: searched, whole(" a\\.")),
    "search: lists": fed(lambda: searched, lambda size: [json.dumps([["a"]] * (size // 7))]),
    "events view: events": fed(lambda: as_table, whole("data: {}\n\n")),
    "events view: blank lines": fed(lambda: as_table, whole("\n\n")),
    "import: words": fed(lambda: imported, whole("a/")),
    "import: lines": fed(lambda: imported, whole("a\tTRUE\n")),
    "form: boundaries": fed(lambda: form, whole_bytes("\r\n--b  ")),
    "form: parts": fed(lambda: form, whole_bytes('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n')),
    "form: nearly a boundary": fed(lambda: form, lambda size: [IN_A_PART + b"--b" * (size // 3)]),
    "form: line ends": fed(lambda: form, lambda size: [IN_A_PART + b"\r" * size]),
    "form: a head": fed(lambda: form, lambda size: [b"--b\r\n" + b"a:\r\n b\r\n" * (size // 9)]),
    "form: words of a head": fed(lambda: form, lambda size: [IN_A_PART[:-4] + b'; a="\\' * (size // 6)]),
    "pictures: a content": fed(lambda: PictureContent().feed, lambda size: [b"a"] * size),
    "pictures: a document": fed(lambda: WholeDocument(Reading({})).feed, lambda size: [b'"a"'] * size),
    "pictures: pieces": fed(lambda: EventStream(Reading({})).feed, lambda size: [b"data: "] * size),
    "pictures: events": fed(lambda: drawn, whole_bytes("data: 1\n\n")),
    "pictures: line ends": fed(lambda: drawn, lambda size: [b"data: " + b"\r\n" * (size // 2)]),
    "passed on: bytes": fed(lambda: PlainBytes(Reading({})).feed, lambda size: [b"a"] * size),
    "passed on: the end of a document": fed(
        lambda: vectors, lambda size: [b'{"a":[' + b"0," * 200_000 + b'"usage" :{' * (size // 9) + b"0]}"]
    ),
    "passed on: a content type": fed(lambda: media_type, whole("a/b; a=a")),
    "import: curl": fed(lambda: curl, whole("$'a", "curl ")),
    "import: PowerShell, headers": fed(lambda: powershell, whole('"a"="b"\n', "Invoke-WebRequest -Headers @{")),
    "import: PowerShell, calls": fed(lambda: powershell, whole("Invoke-WebRequest -Uri https://a.b -Method a\n")),
    "import: PowerShell, quotes": fed(lambda: powershell, whole('`"$([char]', 'Invoke-WebRequest "')),
    "import: PowerShell, cookies": fed(
        lambda: powershell, whole('$s.Cookies.Add((x System.Net.Cookie("a", "b")))\nInvoke-WebRequest -Uri a://b\n')
    ),
    "import: line ends": fed(lambda: curl, whole("\n a", "curl ")),
    "import: line ends before words": fed(lambda: curl, whole("\n\\ ", "curl ")),
    "import: double quotes": fed(lambda: curl, whole('"\\$`', "curl ")),
    "import: words for cmd": fed(lambda: curl, whole('a "b" ', "curl ")),
    "import: options": fed(lambda: curl, whole("-sH a:b -b c=d ", "curl ")),
    "import: one header": fed(lambda: curl, whole("-H a:b ", "curl ")),
    "import: addresses": fed(lambda: curl, whole("a --next ", "curl ")),
    "import: cookies": fed(lambda: cookies, whole("a\tTRUE\t/\tTRUE\t\tb\tc\n")),
    "import: carets": fed(lambda: curl, whole("^ ", 'curl ^"')),
    "conversations": settled,
    "openai lines": lines("a"),
    "messages lead": fed(lambda: MessagesDecoder().feed, whole_bytes("\ufeff ")),
    "messages lead, passed on": fed(lambda: passed_on().feed, lambda size: [b" "] * size),
    "messages: the model's name": fed(
        lambda: lambda body: with_model(body, {}, "m"), whole_bytes('{"model": 1, "model": {"model": "x"')
    ),
    "messages: ids that become the same": fed(
        lambda: PlainNames(ID_CHARS).plain, lambda size: [chr(0x4E00 + number) for number in range(size // 8)]
    ),
    "openai lead": fed(lambda: OpenAIDecoder(FORM).feed, whole_bytes("\ufeff ")),
    "json end: brackets": fed(lambda: JsonEnd().read, whole("[", "[")),
    "json end: pairs": fed(lambda: JsonEnd().read, whole("{}", "[")),
    "json end: quotes": fed(lambda: JsonEnd().read, whole('"', "[")),
    "json end: pieces": fed(lambda: JsonEnd().read, chars('"\\', "[")),
    "json end: one after another": one_after_another,
    "reasons: words": fed(lambda: lambda said: end_of(said, {}), whole("tokenMax")),
    "learnt: refusals": fed(lambda: refused_fields, whole_bytes("include_usage ")),
    "yaml: quotes": fed(lambda: words, whole('"\n', "a: ")),
    "yaml: brackets": fed(lambda: words, whole("[\n", "a: ")),
    "yaml: a problem far down": fed(lambda: words, whole("a\n", "\t")),
    "names: random": fed(lambda: looks_secret, whole("aA1")),
    "names: near": fed(lambda: lambda name: near(name, ["providers", "routing", "listen"]), whole("rout")),
    "waits: RateLimit": fed(lambda: lambda said: header_wait({"ratelimit": said}), whole('"a";r=0;t=1,')),
    "waits: one header": fed(lambda: lambda said: header_wait({"retry-after": said, "date": said}), whole("1m30s")),
    "waits: many headers": fed(
        lambda: header_wait, lambda size: [{f"x-ratelimit-reset-{n}": "1s" for n in range(size)}]
    ),
    "waits: words": fed(lambda: lambda said: retry_after({}, {}, said), whole("try again in 1m")),
    "pages: signs": fed(
        lambda: lambda said: (is_check({}, said), is_page({}, said), title_of(said)), whole_bytes("<title ")
    ),
    "door: slashes": fed(lambda: lambda path: knocked(target=path, content_encoding="gzip"), whole("/models//")),
    "door: whose path": fed(lambda: for_path, whole("/models//")),
    "door: lines of a refused head": fed(lambda: lambda head: fields_in(head.splitlines()), whole_bytes("a:\n")),
    "door: codings": fed(lambda: lambda named: knocked(content_encoding=named), whole(" gzip ,")),
    "door: headers asked for": fed(lambda: lambda named: knocked(access_control_request_headers=named), whole("a,")),
    "door: a long name": fed(lambda: lambda named: knocked(access_control_request_headers=named), whole("a")),
    "door: origins": fed(lambda: lambda origin: knocked(origin=origin), whole("http://a.")),
    "codings: stored blocks": fed(lambda: plain, lambda size: [b"\x78\x01" + b"\x00\x00\x00\xff\xff" * size]),
    "codings: members": fed(lambda: plain, lambda size: [gzip.compress(b"a" * 64) * (size // 16)]),
    "tags: eager": fed(lambda: ThinkTags(eager=True).feed, chars("</thin")),
    "tags: eager blanks": fed(lambda: ThinkTags(eager=True).feed, chars(" ", "a")),
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
    "tls: empty records": fed(lambda: TlsRecords().pass_by, lambda size: [b"\x17\x03\x03\0\0" * (size // 5)]),
    "tls: bytes": fed(lambda: TlsRecords().pass_by, lambda size: [b"\0"] * size),
    "keys: a damaged file": fed(lambda: keys_file, whole_bytes('{"a":')),
    "keys: the file's quotes": fed(lambda: keys_file, whole_bytes('"')),
    "keys: limits behind a name": fed(lambda: lambda said: limits_behind(said.split()), whole("rpm=1 ")),
    "keys: patterns of models": fed(lambda: lambda said: limits_behind([said]), whole("a*,", "models=")),
    "waits: periods": fed(lambda: lambda said: period_of({}, said), whole("requests ")),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_linear_time(name: str) -> None:
    assert growth(READERS[name], 20_000) < MOST_RATIO
