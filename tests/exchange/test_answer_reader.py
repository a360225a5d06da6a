"""The reader of an answer, without a network: what it gives of a body, however that comes in pieces."""

import dataclasses
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.exchange.answer_reader import READ_BYTES, REFUSAL_LIMIT_BYTES, AnswerReader, _is_word
from addons.exchange.answer_source import AnswerSource
from addons.features.feature import Flaw
from addons.stream.port import State
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Finish, Passthrough, Reasoning, Text, Usage
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.hostile import DONE, chunk
from tests.support.turns import turn_of

STREAM = {"content-type": "text/event-stream"}
PACKED = STREAM | {"content-encoding": "gzip"}
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'


def reader_of(**body: Any) -> AnswerReader:
    """A reader of an official API's answer to a chat that streams unless `body` says otherwise; its clock stands."""
    provider: Any = OpenAICompatible("api", OpenAIOptions(base_url="https://api.invalid/v1"))
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]} | body
    dialect = ChatCompletions()
    parsed = dialect.parse(json.dumps(asked).encode())
    source = AnswerSource(provider, parsed.request, turn_of(provider, parsed.request))
    return AnswerReader(source, dialect.encoder(parsed, AnswerMeta("chatcmpl-1", 1, "m")), clock=lambda: 5.0)


def read(reader: AnswerReader, *pieces: bytes, status: int = 200, headers: Mapping[str, str] = STREAM) -> bytes:
    """All of an answer."""
    reader.head(status, headers)
    out = b""
    for piece in pieces:
        out += reader.feed(piece)
        while reader.behind:
            out += reader.read_on()
    return out + reader.close()


@pytest.mark.parametrize("packing", [None, "gzip"])
def test_an_answer_reads_the_same_at_every_cut(packing: str | None) -> None:
    body = chunk("a") + chunk("b") + chunk(finish="stop") + USAGE + DONE
    sent, headers = (gzip.compress(body), PACKED) if packing else (body, STREAM)
    whole = read(reader_of(), sent, headers=headers)
    assert whole.endswith(DONE)
    for at in range(len(sent)):
        reader = reader_of()
        assert read(reader, sent[:at], sent[at:], headers=headers) == whole
        assert reader.state is State.DONE
        assert reader.usage is not None
        assert (reader.usage.total_tokens, reader.first_token_at, reader.accepted) == (3, 5.0, True)


def test_before_anything_came_nothing_is_known() -> None:
    reader = reader_of()
    assert (reader.state, reader.error, reader.usage, reader.flaw) == (State.OPEN, None, None, None)
    assert (reader.begun, reader.closes_early, reader.behind, reader.ended, reader.asks_again) == (False,) * 5
    assert (reader.accepted, reader.first_token_at, reader.headers, reader.unknown) == (False, None, {}, {})


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (Text("a"), True),
        (Reasoning("a"), True),
        (Passthrough("delta", {"refusal": "no"}), True),
        (Passthrough("delta", {"empty": "", "audio": {"id": "x"}}), True),
        (Passthrough("delta", {"role": None, "refusal": "", "tool_calls": [], "audio": {}}), False),
        (Passthrough("delta", {}), False),
        (Passthrough("choice", {"logprobs": {"content": [1]}}), False),
        (Passthrough("chunk", {"system_fingerprint": "fp"}), False),
        (Usage(1, 2, 3), False),
        (Finish("stop"), False),
    ],
)
def test_what_is_a_word_of_the_answer(event: Event, word: bool) -> None:
    assert _is_word(event) is word


def test_a_body_that_is_not_packed_is_read_from_its_first_byte() -> None:
    """Also where a piece is but one of them."""
    reader = reader_of()
    reader.head(200, STREAM)
    body = chunk("a")
    assert b'"a"' in b"".join(reader.feed(body[at : at + 1]) for at in range(len(body)))


def test_a_whole_answer_comes_with_its_end_and_not_before() -> None:
    reader = reader_of(stream=False)
    reader.head(200, STREAM)
    assert reader.feed(chunk("a")) == b""
    assert reader.feed(chunk("b")) == b""
    out = reader.feed(chunk(finish="stop") + DONE)
    assert json.loads(out)["choices"][0]["message"]["content"] == "ab"


def test_what_comes_before_the_first_word_commits_to_nothing() -> None:
    reader = reader_of()
    reader.head(200, STREAM)
    assert reader.feed(b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n') == b""
    assert reader.first_token_at is None
    assert b'"a"' in reader.feed(chunk("a"))


def test_a_refusal_is_read_to_its_end_and_classified() -> None:
    reader = reader_of()
    body = b'{"error":{"message":"no such key","code":"invalid_api_key"}}'
    assert read(reader, body[:9], body[9:], status=401, headers={"content-type": "application/json"}) == b""
    assert reader.state is State.FAILED
    assert reader.error is not None
    assert (reader.error.kind, reader.error.model, reader.accepted) == (ErrorKind.SESSION_EXPIRED, "m", False)
    assert (reader.behind, reader.ended) == (False, False)


def test_a_refusal_without_end_is_read_up_to_a_limit() -> None:
    reader = reader_of()
    reader.head(500, {"content-type": "text/html"})
    fed = 0
    while reader.state is State.OPEN:
        reader.feed(b"x" * 50_000)
        fed += 50_000
    assert fed <= REFUSAL_LIMIT_BYTES + 50_000


@pytest.mark.parametrize(("more", "state"), [(0, State.OPEN), (1, State.FAILED)])
def test_of_a_refusal_so_much_is_read(more: int, state: State) -> None:
    reader = reader_of()
    reader.head(500, {"content-type": "text/html"})
    assert reader.feed(b"x" * (REFUSAL_LIMIT_BYTES + more)) == b""
    assert reader.state is state


@pytest.mark.parametrize(
    ("body", "packing", "kind"),
    [
        pytest.param(b"no gzip", "gzip", ErrorKind.PROVIDER_DOWN, id="broken packing"),
        pytest.param(b"", "x-unknown", ErrorKind.PROVIDER_DOWN, id="unknown packing"),
        pytest.param(gzip.compress(chunk("a") * 9)[:-9], "gzip", ErrorKind.INCOMPLETE, id="packing cut off"),
        pytest.param(chunk("a"), "", ErrorKind.INCOMPLETE, id="no end"),
    ],
)
def test_what_cannot_be_read_to_its_end_is_no_answer(body: bytes, packing: str, kind: ErrorKind) -> None:
    reader = reader_of()
    out = read(reader, body, headers=STREAM | {"content-encoding": packing})
    assert DONE not in out
    assert reader.state is State.FAILED
    assert reader.error is not None
    assert reader.error.kind is kind
    assert reader.feed(chunk("b")) == b""


def test_an_answer_that_was_cut_in_its_packing_after_its_end_is_whole() -> None:
    reader = reader_of()
    packed = gzip.compress(chunk("a") + chunk(finish="stop") + USAGE)
    out = read(reader, packed[:-4], headers=PACKED)
    assert (reader.state, reader.closes_early, out.endswith(DONE)) == (State.DONE, True, True)


def test_the_first_to_hear_of_a_failure_may_clean_it() -> None:
    reader = reader_of()
    reader._cleaned = lambda error: type(error)(error.kind, "cleaned")
    read(reader, b"data: {}\n\n")
    assert str(reader.error) == "cleaned"


@pytest.mark.untraced
def test_what_a_packet_unpacks_to_is_read_in_pieces() -> None:
    said = chunk("a") + b"data: {}\n\n" * 50_000 + chunk("b") + chunk(finish="stop") + DONE
    packed = gzip.compress(said)
    assert len(packed) < 16 * 1024 < 20 * READ_BYTES < len(said)
    reader = reader_of()
    reader.head(200, PACKED)
    out = reader.feed(packed)
    assert (out.count(b'"a"'), out.count(b'"b"'), reader.behind) == (1, 0, True)
    reads = 0
    while reader.behind:
        out += reader.read_on()
        reads += 1
    assert reads == (len(said) - 1) // READ_BYTES
    assert (out.count(b'"b"'), reader.state) == (1, State.DONE)


@pytest.mark.parametrize(("more", "behind"), [(0, False), (1, True)])
def test_of_what_came_so_much_is_read_at_once(more: int, behind: bool) -> None:
    reader = reader_of()
    reader.head(200, STREAM)
    reader.feed(chunk("a") + b":" * (READ_BYTES + more - len(chunk("a"))))
    assert reader.behind is behind


def test_all_is_said_between_the_finish_and_the_end_mark() -> None:
    reader = reader_of()
    reader.head(200, STREAM)
    told = []
    for piece in (chunk("a"), chunk(finish="stop"), USAGE, DONE):
        reader.feed(piece)
        told.append(reader.ended)
    assert (told, reader.state, reader.behind) == ([False, True, True, False], State.DONE, False)


QUOTA = b'data: {"error":{"message":"quota","code":"insufficient_quota"}}'


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        pytest.param([QUOTA], ErrorKind.QUOTA, id="an error whose line had no end"),
        pytest.param([chunk("a"), QUOTA], ErrorKind.QUOTA, id="behind a word"),
        pytest.param([chunk("a")], None, id="a word: the connection's end is all there is to tell"),
        pytest.param([QUOTA + b"\n\n", b""], None, id="an error that was told in time"),
    ],
)
def test_what_a_provider_said_before_its_connection_broke(pieces: list[bytes], kind: ErrorKind | None) -> None:
    reader = reader_of()
    assert reader.said_at_last() is None, "nothing has come"
    reader.head(200, STREAM)
    for piece in pieces:
        reader.feed(piece)
    found = reader.said_at_last()
    assert (found.kind if found else None) is kind


def test_words_behind_a_failure_are_given_to_nobody() -> None:
    reader = reader_of()
    out = read(reader, chunk("a"), QUOTA + b"\n\n" + chunk("b"))
    assert (out.count(b'"a"'), out.count(b'"b"')) == (1, 0)
    assert reader.error is not None
    assert reader.error.kind is ErrorKind.QUOTA


def test_tokens_are_counted_where_the_provider_does_not() -> None:
    few, many = reader_of(), reader_of()
    read(few, chunk("a") + chunk(finish="stop") + DONE)
    read(many, chunk("a few more words, and some") + chunk(finish="stop") + DONE)
    assert few.usage is not None
    assert many.usage is not None
    assert 0 < few.usage.completion_tokens < many.usage.completion_tokens
    assert few.usage.prompt_tokens == many.usage.prompt_tokens > 0
    assert few.usage.total_tokens == few.usage.prompt_tokens + few.usage.completion_tokens


def test_after_the_first_word_all_is_passed_on_as_it_comes() -> None:
    reader = reader_of()
    reader.head(200, STREAM)
    reader.feed(chunk("a"))
    odd = {"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": "a"}]}}]}
    assert b"logprobs" in reader.feed(b"data: " + json.dumps(odd).encode() + b"\n\n")


@dataclasses.dataclass
class Filter:
    """Passes everything on, and says whether that is enough."""

    done: bool
    ended: bool = False

    def filter(self, events: list[Event]) -> list[Event]:
        return events


def changed(reader: AnswerReader, **source: Any) -> AnswerReader:
    """A reader of an answer to something else."""
    reader._source = dataclasses.replace(reader._source, **source)
    return reader


@pytest.mark.parametrize("done", [False, True])
def test_an_answer_of_which_there_is_enough_needs_no_end_of_its_body(done: bool) -> None:
    reader = changed(reader_of(), filters=(Filter(False), Filter(done)))
    reader.head(200, STREAM)
    reader.feed(chunk("a"))
    assert reader.closes_early is done


def test_the_first_word_is_noted_once() -> None:
    reader, spoke, times = reader_of(), list[float](), iter((5.0, 6.0, 7.0))
    reader._clock, reader._says_first = lambda: next(times), lambda: spoke.append(1)
    read(reader, chunk("a"), chunk("b"), chunk(finish="stop") + DONE)
    assert (reader.first_token_at, spoke) == (5.0, [1])


SITE = SimpleNamespace(name="site", web_session=True)
FILTERS = {"filtered_fails": True}


@pytest.mark.parametrize(
    ("source", "words", "reason", "begun", "kind"),
    [
        pytest.param({}, b"", "stop", False, None, id="an API may have nothing to say"),
        pytest.param({"provider": SITE}, b"", "stop", False, ErrorKind.PROVIDER_DOWN, id="a site has"),
        pytest.param({"provider": SITE}, b"", "length", False, None, id="it had no room"),
        pytest.param({"provider": SITE}, chunk("a"), "stop", False, None, id="it has said something"),
        pytest.param({"provider": SITE, "filters": (Filter(True),)}, b"", "stop", False, None, id="we ended it"),
        pytest.param(FILTERS, b"", "content_filter", False, ErrorKind.CONTENT_FILTERED, id="another stands in"),
        pytest.param(FILTERS, b"", "content_filter", True, None, id="but not once it has begun"),
        pytest.param(FILTERS, chunk("a"), "content_filter", False, None, id="nor after words"),
        pytest.param(FILTERS, b"", "stop", False, None, id="nor for another end"),
        pytest.param({}, b"", "content_filter", False, None, id="nor where nobody does"),
    ],
)
def test_an_answer_of_no_words(
    source: dict[str, Any], words: bytes, reason: str, begun: bool, kind: ErrorKind | None
) -> None:
    reader = changed(reader_of(), **source)
    reader.begun = begun
    out = read(reader, words + chunk(finish=reason) + DONE)
    assert (reader.error.kind if reader.error else None) is kind
    assert out.endswith(DONE) is (kind is None)


@dataclass
class Checked:
    """A Check that lets an answer out at a word, and finds a flaw at its end, or none."""

    found: Flaw | None
    word: str = ""

    def passes(self, events: Sequence[Event]) -> bool:
        return any(isinstance(event, Text) and event.text == self.word for event in events)

    def flaw(self, events: Sequence[Event]) -> Flaw | None:
        assert isinstance(events[-1], Finish)
        return self.found


def test_an_answer_that_passes_its_check_before_its_end_goes_on_as_any_other() -> None:
    reader = changed(reader_of(), check=Checked(Flaw((), ProviderError(ErrorKind.PROVIDER_DOWN, "no")), "b"))
    reader.head(200, STREAM)
    assert reader.feed(chunk("a")) == b""
    out = reader.feed(chunk("b"))
    assert out.index(b'"a"') < out.index(b'"b"')
    assert b'"c"' in reader.feed(chunk("c"))
    assert reader.feed(chunk(finish="stop") + DONE).endswith(DONE)
    assert reader.state is State.DONE


@pytest.mark.parametrize("passes", [True, False])
def test_an_answer_that_is_checked_is_given_out_whole_or_not_at_all(passes: bool) -> None:
    flaw = Flaw((), ProviderError(ErrorKind.PROVIDER_DOWN, "not as asked"))
    reader = changed(reader_of(), check=Checked(None if passes else flaw))
    reader.head(200, STREAM)
    assert reader.feed(chunk("a")) == b""
    out = reader.feed(chunk(finish="stop") + DONE)
    assert (out.count(b'"a"'), out.endswith(DONE)) == ((1, True) if passes else (0, False))
    assert (reader.flaw, reader.asks_again) == ((None, False) if passes else (flaw, True))
    assert reader.state is (State.DONE if passes else State.FAILED)


@pytest.mark.parametrize("usage", [USAGE, b""])
def test_tokens_of_an_earlier_attempt_count_too(usage: bytes) -> None:
    reader, plain = changed(reader_of(), spent=Usage(10, 20, 30)), reader_of()
    for one in (reader, plain):
        read(one, chunk("a") + chunk(finish="stop") + usage + DONE)
    assert plain.usage is not None
    assert reader.usage == plain.usage.with_spent(Usage(10, 20, 30))
    assert reader.usage.total_tokens == plain.usage.total_tokens + 30
    assert (reader.spent, plain.spent) == (plain.usage, plain.usage)


EARLY, WORDS = Usage(7, 1, 8), Text("some twelve letters")


@pytest.mark.parametrize(
    ("events", "spent"),
    [
        ((), None),
        ((EARLY,), EARLY),
        ((WORDS,), Usage(1, 5, 6)),
        ((WORDS, Usage(3, 4, 7)), Usage(3, 5, 8)),
        ((WORDS, Usage(3, 4, 7), Finish("length")), Usage(3, 4, 7)),
        ((EARLY, WORDS), Usage(7, 5, 12)),
        ((EARLY, Text("a")), EARLY),
    ],
)
def test_of_an_answer_that_was_left_what_has_come_is_counted(events: Sequence[Event], spent: Usage | None) -> None:
    """A client that leaves just before the end has had the words all the same."""
    reader = reader_of()
    reader.head(200, STREAM)
    for event in events:
        reader._take([event])
    assert reader.spent == spent


def test_an_answer_that_failed_its_check_has_cost_what_was_told() -> None:
    flaw = Flaw((), ProviderError(ErrorKind.PROVIDER_DOWN, "not as asked"))
    reader = changed(reader_of(), check=Checked(flaw))
    read(reader, chunk("some twelve letters") + USAGE + chunk(finish="stop") + DONE)
    assert (reader.state, reader.spent and reader.spent.total_tokens) == (State.FAILED, 3)
