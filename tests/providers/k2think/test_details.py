"""Reasoning drawn as a details block, told apart from the answer behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.k2think.details import OPENING, DetailsBlock, QuotedText, body_start


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("<details", None),
        ('<details type="reasoning">', None),
        ('<details type="reasoning"> <sum', None),
        ('<details type="reasoning"><summary>S</summ', None),
        ('<details type="reasoning"><summary>S</summary>B', 46),
        ('<details type="reasoning">B', 26),
    ],
)
def test_where_a_body_begins(text: str, start: int | None) -> None:
    assert body_start(text) == start


@given(st.text(alphabet="ab &;lgt><\n#39", max_size=40), st.integers(0, 40))
def test_quoted_text_is_the_same_at_every_cut(raw: str, cut: int) -> None:
    def through(*pieces: str) -> str:
        quoted = QuotedText()
        return "".join([*(quoted.feed(piece) for piece in pieces), quoted.close()])

    assert through(raw[:cut], raw[cut:]) == through(raw)
    assert through(*raw) == through(raw)


HEAD = '<details type="reasoning" done="false"><summary>Thinking</summary>'
DONE = '<details type="reasoning" done="true"><summary>Thought</summary>'


def through(*frames: str) -> tuple[str, str]:
    """(reasoning, answer) of frames."""
    block = DetailsBlock()
    parts = [*(block.add(frame) for frame in frames), block.close()]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@pytest.mark.parametrize(
    ("frames", "parts"),
    [
        ([f"{DONE}R</details>A"], ("R", "A")),
        ([f"{DONE}R</details><answer>A</answer>"], ("R", "A")),
        ([f"{HEAD}R", f"{HEAD}R more", f"{DONE}R more</details>A"], ("R more", "A")),
        ([f"{HEAD}R</details>", f"{HEAD}R more</details>", f"{DONE}R more</details>A"], ("R more", "A")),
        ([f"{HEAD}R", " more", "</details>", "A", " and on"], ("R more", "A and on")),
        (["\n " + f"{DONE}R</details>A"], ("R", "A")),
        ([f"{DONE}&gt; a\n&gt; b &amp;amp; c</details>A"], ("a\nb &amp; c", "A")),
        ([f"{DONE}> a\n> b</details>A"], ("a\nb", "A")),
        ([f"{DONE}a > b\n> c</details>A"], ("a > b\n> c", "A")),
        ([f"{DONE}a < b</details>A < B"], ("a < b", "A < B")),
        ([f"{HEAD}never closed"], ("never closed", "")),
        ([f"{HEAD}R</detail"], ("R</detail", "")),
    ],
)
def test_reasoning_and_answer(frames: list[str], parts: tuple[str, str]) -> None:
    assert through(*frames) == parts


@pytest.mark.parametrize("text", [f"{DONE}> R &lt;b&gt;\n> more</details><answer>A &lt;</answer>", f"{HEAD}R"])
def test_pieces_say_the_same_at_every_cut_behind_the_opening(text: str) -> None:
    for at in range(len(DONE), len(text)):
        assert through(text[:at], text[at:]) == through(text), at


def test_an_opening_that_comes_in_pieces_is_waited_for() -> None:
    text = f"{DONE}R</details>A"
    block = DetailsBlock()
    opening = len(OPENING)
    assert block.add(text[: opening + 3]) == ("", "")
    assert block.add(text[opening + 3 : opening + 20]) == ("", "")
    assert block.add(text[opening + 20 :])[0] == "R"


def test_what_was_said_is_never_taken_back() -> None:
    block = DetailsBlock()
    assert block.add(f"{HEAD}the first words") == ("the first words", "")
    assert block.add(f"{HEAD}the first") == ("", ""), "a snapshot that lags behind"
    assert block.conflicts == 0
    block.add(f"{HEAD}other words, and they are longer")
    assert block.conflicts == 1


def test_a_tag_that_never_ends_is_words() -> None:
    endless = OPENING + "x" * 5000
    assert body_start(endless) == len(OPENING)
    assert body_start(OPENING + "><summary>" + "x" * 5000) == len(OPENING) + 1
    assert body_start(OPENING + "><summary>" + "x" * 100) is None


@given(
    st.lists(st.sampled_from([HEAD, DONE, "R", "</details>", "<", "answer>", "&", "lt;", "> ", "\n", "A"]), max_size=8)
)
def test_no_frames_are_too_odd(frames: list[str]) -> None:
    thought, said = through(*frames)
    assert len(thought) + len(said) <= sum(map(len, frames)) + 8
