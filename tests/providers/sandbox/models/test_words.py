"""Values found in the words of a prompt by the names of fields."""

import pytest

from providers.sandbox.models.words import Words, capitals, paths, places, quotes


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("The weather in Paris please", "city", "Paris"),
        ("How is it near Springfield today", "location", "Springfield"),
        ("the title is Blue and more", "title", "Blue"),
        ("set colour=red", "colour", "red"),
        ("with label 'a b'", "label", "a b"),
        ("write to out/a.txt", "file_path", "out/a.txt"),
        ("a file a.txt containing one line", "content", "one line"),
        ("a file a.py with this:\n```python\nx = 1\n```", "content", "x = 1\n"),
        ("replace `foo` with `bar`", "new_string", "bar"),
        ("mail it to a.b@example.com.", "email", "a.b@example.com"),
        ("run the command ls -la", "command", "ls -la"),
        ("A customer named '好 (x)'", "customer_name", "好 (x)"),
        ("nothing of it", "label", ""),
        ("who won in 1998?", "query", "who won in 1998?"),
    ],
)
def test_texts_by_the_names_of_fields(words: str, field: str, value: str) -> None:
    assert Words(words).text(field) == value


def test_an_absolute_path_stands_below_the_working_directory() -> None:
    words = Words("create a.txt", around="Working directory: /home/x\nmore")
    assert words.text("filePath", "The absolute path to the file") == "/home/x/a.txt"


def test_numbers_are_taken_by_name_and_then_in_their_order() -> None:
    words = Words("Add 2 and 3.5, with limit 7")
    assert words.number("limit", whole=True) == 7
    assert [words.number("a", whole=False), words.number("b", whole=False)] == [2, 3.5]
    assert words.number("c", whole=True) is None
    assert Words("it has 3").value("a") is None


def test_switches_and_members() -> None:
    assert Words("set verbose to false").truth("verbose") is False
    assert Words("be quick").truth("verbose") is None
    assert Words("as Fahrenheit please").member(["celsius", "fahrenheit"], "unit") == 1
    assert Words("unit is kelvin, not celsius").member(["celsius", "kelvin"], "unit") == 1


def test_what_words_hold() -> None:
    assert places("from Hong Kong to Tokyo") == ["Hong Kong", "Tokyo"]
    assert paths("see https://a.b/c.txt, src/a.py and b.md.") == ["src/a.py", "b.md"]
    assert quotes("it's \"a\" and 'b'") == ["a", "b"]
    assert capitals("Extract Jason Liu's age") == ["Jason Liu"]


def test_a_folder_that_is_said_to_be_the_working_one_goes_before_one_that_stands_near_the_words() -> None:
    around = "Paths of your workspace (see </description>).\nIn the current directory use /commands.\n"
    words = Words("create a.txt", around=f"{around}I'm currently working in the directory: /home/x\n")
    assert words.text("filePath", "The absolute path to the file") == "/home/x/a.txt"
