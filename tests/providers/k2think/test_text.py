from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.k2think.text import K2Text

OPEN = '<details type="reasoning" done="false">\n<summary>Thinking…</summary>\n'
SHUT = '<details type="reasoning" done="true" duration="12">\n<summary>Thought for 12 seconds</summary>\n'


def read(pieces: Iterable[str], *, snapshot: bool = False, complete: bool = True) -> tuple[str, str]:
    text = K2Text()
    parts = [text.add(piece, snapshot=snapshot) for piece in pieces]
    parts.append(text.close(complete=complete))
    return "".join(thought for thought, _ in parts), "".join(said for _, said in parts)


@pytest.mark.parametrize(
    ("whole", "thought", "answer"),
    [
        pytest.param(OPEN + "> R\n", "R", "", id="open"),
        pytest.param(OPEN + "> R\n</details>\n", "R", "", id="closed-for-now"),
        pytest.param(SHUT + "> R\n</details>\nA", "R", "A", id="answer"),
        pytest.param(SHUT + "> R\n</details>\n<answer>\nA\n</answer>\n", "R", "A", id="answer-tags"),
        pytest.param(SHUT + "R1\nR2\n</details>A", "R1\nR2", "A", id="not-quoted"),
        pytest.param(SHUT + "> R1\n>\n> R2\n</details>A", "R1\n\nR2", "A", id="quoted-paragraphs"),
        pytest.param(SHUT + "&gt; a &lt;b&gt; &amp;amp; c\n</details>A", "a <b> &amp; c", "A", id="escaped-once"),
        pytest.param(SHUT + "AT&T &x; > 1\n</details>A > b", "AT&T &x; > 1", "A > b", id="no-escapes"),
        pytest.param('\n<details type="reasoning" done="true">R</details>A', "R", "A", id="no-summary"),
        pytest.param(SHUT + "R</details>A</details>", "R", "A</details>", id="tag-in-the-answer"),
        pytest.param(
            "<details><summary>S</summary>B</details>", "", "<details><summary>S</summary>B</details>", id="own"
        ),
    ],
)
def test_a_drawn_block_whole_in_pieces_and_as_snapshots(whole: str, thought: str, answer: str) -> None:
    assert read([whole]) == (thought, answer)
    assert read(whole) == (thought, answer)
    for size in (2, 3, 7):
        assert read(whole[i : i + size] for i in range(0, len(whole), size)) == (thought, answer)
    assert read((whole[:i] for i in range(1, len(whole) + 1)), snapshot=True) == (thought, answer)


def test_the_opening_written_anew_says_nothing_twice() -> None:
    growth = [
        OPEN,
        f"{OPEN}> a",
        f"{OPEN}> a b\n</details>",
        f"{SHUT}> a b c\n</details>",
        f"{SHUT}> a b c\n</details>A",
    ]
    assert read(growth, snapshot=True) == ("a b c", "A")


@pytest.mark.parametrize("opening", [[OPEN + "> I "], [OPEN[:30], OPEN[30:] + "> I "], [OPEN, "> I "]])
def test_white_space_between_pieces_stays(opening: list[str]) -> None:
    assert read([*opening, "see \n", "> it</details>\n", "A ", "b"]) == ("I see \nit", "A b")


def test_a_snapshot_after_pieces_goes_on_from_them() -> None:
    assert read([f"{OPEN}> a", " b", f"{SHUT}> a b c\n</details>A"]) == ("a b c", "A")


FRAGMENTS = st.sampled_from(
    [OPEN, SHUT, "> ", "R", "&lt;", "</details>", "<answer>", "A", "</answer>", "</think>", "<", "\n"]
)


@given(st.lists(st.lists(FRAGMENTS, max_size=5).map("".join), max_size=6), st.booleans(), st.booleans())
def test_odd_sequences_of_frames_never_raise(frames: list[str], snapshot: bool, complete: bool) -> None:
    read(frames, snapshot=snapshot, complete=complete)


@given(st.lists(st.sampled_from(["a", " b", "\n> c", "&lt;", "</details>", "\n"]), max_size=8))
def test_a_block_that_only_grows_reads_as_its_last_snapshot(steps: list[str]) -> None:
    growth = [OPEN + "> R" + "".join(steps[:i]) for i in range(len(steps) + 1)]
    assert read(growth, snapshot=True) == read(growth[-1:])


def test_reasoning_in_a_field_of_its_own_leaves_nothing_to_hold() -> None:
    text = K2Text()
    text.reasoning_apart()
    assert text.add("A") == ("", "A")
    text.reasoning_apart()
    assert text.add(" b") == ("", " b")
