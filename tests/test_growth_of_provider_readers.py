"""Every reader of what providers say, beside the decoders, takes linear time: a row for each."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from addons.upstream.tls_records import TlsRecords
from providers.anthropic.decoder import MessagesDecoder
from providers.anthropic.names import ID_CHARS, PlainNames
from providers.formats.json_end import JsonEnd
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import loads, loads_glued
from providers.formats.pages import is_check, is_page, title_of
from providers.formats.sse import SseReader
from providers.k2think.marks import EndMarks
from providers.k2think.text import K2Text
from providers.official.errors import classify
from providers.official.reasons import end_of
from providers.official.refusals import too_long, unwanted
from providers.openai.decoder import OpenAIDecoder
from providers.openai.frames import glued
from providers.openai.learnt import refused_fields
from providers.openai.passed_answers import EventStream, PlainBytes, Reading, WholeDocument, media_type
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
from tests.support.growing import FORM, Reader, chars, delta, fed, passed_on, passed_response, whole, whole_bytes
from tests.support.growth import MOST_RATIO, growth


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


def zai_kept(blocks: list[Any]) -> object:
    return KeptZai("a").read(
        json.dumps({"data": {"a": {"content_blocks": blocks, "done": True}}}).encode(), ZaiDecoder()
    )


def qwen_kept(parts: list[Any]) -> object:
    history = {"currentId": "a", "messages": {"a": {"role": "assistant", "content_list": parts}}}
    return KeptQwen().read(json.dumps({"data": {"chat": {"history": history}}}).encode(), "a", None, QwenDecoder())


def vectors(data: bytes) -> object:
    decoder = WholeDocument(Reading({}))
    return decoder.feed(data), decoder.close()


def drawn(data: bytes) -> object:
    decoder = EventStream(Reading({}))
    return decoder.feed(data), decoder.close()


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


READERS: dict[str, Reader] = {
    "responses passed on: one event": fed(lambda: passed_response().feed, small_bytes(b"data: ", b"a" * 8)),
    "responses passed on: blank lines": fed(lambda: passed_response().feed, small_bytes(b":\n", b"\n" * 8)),
    "responses passed on: carriage returns": fed(lambda: passed_response().feed, small_bytes(b":\n", b"\r" * 8)),
    "responses passed on: whole": fed(lambda: passed_response().feed, small_bytes(b'{"', b"a" * 8)),
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
    "zai kept": fed(lambda: zai_kept, lambda size: [[{"type": "text", "content": "a"}] * size]),
    "qwen kept": fed(lambda: qwen_kept, lambda size: [[{"phase": "answer", "content": "a"}] * size]),
    "cumulative": fed(lambda: CumulativeText(frames=3).add, chars("ab")),
    "citations": fed(lambda: cited_text("links", one_source()).feed, chars("[[")),
    "citations, one text": fed(lambda: cited_text("links", one_source()).feed, whole("[[1")),
    "edits at the end": edits,
    "edits backwards": edits_backwards,
    "lines of a frame": lines_of_a_frame,
    "errors: words": fed(lambda: quotable, whole("http://a")),
    "errors: what is too long": fed(lambda: too_long, whole("tokens input ")),
    "errors: what is not wanted": fed(lambda: unwanted, whole("sensitive ")),
    "errors: classify": fed(
        lambda: lambda body: classify(400, {}, body, {}), lambda size: [b"<html><title" + b"<title" * size]
    ),
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
    "waits: RateLimit": fed(lambda: lambda said: header_wait({"ratelimit": said}), whole('"a";r=0;t=1,')),
    "waits: one header": fed(lambda: lambda said: header_wait({"retry-after": said, "date": said}), whole("1m30s")),
    "waits: many headers": fed(
        lambda: header_wait, lambda size: [{f"x-ratelimit-reset-{n}": "1s" for n in range(size)}]
    ),
    "waits: words": fed(lambda: lambda said: retry_after({}, {}, said), whole("try again in 1m")),
    "pages: signs": fed(
        lambda: lambda said: (is_check({}, said), is_page({}, said), title_of(said)), whole_bytes("<title ")
    ),
    "tags: eager": fed(lambda: ThinkTags(eager=True).feed, chars("</thin")),
    "tags: eager blanks": fed(lambda: ThinkTags(eager=True).feed, chars(" ", "a")),
    "tls: empty records": fed(lambda: TlsRecords().pass_by, lambda size: [b"\x17\x03\x03\0\0" * (size // 5)]),
    "tls: bytes": fed(lambda: TlsRecords().pass_by, lambda size: [b"\0"] * size),
    "waits: periods": fed(lambda: lambda said: period_of({}, said), whole("requests ")),
}


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_linear_time(name: str) -> None:
    assert growth(READERS[name], 20_000) < MOST_RATIO
