"""What a request body may cost, however it is made: others wait for it."""

import json
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest
from pydantic_core import from_json

from addons.dialects import body
from addons.dialects.base import Dialect, ParsedRequest
from addons.dialects.body import LONG_NUMBERS_LIMIT, VALUES_LIMIT, all_at_once
from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.dialects.chat_completions.schema import ENTRIES_LIMIT, STOP_CHARS, TOOLS_LIMIT
from addons.dialects.completions.dialect import Completions
from addons.dialects.messages.dialect import Messages
from addons.errors import GatewayError
from providers.contract.provider import Model
from providers.openai.form import Form
from providers.openai.request import wire_request
from tests.support.counting import work_of
from tests.support.turns import chat_in

pytestmark = pytest.mark.untraced  # bodies of megabytes

MOST_WORK = 4_000_000
"""Calls and rounds of loops of one step, between which others have their turn. Measured: below 2,300,000."""
HI = '"model":"m","messages":[{"role":"user","content":"hi"}]'
MB = 1_000_000
MOST_MB = 31


def with_content(content: bytes) -> bytes:
    return b'{"model":"m","messages":[{"role":"user","content":' + content + b"}]}"


def with_field(value: bytes) -> bytes:
    return f'{{{HI},"x":'.encode() + value + b"}"


def listed(item: bytes, size: int) -> bytes:
    return b"[" + b",".join([item] * (size // (len(item) + 1))) + b"]"


BODIES: dict[str, Callable[[], bytes]] = {
    "text": lambda: with_content(b'"' + b"a, " * (MOST_MB * MB // 3) + b'"'),
    "escapes": lambda: with_content(b'"' + b"\\u4e2d" * (10 * MB // 6) + b'"'),
    "quotes": lambda: with_content(b'"' + b'\\"' * (MOST_MB * MB // 2) + b'"'),
    "Chinese": lambda: with_content(b'"' + "中".encode() * (MOST_MB * MB // 3) + b'"'),
    "an emoji and letters": lambda: with_content('"😀'.encode() + b"a" * (MOST_MB * MB) + b'"'),
    "long names": lambda: with_field(b"{" + b",".join(b'"%s%d":1' % (b"k" * 330, n) for n in range(90_000)) + b"}"),
    "a text that never ends": lambda: with_content(b'"' + b'\\"' * (5 * MB)),
    "nothing but quotes": lambda: b"[" + b'"' * (10 * MB),
    "blanks": lambda: b" " * (10 * MB) + f"{{{HI}}}".encode(),
    "objects": lambda: with_field(listed(b"{}", 10 * MB)),
    "lists": lambda: with_field(listed(b"[]", 10 * MB)),
    "names": lambda: with_field(b"{" + b",".join(b'"k%d":1' % n for n in range(10 * MB // 12)) + b"}"),
    "names within the limit": lambda: with_field(b"{" + b",".join(b'"k%d":1' % n for n in range(199_000)) + b"}"),
    "double names within the limit": lambda: with_field(listed(b'{"a":1,"a":1}', 900_000)),
    "numbers within the limit": lambda: with_field(listed(b"9" * 20, 4 * MB)),
    "floats within the limit": lambda: with_field(listed(b"1.2345678901234567e-300", 4 * MB)),
    "a number": lambda: with_field(b"9" * (10 * MB)),
    "depth": lambda: with_field(b"[" * (5 * MB) + b"]" * (5 * MB)),
    "parts": lambda: with_content(listed(b'{"type":"text","text":"a"}', 10 * MB)),
    "bad parts": lambda: with_content(listed(b'{"type":1}', 10 * MB)),
    "bad parts within the limit": lambda: with_content(listed(b'{"type":1}', ENTRIES_LIMIT * 11)),
    "big parts": lambda: with_content(listed(b'{"type":"text","text":"' + b"a" * 1000 + b'"}', ENTRIES_LIMIT * 1000)),
    "bad biases": lambda: (
        f'{{{HI},"logit_bias":{{'.encode() + b",".join(b'"k%d":""' % n for n in range(190_000)) + b"}}"
    ),
    "bad stops": lambda: f'{{{HI},"stop":'.encode() + listed(b"1", 398_000) + b"}",
    "messages that are none": lambda: b'{"model":"m","messages":' + listed(b"1", 398_000) + b"}",
}


def steps_of(dialect: Dialect, raw: bytes) -> tuple[list[int], ParsedRequest | GatewayError]:
    """The work of each step, and how it ended."""
    reading = dialect.read(raw, VALUES_LIMIT)
    taken: list[int] = []
    while True:
        ended, work = work_of(partial(step, reading))
        taken.append(work)
        if ended is not None:
            return taken, ended


def step(reading: Generator[None, None, ParsedRequest]) -> ParsedRequest | GatewayError | None:
    """One step; its end where it was the last."""
    try:
        next(reading)
    except StopIteration as end:
        parsed: ParsedRequest = end.value
        return parsed
    except GatewayError as error:
        return error
    return None


@pytest.mark.parametrize("name", BODIES)
def test_no_body_holds_others(name: str) -> None:
    for dialect in (ChatCompletions(), Completions(), Messages()):
        taken, ended = steps_of(dialect, BODIES[name]())
        assert max(taken) < MOST_WORK
        assert not isinstance(ended, GatewayError) or ended.status == 400


@pytest.mark.parametrize("name", ["text", "quotes", "Chinese", "an emoji and letters", "long names", "big parts"])
def test_no_body_holds_others_when_it_is_written_again(name: str) -> None:
    chat = chat_in(ChatCompletions().parse(BODIES[name]()))
    wire, work = work_of(lambda: wire_request(chat, Model("m", "m", tools="native"), Form()))
    body = wire.body
    assert work < MOST_WORK
    assert from_json(body)["messages"] == from_json(BODIES[name]())["messages"]


@pytest.mark.parametrize("name", ["objects", "lists", "names", "parts", "bad parts", "nothing but quotes"])
def test_too_many_values_are_refused_unread(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "from_json", None)
    with pytest.raises(GatewayError) as caught:
        ChatCompletions().parse(BODIES[name]())
    assert caught.value.code == "too_many_values"
    assert "200000" in caught.value.message
    assert "limits.body_values" in caught.value.message


def test_the_limit_is_the_configured_one() -> None:
    raw = with_field(listed(b"1", 200))
    with pytest.raises(GatewayError, match="more than 50 JSON values"):
        all_at_once(ChatCompletions().read(raw, 50))
    all_at_once(ChatCompletions().read(raw, 200))


def test_a_body_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parses: list[str] = []

    def parse(*args: Any, **options: Any) -> Any:
        parses.append("body")
        return from_json(*args, **options)

    monkeypatch.setattr(body, "from_json", parse)
    monkeypatch.setattr("json.loads", None)
    ChatCompletions().parse(f"{{{HI}}}".encode())
    assert parses == ["body"]


def refusal(raw: bytes) -> GatewayError:
    """What the gateway refuses the request for, or a web session would."""
    try:
        found = ChatCompletions().parse(raw).refusal
    except GatewayError as error:
        found = error
    assert found is not None
    assert found.status == 400
    return found


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        pytest.param(with_content(listed(b'{"type":"z"}', ENTRIES_LIMIT * 13 + 13)), "messages", id="parts"),
        pytest.param(
            f'{{{HI},"tools":'.encode() + listed(b'{"type":"z"}', TOOLS_LIMIT * 13 + 13) + b"}", "tools", id="t"
        ),
        pytest.param(f'{{{HI},"stop":"{"a" * (STOP_CHARS + 1)}"}}'.encode(), "stop", id="a long stop string"),
        pytest.param(f'{{{HI},"logit_bias":{{"1":2,"2":"x"}}}}'.encode(), "logit_bias", id="a bias that is none"),
        pytest.param(with_field(b"9" * 39), "x", id="a whole number of 39 nines"),
    ],
)
def test_what_is_too_much_is_named(raw: bytes, param: str) -> None:
    assert refusal(raw).param == param


def test_long_numbers_are_few() -> None:
    all_at_once(ChatCompletions().read(with_field(listed(b"9" * 38, LONG_NUMBERS_LIMIT * 39)), VALUES_LIMIT))
    error = refusal(with_field(listed(b"9" * 38, (LONG_NUMBERS_LIMIT + 1) * 39)))
    assert (error.code, "64 bits" in error.message) == ("too_many_values", True)


def test_a_number_too_long_to_read_is_refused() -> None:
    assert "400 digits" in refusal(with_field(b"1" * 100_000)).message


def test_a_double_name_in_a_big_body_is_refused_without_its_place() -> None:
    error = refusal(with_field(b'{"a":1,"a":2,"b":"' + b"x" * (5 * MB) + b'"}'))
    assert (error.code, error.param) == ("invalid_json", None)


def test_mistakes_are_told_one_by_one() -> None:
    items = json.dumps([{"type": 1}] * 500)
    assert refusal(with_content(items.encode())).param == "messages[0].content[0].type"
