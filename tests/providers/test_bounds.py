"""What a site may make us read, keep and do with one piece of its answer."""

import asyncio
import gzip
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from addons.cleaning.cleaner import NOTHING_KNOWN
from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.stream import ChatStream
from addons.transport.carrier import BODY_LIMIT_BYTES
from addons.transport.httpx_carrier import HttpxCarrier
from addons.transport.sealing import Seals
from addons.transport.step_runner import StepRunner
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Text
from providers.contract.operation import Decoder
from providers.contract.session import Session
from providers.formats.jsontext import BODY_VALUES, EVENT_VALUES, MODELS_LIMIT, NAME_LIMIT
from providers.formats.sse import LINES_LIMIT, SseLimit, SseReader
from providers.k2think.decoder import K2ThinkDecoder
from providers.k2think.models import read_live as read_k2think
from providers.longcat.decoder import LongCatDecoder
from providers.openai.answer import ENTRIES_LIMIT
from providers.openai.decoder import NAMES_LIMIT, OpenAIDecoder
from providers.openai.models import read_list
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from providers.qwen.decoder import QwenDecoder
from providers.qwen.models import read_live as read_qwen
from providers.shared.citations import KEY_LIMIT, MARK_LIMIT, SOURCE_LIMIT, URL_LIMIT, CitedText, Sources
from providers.zai.buffer import SEGMENT_CHARS, EditBuffer
from providers.zai.decoder import ZaiDecoder
from providers.zai.models import read_live as read_zai
from providers.zai.sources import MARKS
from tests.support.counting import work_of

OPTIONS = OpenAIOptions(base_url="https://api.example")
MOST_WORK = 4_000_000
"""Calls and rounds of loops of one call of a decoder (tests/support/counting.py). Measured: below 2,300,000."""


def openai() -> OpenAIDecoder:
    return OpenAIDecoder(OPTIONS.form())


def frame(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def failure(events: list[Event]) -> ProviderError:
    assert isinstance(events[-1], Failure)
    return events[-1].error


DECODERS: dict[str, Callable[[], Decoder]] = {
    "openai": openai,
    "k2think": K2ThinkDecoder,
    "qwen": QwenDecoder,
    "longcat": LongCatDecoder,
    "zai": ZaiDecoder,
}


@pytest.mark.parametrize("name", DECODERS)
def test_an_event_of_too_many_values_ends_the_answer(name: str) -> None:
    data, decoder = frame({"x": [{}] * 700_000}), DECODERS[name]()
    events, work = work_of(lambda: decoder.feed(data))
    assert work < MOST_WORK
    error = failure(events)
    assert error.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize("name", ["k2think", "qwen", "longcat", "zai"])
def test_the_person_is_told_what_was_wrong(name: str) -> None:
    error = failure(DECODERS[name]().feed(frame({"x": [1] * (EVENT_VALUES + 1)})))
    assert f"more than {EVENT_VALUES} values" in error.message


@pytest.mark.parametrize(("make", "most"), [(openai, BODY_VALUES), (K2ThinkDecoder, EVENT_VALUES)])
def test_a_whole_answer_of_too_many_values_is_not_read(make: Callable[[], Decoder], most: int) -> None:
    decoder = make()
    body = json.dumps({"choices": [{"message": {"content": "a"}}], "x": [1] * most}).encode()
    error = failure([*decoder.feed(body), *decoder.close()])
    assert (error.kind, f"more than {most} values" in error.message) == (ErrorKind.PROVIDER_DOWN, True)


def test_a_whole_answer_of_too_many_names_is_not_read() -> None:
    many = dict.fromkeys(map(str, range(NAMES_LIMIT + 1)))
    body = json.dumps({"choices": [{"message": {"content": "a"}}], "x": many})
    assert f"more than {NAMES_LIMIT} names" in failure(openai().feed(body.encode())).message


ENTRY = {"type": "url_citation", "url_citation": {"url": "http://a.example", "title": "t"}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
WHOLE: dict[str, dict[str, Any]] = {
    "calls": {"tool_calls": [CALL] * 30_000},
    "choices' fields": {f"f{number}": number for number in range(190_000)},
    "sources": {"annotations": [ENTRY] * 30_000},
    "parts": {"content": [{"type": "text", "text": "a"}] * 60_000},
    "numbers": {"x": [1.123456789] * 190_000},
    "names": {"x": {f"f{number}": number for number in range(95_000)}},
    "letters": {"content": "a, " * 3_300_000},
}
ENDS = {"whole": b"", "something behind it": b" x", "another value behind it": b' {"a":1}'}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", WHOLE)
def test_no_whole_answer_holds_others(name: str, end: str, stream: bool) -> None:
    """A dear one is counted as it comes, read once, and refused before it becomes events."""
    message = {"role": "assistant", "content": "a", **WHOLE[name]}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode() + ENDS[end]
    decoder = OpenAIDecoder(OPTIONS.form(), stream=stream)
    for at in range(0, len(body) + 1, 16384):
        events, work = work_of(partial(fed, decoder, body[at : at + 16384], last=at + 16384 > len(body)))
        assert work < MOST_WORK
        assert len(events) < 3 * ENTRIES_LIMIT


def fed(decoder: Decoder, piece: bytes, *, last: bool) -> list[Event]:
    return [*(decoder.feed(piece) if piece else []), *(decoder.close() if last else [])]


@pytest.mark.parametrize("one", [b"{}", b'{"type":"x"}', b'{"a":{"message":""},"detail":{}}'])
@pytest.mark.parametrize("before", [b"", b"data: "])
def test_no_values_glued_together_hold_others(one: bytes, before: bytes) -> None:
    _, work = work_of(partial(fed, openai(), before + one * 9000 + b"\n\n", last=True))
    assert work < MOST_WORK


MANY: dict[str, object] = {
    "calls": {
        "delta": {"tool_calls": [{"index": n, "function": {"name": "f", "arguments": {"a": 1}}} for n in range(3000)]}
    },
    "pieces of one call": {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "a"}}] * 4900}},
    "long calls": {
        "delta": {"tool_calls": [{"index": n, "function": {"name": "f", "arguments": "x" * 2000}} for n in range(1900)]}
    },
    "odd parts": {"delta": {"content": [{"x": 1}] * 9900}},
    "refusals": {"delta": {"content": [{"type": "refusal", "refusal": "a"}] * 6500}},
    "sources": {"delta": {"annotations": [ENTRY] * 3900}},
    "fields": {"delta": {f"f{number}": number for number in range(19_000)}},
}


@pytest.mark.parametrize("name", MANY)
def test_no_event_of_many_small_things_holds_others(name: str) -> None:
    data = frame({"choices": [MANY[name]]})
    decoder, encoder = openai(), ChatStream(AnswerMeta("id", 1, "m"), include_usage=True)
    for at in range(0, len(data), 16384):
        events, reading = work_of(partial(decoder.feed, data[at : at + 16384]))
        _, writing = work_of(partial(encoder.encode, events))
        assert reading + writing < MOST_WORK


def test_a_whole_answer_of_too_many_parts_is_not_read() -> None:
    decoder = OpenAIDecoder(OPTIONS.form(), stream=False)
    parts = [{"type": "text", "text": "a"}] * (ENTRIES_LIMIT + 1)
    decoder.feed(json.dumps({"choices": [{"message": {"content": parts}}]}).encode())
    assert "too many parts" in failure(decoder.close()).message


LONG = 3_750_000
TEXTS = {
    "letters": "a " * (LONG // 2),
    "Chinese": "中" * (LONG // 6),
    "details": '<details type="reasoning" done="true">\n>a</details>\n' * (LONG // 62),
    "quoted details": '>a <details type="reasoning" done="true">\n>b</details>\n' * (LONG // 64),
    "summaries": "<details type='x'>\n<summary>" * (LONG // 32),
    "lines": '<details type="reasoning">' + ">\n" * (LONG // 4),
    "blocks": "<glm_block x>{}</glm_block>" * (LONG // 27),
    "marks": "【1†x】" * (LONG // 20),
    "brackets": "[[1" * (LONG // 3),
    "tags": "<think " * (LONG // 7),
    "escapes": '<details type="reasoning"><summary></summary>' + "&amp;" * (LONG // 5),
    "references": "[ref_id=a†" * (LONG // 16),
}
FRAMES: dict[str, Callable[[str], object]] = {
    "openai": lambda t: {"choices": [{"index": 0, "delta": {"content": t}}]},
    "k2think": lambda t: {"content": t},
    "qwen": lambda t: {"choices": [{"delta": {"phase": "answer", "content": t}}]},
    "longcat": lambda t: {"event": {"type": "content", "content": t}},
    "zai": lambda t: {"type": "chat:completion", "data": {"phase": "answer", "edit_index": 0, "edit_content": t}},
}


@pytest.mark.parametrize("name", DECODERS)
def test_no_text_in_one_event_holds_others(name: str) -> None:
    for text in TEXTS.values():
        data, decoder = frame(FRAMES[name](text)), DECODERS[name]()
        for at in range(0, len(data), 65536):
            _, work = work_of(partial(decoder.feed, data[at : at + 65536]))
            assert work < MOST_WORK


def test_an_event_of_too_many_lines_cannot_be_read_on() -> None:
    with pytest.raises(SseLimit, match=f"{LINES_LIMIT} lines") as caught:
        SseReader().feed(b"data: a\n\n" + b"data: b\n" * (LINES_LIMIT + 2) + b"\n")
    assert caught.value.payloads == [b"a"]


def test_comments_before_an_event_are_passed_over_at_every_cut() -> None:
    data = b": one\n\n: two\n: three\n\ndata: a\n: inside\n\n: four\ndata: b\n\n"
    for size in range(1, len(data)):
        reader = SseReader()
        found = [payload for at in range(0, len(data), size) for payload in reader.feed(data[at : at + size])]
        assert found == [b"a", b"b"]


def test_a_long_piece_is_cut_into_segments_and_reads_the_same() -> None:
    text = "".join(f'<details type="reasoning" done="true">\n> {n}\n</details>\nanswer {n}\n' for n in range(400))
    whole, letters = EditBuffer(), EditBuffer()
    at_once = whole.append(text, "answer") + whole.finish()
    one_by_one = [piece for char in text for piece in letters.append(char, "answer")] + letters.finish()
    for channel in ("reasoning", "answer"):
        assert "".join(t for c, t in at_once if c == channel) == "".join(t for c, t in one_by_one if c == channel)


def test_a_quoted_end_of_details_is_told_by_what_follows_far_behind() -> None:
    quoted = "> a </details> b\n" + "> c\n" * SEGMENT_CHARS
    pieces = EditBuffer().append(f'<details type="reasoning" done="true">\n{quoted}</details>\nanswer', "answer")
    assert "".join(text for channel, text in pieces if channel == "answer") == "answer"
    assert "</details> b" in "".join(text for channel, text in pieces if channel == "reasoning")


def test_marks_beyond_the_limit_are_text() -> None:
    sources = Sources()
    sources.add("https://a.example", "A", "1")
    cited = CitedText("annotations", MARKS, sources)
    events = cited.feed("【1†a】" * MARK_LIMIT + "【1†b】")
    assert events[-1] == Text("【1†b】")


def test_sources_are_bounded() -> None:
    sources = Sources()
    for number in range(SOURCE_LIMIT + 5):
        sources.add(f"https://a.example/{number}", "x" * 5000, *(f"{number}.{k}" for k in range(10)))
    sources.add("https://a.example/" + "x" * URL_LIMIT, "too long", "long")
    assert len(sources) == SOURCE_LIMIT
    assert sum(sources.find(f"{n}.{k}") is not None for n in range(SOURCE_LIMIT) for k in range(10)) == KEY_LIMIT
    assert sources.find("long") is None
    assert max(len(source.title) for source in sources) == 1000


@pytest.mark.parametrize("read", [read_k2think, read_qwen, read_zai, lambda value: read_list(value, OPTIONS.known())])
def test_a_list_of_models_is_bounded(read: Callable[[Any], Any]) -> None:
    entries = [{"id": "x" * (NAME_LIMIT + 1)}, *({"id": f"m{number}"} for number in range(5 * MODELS_LIMIT))]
    found = read({"data": entries})
    assert len(found) == MODELS_LIMIT - 1
    assert max(len(model.id) for model in found) <= NAME_LIMIT


def test_unknown_kinds_are_bounded() -> None:
    decoder = ZaiDecoder()
    for number in range(500):
        decoder.feed(frame({"type": f"odd {number} " + "x" * 500, "data": {}}))
    assert len(decoder.unknown) <= 65
    assert max(map(len, decoder.unknown)) <= 60


@pytest.mark.parametrize("packed", [gzip.compress(b"a" * 50_000_000), b"\x1f\x8b no gzip"], ids=["bomb", "no gzip"])
def test_what_a_step_is_answered_inflates_within_bounds(packed: bytes) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(packed))

    async def go() -> None:
        async with HttpxCarrier(transport=httpx.MockTransport(answer)) as carrier:
            runner = StepRunner(Seals(lambda provider, account: {}), carrier, NOTHING_KNOWN)
            provider: Any = OpenAICompatible("p", OPTIONS)
            await runner.send(provider, Call("GET", "https://api.example/models"), Session("p", "acc"))

    assert BODY_LIMIT_BYTES < 50_000_000
    with pytest.raises(ProviderError) as caught:
        asyncio.run(go())
    assert caught.value.kind is ErrorKind.PROVIDER_DOWN


def test_no_words_of_ours_hold_the_letters_of_the_end_mark() -> None:
    decoder = openai()
    decoder.feed(frame({"choices": [{"index": 0, "delta": {"content": "a"}}]}))
    assert "[DONE]" not in failure(decoder.close()).message
