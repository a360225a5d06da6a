import pytest

from addons.features.tools.cutter import MADE_UP, Cutter, flows
from addons.features.tools.judge import Judge
from tests.features.tools.reading import CLOSE, MARK, OPEN, boxed, cuts
from tests.features.tools.sinks import Noted

CALL = '{"name": "read", "arguments": {"path": "a"}}'
READ = ["read", '{"path":"a"}']


def cutter(sink: Noted, *, keeps: bool = False) -> tuple[Cutter, Judge]:
    judge = Judge(boxed(), lambda text: False)
    return Cutter(judge, sink, MARK, keeps=keeps), judge


@pytest.mark.parametrize("text", ["a <", "a {", "[", "`", "a\n", "a ", "调"])
def test_a_piece_with_a_sign_does_not_flow_by_itself(text: str) -> None:
    assert not flows(text)
    assert flows(f"a{text.strip('<{[`调')}b") == ("\n" not in text)


@pytest.mark.parametrize(
    ("text", "said", "calls"),
    [
        pytest.param(f"Hi.\n\n```json\n{CALL}\n```\nBye.", "Hi.Bye.", [READ], id="a fence around"),
        pytest.param(f"</think><|a|>{CALL}}}]</tool>", "", [READ], id="what is nothing around"),
        pytest.param(f"{CALL}\n{CALL}", "", [READ, READ], id="two"),
        pytest.param(f'{{"a": 1}} {OPEN}{CALL}{CLOSE}', '{"a": 1}', [READ], id="data before"),
        pytest.param(f"`{CALL}`\n1 < 2\n", f"`{CALL}`\n1 < 2\n", [], id="no call"),
    ],
)
def test_what_is_call_and_what_is_text_however_it_is_cut(text: str, said: str, calls: list[list[str]]) -> None:
    for pieces in cuts(text):
        sink = Noted()
        reading, _ = cutter(sink)
        for piece in pieces:
            reading.feed(piece)
        reading.end()
        assert (sink.said, sink.calls) == (said, calls)


def test_idle_is_who_holds_nothing() -> None:
    sink = Noted()
    reading, _ = cutter(sink)
    idle = []
    for piece in ("Hi", " there", " ", "you <", "b> and", f" {CALL}", "."):
        reading.feed(piece)
        idle.append(reading.idle)
    assert idle == [True, True, False, False, True, False, True]


def test_the_text_that_was_dropped_is_told_with_its_calls_where_it_is_kept() -> None:
    sink = Noted()
    reading, _ = cutter(sink, keeps=True)
    reading.feed(f"Hi. {CALL}")
    reading.end()
    assert (sink.said, sink.sources) == ("Hi.", [f" {CALL}"])


def test_behind_a_result_that_the_model_made_up_nothing_is_read() -> None:
    sink = Noted()
    reading, judge = cutter(sink)
    reading.feed(f"{OPEN}{CALL}{CLOSE}<result-{MARK}>x</result-{MARK}> {OPEN}{CALL}{CLOSE} Done")
    reading.end()
    assert (sink.said, sink.calls, judge.unknown) == ("", [READ], {MADE_UP: 1})


def test_of_what_was_cut_off_nothing_is_made_up() -> None:
    for complete, calls in ((True, [READ]), (False, [])):
        sink = Noted()
        reading, _ = cutter(sink)
        reading.feed(CALL[:-1])
        reading.end(complete=complete)
        assert (sink.said, sink.calls) == ("" if complete else CALL[:-1], calls)
