import pytest

from addons.features.tools.json_scan import DEPTH_LIMIT, JsonScan


@pytest.mark.parametrize(
    "value",
    [
        "{}",
        '{"a": [1, {"b": null}], "c": "}"}',
        '{"a": "\\"}"}',
        "['a', \"it's\", don't]",
        '{"a": "x\ny"}',
        '{"a": "<b>`c`"}',
    ],
)
def test_the_end_of_a_value_however_it_is_cut(value: str) -> None:
    text = f"{value} behind"
    for cut in range(1, len(text)):
        scan = JsonScan()
        stop = scan.feed(text, 0, cut)
        assert scan.over == (cut >= len(value))
        assert scan.feed(text, stop, len(text)) == len(value) or scan.over
        assert (scan.over, scan.whole, scan.in_string) == (True, True, False)


@pytest.mark.parametrize(("text", "stop"), [('{"a": 1 </x>', 8), ('{"a": [1]```', 9)])
def test_what_no_json_can_hold_ends_one_that_was_not_closed(text: str, stop: int) -> None:
    scan = JsonScan()
    assert scan.feed(text, 0, len(text)) == stop
    assert (scan.over, scan.whole) == (True, False)


def test_a_text_that_ends_in_a_string() -> None:
    scan = JsonScan()
    assert scan.feed('{"a": "x}', 0, 9) == 9
    assert (scan.over, scan.in_string) == (False, True)


def test_it_is_not_followed_into_any_depth() -> None:
    scan = JsonScan()
    assert scan.feed("[" * 1000, 0, 1000) == DEPTH_LIMIT + 1
    assert (scan.over, scan.whole) == (True, False)


def test_who_watches_is_told_of_each_word_with_its_place() -> None:
    text, said = '{"a": [tru, 1], "b": {\'c\': "x\\"y"}}', [
        (1, "{", "a", True),
        (2, "[", "tru", False),
        (2, ",", "1", False),
        (1, ",", "b", True),
        (2, "{", "c", True),
        (2, ":", 'x"y', True),
    ]  # fmt: skip
    for cut in range(len(text)):
        told: list[tuple[int, str, str, bool]] = []
        scan = JsonScan(lambda *word, told=told: told.append(word))
        scan.feed(text, scan.feed(text, 0, cut), len(text))
        assert told == said
