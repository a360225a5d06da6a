"""Words of a command, split as bash and cmd split them."""

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.importing.shell_words import OpenQuote, commands

WORDS = st.text(alphabet="ab '\"\\\t!*?~{}()[]=:,.%@é🌏", min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_quoted_words_come_back(words: list[str]) -> None:
    command = "curl " + " ".join(shlex.quote(word) for word in words)
    assert [word.text for word in commands(command)[0][1:]] == words


@pytest.mark.processes
@pytest.mark.parametrize(
    "written",
    [
        "a'b'\"c\"d", r'"a\"b\\c\d\$e"', r"a\ b\'c", r"$'a\tb\x41\101\'\\\"\e'", "$'\\u00e9\\xc3\\xa9'", "'a'\\''b'",
        '"a\\\nb"', "a\\\nb", "x$ '$y'", "a#b", '""', "'' x", "$'a\nb'", '"$"', "a~b", "{a}",
    ],
)  # fmt: skip
def test_words_are_split_as_bash_does(written: str) -> None:
    script = f"printf '%s\\0' {written}"
    out = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode()
    assert [word.text for word in commands(f"curl {written}")[0][1:]] == out.split("\0")[:-1]


@given(st.text(alphabet="curl -HXb'\"\\\n\r$`^&;|<>#@ax:=\u00e9\x00", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_split_or_is_cut_off(text: str) -> None:
    for start in ("curl ", 'curl ^"'):
        try:
            found = commands(start + text)
        except OpenQuote:
            continue
        assert all(found)


def split(text: str) -> list[list[str]]:
    return [[word.text for word in words] for words in commands(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" \n\t", []),
        ("a b; c & d | e && f", [["a", "b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a b\nc d", [["a", "b", "c", "d"]]),
        (
            "curl a\ncurl b\r\n  /bin/curl c\ncurl.exe d",
            [["curl", "a"], ["curl", "b"], ["/bin/curl", "c"], ["curl.exe", "d"]],
        ),
        ("a # b 'c\nd", [["a", "d"]]),
        ("a # to the end", [["a"]]),
        ("a > file b 2> file c", [["a", "b", "c"]]),
        ("a2> file b", [["a2", "b"]]),
        ("a >; b", [["a"], ["b"]]),
        ("a 2>&1 b", [["a", "b"]]),
        ("a \\\n b\\\nc", [["a", "bc"]]),
        ("a \"b;c\" 'd&e'", [["a", "b;c", "d&e"]]),
    ],
)
def test_commands_end_where_the_shell_ends_them(text: str, found: list[list[str]]) -> None:
    assert split(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('curl ^"a^&b^" ^\r\n -H ^"c: d^"', [["curl", "a&b", "-H", "c: d"]]),
        ("curl a ^\n 'b c'", [["curl", "a", "'b", "c'"]]),
        ('curl "x" ^"a^\\^"b^\\\\c^"', [["curl", "x", 'a"b\\c']]),
        ("curl ^$a `b` # c & curl d", [["curl", "$a", "`b`", "#", "c"], ["curl", "d"]]),
        ("curl.exe ^a\r\ncurl b", [["curl.exe", "a"], ["curl", "b"]]),
    ],
)
def test_copies_for_cmd_are_split_as_cmd_does(text: str, found: list[list[str]]) -> None:
    assert split(text) == found


@pytest.mark.parametrize("word", ["$x", "${x}", "$(x)", "`x`", '"a $x"', '"`x`"', "a$1", "$?", "b$@"])
def test_what_the_shell_would_fill_in_says_so(word: str) -> None:
    assert any(one.expands for one in commands(f"a {word}")[0])


@pytest.mark.parametrize("word", ["$", "'$x'", '"\\$x"', "\\$x", "$'x'", '"$"', "$ x", '$"x"', '"\\`"'])
def test_what_it_would_not_does_not(word: str) -> None:
    assert not any(one.expands for one in commands(f"a {word} b")[0])


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"$'\u20AC\U1F30F\x41\101\ca\e\q'", "€🌏AA\x01\x1bq"),
        (r"$'\UFFFFFFFF'", "\U0010ffff"),
        (r"$'\777'", "\ufffd"),
        (r"$'\ud800'", "?"),
        (r"$'a\'b'", "a'b"),
    ],
)
def test_escapes_of_ansi_c(written: str, text: str) -> None:
    assert split(written) == [[text]]


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a $'b\\'", 'a "b\\"', "a \\", 'curl ^"a'])
def test_an_open_quotation_mark_is_told(text: str) -> None:
    with pytest.raises(OpenQuote):
        commands(text)
