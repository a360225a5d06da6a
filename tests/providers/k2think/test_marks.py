"""The end marks of K2Think's models, out of a text that comes in pieces."""

from hypothesis import given
from hypothesis import strategies as st

from providers.k2think.marks import EndMarks, without_end_marks

PIECES = st.lists(st.sampled_from(["<|im_end|>", "<|endoftext|>", "<|im", "_end|>", "<", "|", " ", "\n", "a", "b c"]))


@given(PIECES, st.integers(0))
def test_the_same_at_every_cut(pieces: list[str], cut: int) -> None:
    whole = "".join(pieces)
    cut %= len(whole) + 1
    marks = EndMarks()
    assert marks.feed(whole[:cut]) + marks.feed(whole[cut:]) + marks.close() == without_end_marks(whole)
    single = EndMarks()
    assert "".join(map(single.feed, whole)) + single.close() == without_end_marks(whole)


@given(PIECES)
def test_only_marks_and_white_space_go(pieces: list[str]) -> None:
    whole = "".join(pieces)
    left = without_end_marks(whole)
    assert whole.startswith(left)
    assert not "".join(whole[len(left) :].split()).replace("<|im_end|>", "").replace("<|endoftext|>", "")
    assert without_end_marks(left) == left or not left.strip().endswith("|>")


def test_text_without_a_bracket_is_passed_on_as_it_is() -> None:
    marks = EndMarks()
    assert marks.feed("abc") == "abc"
    assert not marks.dropped
