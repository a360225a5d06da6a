from addons.features.tools.forms.marked import HELD_CHARS, MarkedBlock
from addons.features.tools.judge import Judge
from tests.features.tools.reading import CLOSE, OPEN, boxed
from tests.features.tools.sinks import Noted

CALL = '{"name": "read", "arguments": {"path": "a"}}'
READ = ["read", '{"path":"a"}']


def block(sink: Noted, *, follows: bool = False, keeps: bool = False) -> MarkedBlock:
    return MarkedBlock(Judge(boxed(), lambda text: False), sink, OPEN, follows=follows, keeps=keeps)


def feed(reading: MarkedBlock, text: str) -> None:
    reading.feed(text, 0, len(text))


def test_arguments_go_out_as_they_arrive() -> None:
    sink = Noted()
    reading = block(sink)
    feed(reading, '\n{"name": "write", "arguments": {"path": "a", "content": "on')
    assert sink.calls == [["write", '{"path":"a","content":"on']]
    assert reading.in_string
    feed(reading, 'e"}}\n')
    reading.close(CLOSE)
    assert sink.calls == [["write", '{"path":"a","content":"one"}']]
    assert (sink.said, sink.broken, sink.sources) == ("", 0, [])


def test_an_object_in_another_order_is_read_when_it_is_whole() -> None:
    sink = Noted()
    reading = block(sink)
    feed(reading, '{"arguments": {"path": "a"}, "name": "read"')
    assert sink.calls == []
    feed(reading, "}")
    assert sink.calls == [READ]


def test_what_breaks_off_in_a_string_is_said_to() -> None:
    sink = Noted()
    reading = block(sink)
    feed(reading, '{"name": "write", "arguments": {"path": "a')
    reading.close(complete=False)
    assert (sink.broken, sink.calls) == (1, [["write", '{"path":"a']])


def test_its_text_is_told_at_last_where_that_is_wanted() -> None:
    sink = Noted()
    reading = block(sink, keeps=True)
    feed(reading, f"{CALL} {CALL}")
    reading.close(CLOSE)
    assert (sink.calls, sink.sources) == ([READ, READ], [f"{OPEN}{CALL} {CALL}{CLOSE}"])


def test_a_block_without_any_call_is_text() -> None:
    sink = Noted()
    reading = block(sink)
    feed(reading, ' nothing {"a": 1} ')
    reading.close(CLOSE)
    assert (sink.said, sink.calls) == (f'{OPEN} nothing {{"a": 1}} {CLOSE}', [])


def test_one_that_holds_nothing_was_meant_to_close_the_call_before_it() -> None:
    for follows, said in ((True, ""), (False, f"{OPEN}\n{CLOSE}")):
        sink = Noted()
        reading = block(sink, follows=follows)
        feed(reading, "\n")
        reading.close(CLOSE)
        assert (sink.said, sink.calls) == (said, [])


def test_tags_may_stand_in_it() -> None:
    sink = Noted()
    reading = block(sink)
    feed(reading, "read<arg_key>path</arg_key><arg_value>a</arg_value>")
    reading.close(CLOSE)
    assert sink.calls == [READ]


def test_what_is_held_has_a_bound() -> None:
    sink = Noted()
    reading = block(sink)
    text = '{"a": "' + "x" * HELD_CHARS
    feed(reading, text)
    assert sink.said == OPEN + text


def test_content_beside_the_name_is_an_argument_where_all_arguments_stand_there() -> None:
    sink = Noted()
    reading = block(sink)
    feed(reading, '{"name": "write", "path": "a", "content": "one"}')
    assert (sink.said, sink.calls) == ("", [["write", '{"path":"a","content":"one"}']])
