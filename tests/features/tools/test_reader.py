import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.features.tools.cutter import MADE_UP
from addons.features.tools.forms.marked import HELD_CHARS
from addons.features.tools.judge import JUDGED_LIMIT, NEAR_NAME
from addons.features.tools.reader import MORE_CALLS
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Citation, Failure, Finish, Image, Reasoning, Text, ToolCallDelta, Usage, Withdrawn
from tests.features.tools.reading import CLOSE, MARK, OPEN, answer_of, boxed, read, read_anyhow, reader
from tests.support.counting import work_of

PIECES = (
    "a", " ", "\n", "<", ">", "{", "}", "[", "]", "`", "```", "```json\n", '"', "'", ",", ":", "\\", "(", ")", "é",
    "</think>", "<|a|>", f"<result-{MARK}>", "read", "read(", "调用", "调用函数: read", "list_all", OPEN, CLOSE,
    OPEN[:9], "<call-aaaaaaaa>",
    '{"name": "read", ', '"arguments": ', '{"path": "a"}', '{"name": "read", "arguments": {"path": "a"}}', '{"a": 1}',
    "<tool_call>", "</tool_call>", "<arg_key>path</arg_key>", "<arg_value>", "</arg_value>", "<tool_calls>",
    "<function=read>",    "<parameter=path>", "</parameter>", "</function>", '<invoke name="read">',
    '<read path="a"/>', "<read>", "<path>",
    "</path>",    f'{OPEN}{{"name": "write", "arguments": {{"path": "', '"content": "',
)  # fmt: skip
READ = ("read", {"path": "a"})
CALL = '{"name": "read", "arguments": {"path": "a"}}'


@pytest.mark.parametrize(
    ("text", "said", "calls"),
    [
        pytest.param(f"{OPEN}\n{CALL}\n{CLOSE}", "", [READ], id="as asked for"),
        pytest.param(f"\n\n{OPEN}{CALL}{CLOSE}\n", "", [READ], id="blanks around"),
        pytest.param(f"Let me look.\n{OPEN}{CALL}{CLOSE}", "Let me look.", [READ], id="text before"),
        pytest.param(f"{OPEN}{CALL}{CLOSE}\n\nDone.", "Done.", [READ], id="text behind"),
        pytest.param(f"A{OPEN}{CALL}{CLOSE} {OPEN}{CALL}{CLOSE}B", "AB", [READ, READ], id="two blocks"),
        pytest.param(f"{OPEN}{CALL}\n{CALL}{CLOSE}", "", [READ, READ], id="two objects in one block"),
        pytest.param(f"{OPEN}[{CALL}, {CALL}]{CLOSE}", "", [READ, READ], id="a list in one block"),
        pytest.param(f"{OPEN}{CALL}", "", [READ], id="no closer"),
        pytest.param(f"{OPEN}{CALL}{OPEN}{CALL}{CLOSE}", "", [READ, READ], id="no closer before the next"),
        pytest.param(f"{OPEN}\n```json\n{CALL}\n```\n{CLOSE}", "", [READ], id="a fence inside"),
        pytest.param(f"{OPEN[:-1]}\n{CALL}{CLOSE[:-1]}", "", [READ], id="no brackets at the tags' ends"),
        pytest.param(f'{OPEN}{{"id": "call_7", {CALL[1:]}{CLOSE}', "", [READ], id="an id"),
        pytest.param(f'{OPEN}{CALL[:-1]}, "id": "call_7"}}{CLOSE}', "", [READ], id="an id behind"),
        pytest.param(
            f'{OPEN}{{"arguments": {{"path": "a"}}, "name": "read"}}{CLOSE}', "", [READ], id="the name behind"
        ),
        pytest.param(
            f'{OPEN}{{"name": "read", "arguments": "{{\\"path\\": \\"a\\"}}"}}{CLOSE}',
            "",
            [READ],
            id="JSON text",
        ),
        pytest.param(f'{OPEN}{{"name": "read", "path": "a"}}{CLOSE}', "", [READ], id="arguments beside the name"),
        pytest.param(f"{OPEN}{{'name': 'read', 'arguments': {{'path': 'a',}}}}{CLOSE}", "", [READ], id="Python"),
        pytest.param(f"{OPEN}{CALL[:-1]}{CLOSE}", "", [READ], id="a bracket too few"),
        pytest.param(f"{OPEN}{CALL}}}{CLOSE}", "", [READ], id="a bracket too many"),
        pytest.param(
            f'{OPEN}{{"name": "shell_run", "arguments": {{"command": "ls"}}}}{CLOSE}',
            "",
            [("Bash", {"command": "ls"})],
            id="an alias",
        ),
        pytest.param(f'{OPEN}{{"name": "list_all"}}{CLOSE}', "", [("list_all", {})], id="no arguments"),
        pytest.param(f'{OPEN}{{"name": "list_all", "arguments": {{}}}}{CLOSE}', "", [("list_all", {})], id="empty"),
        pytest.param(
            f'{OPEN}{{"name": "get_weather", "arguments": {{"city": "Bern", "days": "3", "metric": "true"}}}}{CLOSE}',
            "",
            [("get_weather", {"city": "Bern", "days": 3, "metric": True})],
            id="types",
        ),
        pytest.param(
            f'{OPEN}{{"name": "write", "arguments": {{"path": "a", "content": "x\ny \\"z\\" \\u00e9 {{"}}}}{CLOSE}',
            "",
            [("write", {"path": "a", "content": 'x\ny "z" é {'})],
            id="raw line ends and escapes",
        ),
        pytest.param(
            f'{OPEN}{{"name": "write", "arguments": {{"path": "a", "content": "say "hi" now"}}}}{CLOSE}',
            "",
            [("write", {"path": "a", "content": 'say "hi" now'})],
            id="quotes that are not escaped",
        ),
    ],
)
def test_our_own_form(text: str, said: str, calls: list[tuple[str, Any]]) -> None:
    found = read_anyhow(text)
    assert (found.text, found.calls, found.reason) == (said, calls, "tool_calls")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello < there <call- <call-k3j9x2a> </call-k3j9x2a",
        " \n blanks",
        "  \n ",
        f"{OPEN}{CLOSE}",
        f"{OPEN} nothing {CLOSE} more",
        f'{OPEN}{{"name": "unknown_tool", "arguments": {{"path": "a"}}}}{CLOSE}',
        f'{OPEN}{{"a": 1}}',
        f"a {OPEN[:-1]}",
        f"a {OPEN[:-2]}",
    ],
)
def test_what_is_no_call_is_text_as_it_came(text: str) -> None:
    found = read_anyhow(text)
    assert (found.text, found.calls, found.reason) == (text, [], "stop")


def test_text_flows_at_once_and_arguments_as_they_arrive() -> None:
    reading = reader()
    told = [reading.filter([Text(piece)]) for piece in ("Hi ", "there <", f"call-{MARK}", ">\n{")]
    assert told == [[Text("Hi")], [Text(" there")], [], []]
    first = reading.filter([Text('"name": "write", "arguments": {"path": "a", "content": "on')])
    assert first == [ToolCallDelta(0, "call_1", "write", '{"path":"a","content":"on')]
    assert reading.filter([Text("e\n")]) == [ToolCallDelta(0, None, None, "e\\n")]
    assert reading.filter([Text('two"')]) == [ToolCallDelta(0, None, None, "two")]
    assert reading.filter([Text(f"}}}}{CLOSE}"), Finish("stop")]) == [
        ToolCallDelta(0, None, None, '"}'),
        Finish("tool_calls"),
    ]


def test_an_answer_that_was_cut_off_in_a_call_ends_in_it() -> None:
    begun = f'{OPEN}{{"name": "write", "arguments": {{"path": "a", "content": "on'
    found = read_anyhow(begun, reason="length")
    assert (found.calls, found.reason, found.text) == ([("write", '{"path":"a","content":"on')], "length", "")


@pytest.mark.parametrize("begun", [OPEN[:-1], OPEN, f'{OPEN}{{"name": "wri', f'{OPEN}{{"name": "write", "argum'])
def test_a_call_that_was_cut_off_before_its_arguments_is_nothing(begun: str) -> None:
    """Nobody can use it, and what the model is told of calls is none of the client's business."""
    found = read_anyhow(f"Hi {begun}", reason="length")
    assert (found.calls, found.reason, found.text) == ([], "length", "Hi")


@pytest.mark.parametrize("unit", [f"{OPEN}{CALL}{CLOSE}", f"{CALL}\n", "read({'path': 1x})\n"])
def test_only_so_many_calls_of_an_answer_are_looked_at(unit: str) -> None:
    """A hostile answer that comes in one piece must not hold everybody."""

    def work(count: int) -> int:
        return work_of(lambda: read([unit * count]))[1]

    few, many = work(2 * JUDGED_LIMIT), work(8 * JUDGED_LIMIT)
    assert many < 1.2 * few


def test_what_is_beyond_the_calls_that_are_looked_at_is_text() -> None:
    found = read([f"{CALL}\n" * JUDGED_LIMIT + f"{CALL} end"])
    assert found.text.endswith(f"{CALL} end")


def test_what_may_be_anything_is_told_where_an_answer_is_cut_off() -> None:
    for begun in ("<", "<ca", "<call-"):
        assert read_anyhow(f"Hi {begun}", reason="length").text == f"Hi {begun}"


def test_a_whole_call_before_the_cut_counts() -> None:
    found = read_anyhow(f"{OPEN}{CALL}{CLOSE} and so", reason="length")
    assert (found.reason, found.text) == ("length", "and so")
    assert found.calls == [READ]


def test_what_failed_gives_what_was_held_before_it() -> None:
    failure = Failure(ProviderError(ErrorKind.INCOMPLETE, "broke off"))
    reading = reader()
    reading.filter([Text("A <call-")])
    assert reading.filter([failure]) == [Text(" <call-"), failure]


def test_what_failed_gives_the_thinking_that_was_held_too() -> None:
    failure = Failure(ProviderError(ErrorKind.INCOMPLETE, "broke off"))
    reading = reader()
    told = reading.filter([Reasoning(f"A {OPEN}{CALL}{CLOSE} and <"), failure])
    assert answer_of(told).thinking == f"Aand < {OPEN}{CALL}{CLOSE}"
    assert told[-1] == failure


def test_a_picture_comes_behind_the_text_before_it() -> None:
    reading, picture = reader(), Image("https://a.example/1.png")
    reading.filter([Text("A <")])
    assert reading.filter([picture]) == [Text(" <"), picture]


def test_other_events_hold_nothing_up() -> None:
    reading = reader()
    reading.filter([Text("A <")])
    assert reading.filter([Usage(1, 2, 3)]) == [Usage(1, 2, 3)]


def test_only_the_first_call_counts_where_one_was_asked_for() -> None:
    reading = reader(boxed(parallel=False))
    found = answer_of(reading.filter([Text(f"{OPEN}{CALL}{CALL}{CLOSE}{OPEN}{CALL}{CLOSE}"), Finish("stop")]))
    assert (found.calls, found.text, found.reason) == ([READ], "", "tool_calls")
    assert reading.unknown == {MORE_CALLS: 2}


def test_nothing_counts_behind_a_result_that_the_model_made_up() -> None:
    made_up = f'<result-{MARK} id="call_1" name="read">x</result-{MARK}>\n{OPEN}{CALL}{CLOSE} Done.'
    found = read_anyhow(f"A{OPEN}{CALL}{CLOSE}\n{made_up}")
    assert (found.text, found.calls, found.reason) == ("A", [READ], "tool_calls")
    reading = reader()
    reading.filter([Text(f"{OPEN}{CALL}{CLOSE}{made_up}")])
    assert reading.unknown == {MADE_UP: 1}


def test_nothing_is_a_call_where_none_may_be() -> None:
    text = f"{OPEN}{CALL}{CLOSE}"
    found = read_anyhow(text, boxed("none"))
    assert (found.calls, found.text, found.reason) == ([], text, "stop")


def test_what_is_withdrawn_is_void() -> None:
    reading = reader()
    events = reading.filter([Text(f"{OPEN}{CALL}{CLOSE} a <"), Withdrawn(), Text("b"), Finish("stop")])
    assert events[-3:] == [Withdrawn(), Text("b"), Finish("stop")]


def test_a_near_name_is_taken_and_counted() -> None:
    reading = reader()
    call = '{"name": "get-wether", "arguments": {"city": "Bern"}}'
    found = answer_of(reading.filter([Text(f"{OPEN}{call}{CLOSE}"), Finish("stop")]))
    assert found.calls == [("get_weather", {"city": "Bern"})]
    assert reading.unknown == {NEAR_NAME: 1}


def test_candidates_are_kept_apart() -> None:
    reading = reader()
    reading.filter([Text("A <", 0), Text(OPEN, 1), Text(CALL, 1)])
    found = reading.filter([Text("b", 0), Text(CLOSE, 1), Finish("stop", ((1, "stop"),))])
    assert found == [Text(" <b", 0), Finish("stop", ((1, "tool_calls"),))]


def test_thinking_without_a_call_flows_as_it_is() -> None:
    reading = reader()
    thoughts = [Reasoning("I will"), Reasoning(" read."), Reasoning(" 1 < 2")]
    assert reading.filter(thoughts) == thoughts


@pytest.mark.parametrize(
    ("thinking", "text", "left", "counts"),
    [
        pytest.param(f"Let me see. {OPEN}{CALL}{CLOSE}", "", "Let me see.", True, id="no answer"),
        pytest.param(f"Let me see. {OPEN}{CALL}", "I look.", "Let me see.", True, id="at the end, not closed"),
        pytest.param(f"{OPEN}{CALL}{CLOSE} or not?", " \n", "or not?", True, id="not at the end, a blank answer"),
        pytest.param(
            f"Say {OPEN}{CALL}{CLOSE} or not?",
            "I do not.",
            f"Sayor not? {OPEN}{CALL}{CLOSE}",
            False,
            id="not at the end, and an answer",
        ),
    ],
)
def test_a_call_in_the_thinking_counts_where_the_answer_has_none(
    thinking: str, text: str, left: str, counts: bool
) -> None:
    for pieces in ([Reasoning(thinking), *([text] if text else ())], [*map(Reasoning, thinking), *text]):
        found = read(pieces)
        assert (found.calls, found.thinking) == ([READ] if counts else [], left)
        assert (found.text, found.reason) == (text.strip(), "tool_calls" if counts else "stop")


def test_a_string_that_breaks_off_is_not_taken_for_all_of_it() -> None:
    """Sites that cut a long answer say that it stopped; half a file must not be written as a whole one."""
    begun = f'{OPEN}{{"name": "write", "arguments": {{"path": "a", "content": "on'
    for text in (begun, f"{begun}{CLOSE}", f"{begun}}}}}\n{CLOSE}\n"):
        found = read_anyhow(text)
        assert (found.text, found.reason) == ("", "length")
        assert found.calls[0][1].startswith('{"path":"a","content":"on')


def test_a_closing_tag_within_a_string_is_text() -> None:
    text = f'{OPEN}{{"name": "write", "arguments": {{"path": "a", "content": "x {CLOSE} y"}}}}{CLOSE}'
    assert read_anyhow(text).calls == [("write", {"path": "a", "content": f"x {CLOSE} y"})]


def test_a_call_in_the_answer_makes_that_in_the_thinking_void() -> None:
    other = '{"name": "list_all", "arguments": {}}'
    assert read([Reasoning(f"{OPEN}{CALL}{CLOSE}"), f"{OPEN}{other}{CLOSE}"]).calls == [("list_all", {})]


@pytest.mark.parametrize(
    "begun",
    [
        OPEN + "{",
        f'{OPEN}{{"name": "todo", "arguments": "',
        '{"name": "read", "arguments": {"a": "',
        "<tool_call>read<arg_key>",
    ],
)
def test_what_is_held_is_bounded(begun: str) -> None:
    reading, size = reader(), 2 * HELD_CHARS
    told = reading.filter([Text("Hi"), Text(begun + "a" * size)])
    said = "".join(event.text for event in told if isinstance(event, Text))
    assert len(said) >= size - HELD_CHARS
    assert f"Hi{begun}aaa".startswith(said[: len(begun) + 5])


def test_a_string_of_any_length_goes_out_as_it_arrives() -> None:
    reading = reader()
    reading.filter([Text(f'{OPEN}{{"name": "write", "arguments": {{"content": "')])
    piece = "word " * 20_000
    for _ in range(10):
        assert reading.filter([Text(piece)]) == [ToolCallDelta(0, None, None, piece)]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.randoms(use_true_random=False))
def test_the_outcome_is_the_same_however_it_is_cut(parts: list[str], chance: random.Random) -> None:
    text = "".join(parts)
    whole = read([text] if text else [])
    places = sorted(chance.sample(range(len(text) + 1), min(len(text), chance.randint(1, 12))))
    pieces = [text[begin:end] for begin, end in itertools.pairwise([0, *places, len(text)]) if begin < end]
    assert read(pieces) == whole
    assert read(list(text)) == whole


@given(st.text(st.sampled_from("<{[`'\"\\:,}]>/ \nacdelort_"), max_size=80))
def test_text_without_a_call_is_not_changed(text: str) -> None:
    for pieces in ([text] if text else [], list(text)):
        found = read(pieces)
        assert found.calls or found.text == text


SOURCE = Citation("https://a.example/", "A", "[[1]]", 4, 9)
PLACELESS = Citation("https://a.example/", "A", "[[1]]")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        pytest.param("See [[1]]", SOURCE, id="text"),
        pytest.param("See [[1]] {", PLACELESS, id="what may be a call"),
        pytest.param("See `[[1]]", SOURCE, id="what is quoted"),
        pytest.param(f"{OPEN}{CALL}{CLOSE}See [[1]]", PLACELESS, id="a call before it"),
        pytest.param(f'{OPEN}{{"name": "read", "arguments": {{"path": "[[1]]', PLACELESS, id="within a call"),
        pytest.param('{"name": "read", "arguments": {"path": "[[1]]', PLACELESS, id="within what may be a call"),
    ],
)
def test_a_citation_keeps_its_place_while_the_text_is_told_as_it_came(before: str, told: Citation) -> None:
    found = reader().filter([Text(before), SOURCE])
    assert found[-1] == told


def test_a_call_in_another_candidate_moves_no_citation() -> None:
    found = reader().filter([Text(f"{OPEN}{CALL}{CLOSE}", 1), Text("See [[1]]"), SOURCE])
    assert found[-1] == SOURCE
