"""YAML within bounds: everything a configuration needs, nothing that grows."""

import contextlib
import itertools

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from addons.config.yaml_reading import VALUES_LIMIT, YamlProblem, read_yaml


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("# only words\n", id="a comment"),
        pytest.param("a: 1\nb: [x, 2.5, true, null, ~, 0x1f, 0o7, 1_000, .inf]\n", id="scalars"),
        pytest.param("a: 'no'\nb: \"12\"\nc: !!str 12\n", id="quoted"),
        pytest.param("a: yes\nb: off\nc: 12:30\nd: 2001-12-14\n", id="words of YAML 1.1"),
        pytest.param("a: |\n  two\n  lines\nb: >\n  one\n  line\n", id="blocks"),
        pytest.param("a: &x {k: 1, l: [2]}\nb: *x\nc: [*x, *x]\n", id="aliases"),
        pytest.param("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n", id="merged"),
        pytest.param("a: &x {k: 1}\nb: &y {k: 2, m: 3}\nc: {<<: [*x, *y], n: 4}\n", id="several merged"),
        pytest.param("- 1\n- [a, {b: c}]\n", id="a list"),
        pytest.param("\ufeffa: 1\n", id="a mark at the start"),
        pytest.param('{"a": {"b": ["c", 1, null, true]}}', id="JSON"),
        pytest.param("1: a\ntrue: b\n", id="keys that are no texts"),
    ],
)
def test_it_reads_what_yaml_says(text: str) -> None:
    assert read_yaml(text).value == yaml.safe_load(text)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_it_reads_whatever_yaml_writes(value: object) -> None:
    assert read_yaml(yaml.safe_dump(value, allow_unicode=True)).value == value


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(YamlProblem):
        read_yaml(text)


def laughs(depth: int) -> str:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, depth)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("x: 2001-13-45", "month", id="a date that is none"),
        pytest.param("x: 0b_", "not valid YAML", id="a number without digits"),
        pytest.param("a: &x [*x]", "contains itself", id="a list in itself"),
        pytest.param("a: &x {b: *x}", "contains itself", id="a mapping in itself"),
        pytest.param("a: *nobody", "not defined", id="an alias to nothing"),
        pytest.param(laughs(9), "more than", id="a billion laughs"),
        pytest.param("a: " + "[" * 20_000 + "]" * 20_000, "nested deeper", id="deep lists"),
        pytest.param("{a: " * 5_000, "nested deeper", id="deep mappings"),
        pytest.param("- - - " * 3_000 + "x", "nested deeper", id="deep blocks"),
        pytest.param("a: [" + "1," * (VALUES_LIMIT + 1) + "]", "more than", id="many values"),
        pytest.param("a: " + "x" * 70_000, "more than 64 KB", id="a long text"),
        pytest.param("x" * 70_000 + ": a", "64 KB|not valid YAML", id="a long key"),
        pytest.param("a: !!python/object/apply:os.system ['true']", "kind that is not read", id="a call"),
        pytest.param("a: !!python/name:os.system x", "kind that is not read", id="a name"),
        pytest.param("a: !!binary aGk=", "kind that is not read", id="bytes"),
        pytest.param("a: !!set {b}", "kind that is not read", id="a set"),
        pytest.param("a: =", "kind that is not read", id="a value that is none"),
        pytest.param("? [a, b]\n: c", "not a plain word", id="a list as key"),
        pytest.param("a: 1\n---\nb: 2", "more than one", id="two documents"),
        pytest.param("a: {<<: [1, 2]}", "brings in", id="merging no mappings"),
        pytest.param("\t- a", "not valid YAML", id="a tab"),
        pytest.param('a: "\\0"', "zero byte", id="a zero byte"),
        pytest.param('a: "\\ud800"', "not valid YAML", id="half a surrogate"),
        pytest.param("a: !!int " + "9" * 5_000, "kind that is not read", id="a number without end"),
    ],
)
def test_what_does_harm_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(YamlProblem, match=words) as caught:
        read_yaml("# first\n" + text)
    assert caught.value.line is not None
    assert caught.value.line >= 2 or "document" in str(caught.value)


def test_what_looks_like_an_endless_number_is_text() -> None:
    for text in ("9" * 5_000, ":".join(["59"] * 20_000), "0x" + "f" * 5_000, "1" * 101 + ".5"):
        assert read_yaml(f"a: {text}").value == {"a": text}


def test_lines_and_keys_that_stand_twice() -> None:
    found = read_yaml("a:\n  b: 1\n  c: [x,\n    y]\n  b: 2\n")
    assert found.lines[("a", "c", 1)] == 4
    assert found.twice == {("a", "b"): 2}
    assert found.lines[("a", "b")] == 5


def test_growth_is_bounded_however_aliases_are_stacked() -> None:
    """Whatever is refused is refused after a bounded number of values, counted over all that aliases stand for."""
    for width, depth in itertools.product((2, 9, 50), (5, 30)):
        lines = ["a0: &a0 {k: v}"] + [
            f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * width)}], k{i}: [{', '.join([f'*a{i - 1}'] * width)}]}}"
            for i in range(1, depth)
        ]
        text = "\n".join(lines)
        if (2 * width) ** (depth - 1) > VALUES_LIMIT:
            with pytest.raises(YamlProblem, match="more than"):
                read_yaml(text)
