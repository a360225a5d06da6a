import pytest

from addons.features.tools.forms.tag_attributes import HEAD_CHARS, TagAttributes


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param(">", {}, id="none"),
        pytest.param(' name="read">', {"name": "read"}, id="quoted"),
        pytest.param(' a=\'x "y"\' b = "z">', {"a": 'x "y"', "b": "z"}, id="both quotes"),
        pytest.param("=read>", {"": "read"}, id="without a name"),
        pytest.param(" n=3 >", {"n": "3"}, id="bare"),
        pytest.param(" all>", {"all": "true"}, id="without a value"),
        pytest.param(' a="1 &lt; 2 &amp; &quot;3&quot;">', {"a": '1 < 2 & "3"'}, id="entities"),
        pytest.param(' a="1 > 2\n<b>">', {"a": "1 > 2\n<b>"}, id="a bracket within quotes"),
    ],
)
def test_attributes_are_read_up_to_the_end_of_their_tag_however_it_is_cut(text: str, values: dict[str, str]) -> None:
    for cut in range(len(text) + 1):
        reading = TagAttributes()
        rest = text[reading.feed(text[:cut], 0, cut) :] + "behind"
        assert rest[reading.feed(rest, 0, len(rest)) :] == "behind"
        assert (reading.values, reading.over, reading.closed, reading.failed) == (values, True, False, False)


def test_a_tag_may_say_that_nothing_stands_in_it() -> None:
    reading = TagAttributes()
    assert reading.feed(' path="a"/>', 0, 11) == 11
    assert (reading.over, reading.closed) == (True, True)


@pytest.mark.parametrize("text", ['"', " {", " <b", " " * HEAD_CHARS])
def test_what_is_no_tag_fails(text: str) -> None:
    reading = TagAttributes()
    reading.feed(text, 0, len(text))
    assert (reading.failed, reading.over) == (True, False)


def test_a_value_in_quotes_may_be_long() -> None:
    text = f' content="{"x" * HEAD_CHARS * 3}">'
    reading = TagAttributes()
    reading.feed(text, 0, len(text))
    assert reading.values == {"content": "x" * HEAD_CHARS * 3}
