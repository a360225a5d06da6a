import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shared.think_tags import ThinkTags

FORMS = {
    "pair": ("<think>because</think>four", "because", "four"),
    "pair-with-attributes": ('<think duration="12" done="true">because</think>\n\nfour', "because", "four"),
    "closing-only": ("because\nso</think>\n\nfour", "because\nso", "four"),
    "pair-and-answer": ("<think>\nbecause\n</think>\n<answer>\nfour\n</answer>\n", "because", "four"),
    "closing-and-answer": ("because</think><answer>four</answer>", "because", "four"),
    "no-think-tags-but-answer": ("because\n<answer>four</answer>", "because", "four"),
    "answer-only": ("<answer>four</answer>", "", "four"),
    "plain": ("  four, of course\n", "", "  four, of course\n"),
    "plain-with-angle-brackets": ("a < b and <thing> </thin", "", "a < b and <thing> </thin"),
    "looks-like-the-tag": ("<thinking>hm</thinking> yes", "", "<thinking>hm</thinking> yes"),
    "first-closing-tag-splits": ("<think>a</think>b </think> c", "a", "b </think> c"),
    "last-answer-end-is-the-frame": (
        "<think>a</think><answer>use </answer> to close</answer>",
        "a",
        "use </answer> to close",
    ),
    "words-after-the-frame": ("<think>a</think><answer>b</answer> and c", "a", "b and c"),
    "answer-never-closed": ("<think>a</think><answer>b\n", "a", "b"),
    "opening-in-the-middle": ("well <think>a</think>b", "well a", "b"),
    "empty-reasoning": ("<think>\n\n</think>\n\nb", "", "b"),
    "nothing": ("", "", ""),
    "only-space": (" \n", "", " \n"),
}


def split(pieces: list[str], *, complete: bool = True, implicit: bool = True) -> tuple[str, str]:
    tags = ThinkTags(implicit=implicit)
    found = [tags.feed(piece) for piece in pieces]
    found.append(tags.close(complete=complete))
    return "".join(r for r, _ in found), "".join(a for _, a in found)


@pytest.mark.parametrize(("text", "reasoning", "answer"), FORMS.values(), ids=FORMS.keys())
def test_each_form_is_split_the_same_at_every_cut(text: str, reasoning: str, answer: str) -> None:
    assert split([text]) == (reasoning, answer)
    assert split(list(text)) == (reasoning, answer)
    for at in range(len(text) + 1):
        assert split([text[:at], text[at:]]) == (reasoning, answer), text[:at]


def test_text_cut_off_before_any_tag_is_reasoning() -> None:
    assert split(["so let me ", "see \n"], complete=False) == ("so let me see", "")


def test_open_reasoning_is_told_at_once_and_a_half_tag_is_held() -> None:
    tags = ThinkTags()
    assert tags.feed("<think>one ") == ("one", "")
    assert tags.feed("two</thi") == (" two", "")
    assert tags.feed("s") == ("</this", "")
    assert tags.feed("</think>") == ("", "")
    assert tags.feed("a") == ("", "a")


def test_without_an_opening_tag_all_is_held_until_it_is_settled() -> None:
    tags = ThinkTags()
    assert tags.feed("one ") == ("", "")
    assert tags.feed("two</think>three") == ("one two", "three")


def test_explicit_splitter_passes_plain_text_on_at_once() -> None:
    tags = ThinkTags(implicit=False)
    assert tags.feed("four") == ("", "four")
    assert tags.feed(" </think> is a tag") == ("", " </think> is a tag")
    assert split(["<think>a</think>b"], implicit=False) == ("a", "b")
    assert split(["<answer>a</answer>"], implicit=False) == ("", "<answer>a</answer>")


def test_an_endless_opening_tag_is_no_tag() -> None:
    text = "<think " + "a" * 300 + ">b"
    assert split([text]) == split(list(text)) == ("", text)


def test_many_pieces_take_linear_work() -> None:
    assert split(["word "] * 50_000 + ["</think>x"]) == (("word " * 50_000).strip(), "x")


TAGS = ["<think>", "<think a='b'>", "</think>", "<answer>", "</answer>"]
PIECE = st.sampled_from([*TAGS, "a", " ", "\n", "<", "</", "é"])


@given(st.lists(PIECE, max_size=12), st.data(), st.booleans(), st.booleans())
def test_any_text_is_split_alike_however_it_is_cut(
    pieces: list[str], data: st.DataObject, complete: bool, implicit: bool
) -> None:
    text = "".join(pieces)
    whole = split([text], complete=complete, implicit=implicit)
    assert split(list(text), complete=complete, implicit=implicit) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(parts, complete=complete, implicit=implicit) == whole
