"""Which characters of Z.AI's one text are reasoning, answer, a tool's: however the text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.zai.structure import BLOCK_LIMIT, TAG_LIMIT, TAG_WORK, Channel, Piece, Structure, cost_of

OPEN = '<details type="reasoning" done="true">'
GROWING = '<details type="reasoning" done="false">'


def read(*pieces: str, channel: Channel = "answer") -> dict[str, str]:
    """The text of each channel."""
    structure, out = Structure(), list[Piece]()
    for piece in pieces:
        structure.feed(piece, channel, out)
    structure.finish(channel, out)
    found: dict[str, str] = {}
    for kind, text in out:
        found[kind] = found.get(kind, "") + text
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain words", {"answer": "plain words"}),
        ("a < b and <b>", {"answer": "a < b and <b>"}),
        ("words first <glm_block >x</glm_block>", {"answer": "words first <glm_block >x</glm_block>"}),
        (f"{OPEN}\n> thought\n> more\n</details>\nanswer", {"reasoning": "thought\nmore", "answer": "answer"}),
        (
            f"{OPEN}\n<summary>S</summary>\n> thought\n</details>\n\nanswer",
            {"reasoning": "thought", "answer": "answer"},
        ),
        (f"{OPEN}thought</details>answer", {"reasoning": "thought", "answer": "answer"}),
        (f"{OPEN}\n> a </details> b\n> c\n</details>\nd", {"reasoning": "a </details> b\nc", "answer": "d"}),
        (f"{OPEN}\n\n> a\n>\n> b\n\n\n</details>c", {"reasoning": "a\n\nb", "answer": "c"}),
        (f"{OPEN}>a</details>x{OPEN}>b</details>y", {"reasoning": "a\n\nb", "answer": "xy"}),
        (f"{GROWING}\n> still thinking", {"reasoning": "still thinking"}),
        ('<glm_block view="">{"a": 1}</glm_block>answer', {"block": '{"a": 1}', "answer": "answer"}),
        ("<details>not reasoning</details>", {"answer": "<details>not reasoning</details>"}),
        ("  <glm_block >x</glm_block>", {"block": "x"}),
        ("<glm_block >never closed", {}),
        ("<details", {"answer": "<details"}),
        ("<", {"answer": "<"}),
    ],
)
def test_channels(text: str, found: dict[str, str]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        f"{OPEN}\n<summary>S</summary>\n> thought < and\n> more\n</details>\nanswer <b> words",
        '<glm_block view="">{"a": "<"}</glm_block>answer<glm_block >two</glm_block>',
        "plain < words",
    ],
)
def test_pieces_say_the_same_at_every_cut(text: str) -> None:
    for at in range(len(text) + 1):
        assert read(text[:at], text[at:]) == read(text), at
    assert read(*text) == read(text)


def test_what_is_outside_goes_to_the_channel_of_its_frame() -> None:
    assert read("words", channel="reasoning") == {"reasoning": "words"}
    assert read("words", channel="tool") == {"tool": "words"}


def test_after_a_change_of_label_a_text_may_begin_with_a_tag_again() -> None:
    structure, out = Structure(), list[Piece]()
    structure.feed("plain ", "reasoning", out)
    structure.begin("reasoning", out)
    structure.feed("<glm_block >x</glm_block>said", "answer", out)
    assert out == [("reasoning", "plain "), ("block", "x"), ("answer", "said")]


def test_a_held_beginning_is_given_out_when_the_label_changes() -> None:
    structure, out = Structure(), list[Piece]()
    structure.feed("<det", "reasoning", out)
    assert out == []
    structure.begin("reasoning", out)
    assert out == [("reasoning", "<det")]


def test_a_copy_goes_on_by_itself() -> None:
    structure, out = Structure(), list[Piece]()
    structure.feed("<glm_block >one", "answer", out)
    other = structure.copy()
    structure.feed(" and</glm_block>", "answer", out)
    late: list[Piece] = []
    other.feed(" or</glm_block>", "answer", late)
    assert (out, late) == ([("block", "one and")], [("block", "one or")])


def test_while_thinking_goes_on_a_closing_tag_in_a_quote_is_words() -> None:
    assert read(f"{GROWING}\n> a </details> b", channel="reasoning") == {"reasoning": "a </details> b"}
    assert read(f"{GROWING}\n> a </details> b", channel="answer") == {"reasoning": "a ", "answer": " b"}


@pytest.mark.parametrize("length", [TAG_LIMIT - 20, TAG_LIMIT + 20])
def test_a_tag_without_end_is_text(length: int) -> None:
    text = "<glm_block " + "x" * length
    assert read(text) == {"answer": text}


def test_of_a_tools_endless_json_so_much_is_kept() -> None:
    found = read("<glm_block >", *["x" * 100_000] * 30, "</glm_block>done")
    assert found["answer"] == "done"
    assert len(found["block"]) <= BLOCK_LIMIT


@given(
    st.lists(
        st.sampled_from(
            [
                OPEN,
                GROWING,
                "</details>",
                "<glm_block >",
                "</glm_block>",
                "<summary>",
                "</summary>",
                "\n",
                "> ",
                "a",
                "<",
            ]
        ),
        max_size=12,
    )
)
def test_reading_never_costs_more_than_was_foreseen(parts: list[str]) -> None:
    text = "".join(parts)
    structure, out = Structure(), list[Piece]()
    structure.structure()
    structure.feed(text, "answer", out)
    assert structure.work <= cost_of(text) + 2 * TAG_WORK


@given(st.text(alphabet='<details>glm_block/ type="reasoning"\n> ', max_size=60), st.integers(0, 60))
def test_any_text_is_read_alike_at_any_cut(text: str, cut: int) -> None:
    plain = read(text)
    assert read(text[:cut], text[cut:]) == plain
