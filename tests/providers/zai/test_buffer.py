"""Z.AI's text buffer: frames append or replace the tail, and what is new in each channel comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.zai import buffer as it
from providers.zai.buffer import SEGMENT_CHARS, WORK_LIMIT, BufferLimit, EditBuffer
from providers.zai.structure import TAG_WORK, Channel, Piece

CHANNELS_IN_ORDER: tuple[Channel, ...] = ("reasoning", "answer")
OPEN = '<details type="reasoning" done="true">'


def text_of(pieces: list[Piece], channel: Channel = "answer") -> str:
    return "".join(text for kind, text in pieces if kind == channel)


def test_what_is_appended_is_given_out_as_it_comes() -> None:
    buffer = EditBuffer()
    assert buffer.append("hm", "reasoning") == [("reasoning", "hm")]
    assert buffer.append("Hel", "answer") == [("answer", "Hel")]
    assert buffer.append("lo", "answer") == [("answer", "lo")]
    assert (buffer.given("answer"), buffer.given("reasoning")) == (5, 2)
    assert buffer.whole() == [("reasoning", "hm"), ("answer", "Hello")]
    assert buffer.finish() == []


@pytest.mark.parametrize(
    ("index", "text", "new", "whole"),
    [
        (5, " you", " you", "Hello you"),
        (3, "lo you", " you", "Hello you"),
        (0, "Hello you", " you", "Hello you"),
        (0, "Hello!", "!", "Hello!"),
        (99, " you", " you", "Hello you"),
        (5, "", "", "Hello"),
        (2, "", "", "He"),
    ],
)
def test_an_edit_says_what_goes_beyond_what_was_said(index: int, text: str, new: str, whole: str) -> None:
    buffer = EditBuffer()
    buffer.append("Hello", "answer")
    assert text_of(buffer.edit(index, text, "answer")) == new
    assert text_of(buffer.whole()) == whole


def test_an_edit_that_takes_words_back_is_counted_and_goes_on_at_a_word() -> None:
    buffer = EditBuffer()
    buffer.append("the old words", "answer")
    assert text_of(buffer.edit(4, "new", "answer")) == ""
    assert buffer.changed == 1
    said = text_of(buffer.append(" words of another kind", "answer"))
    assert said.strip() in "the new words of another kind"
    assert text_of(buffer.whole()) == "the new words of another kind"


@pytest.mark.parametrize(
    ("old", "new", "more", "said"),
    [
        ("the old words", "the newer wordings", "", " wordings"),
        ("the old words", "the newer\nwordings", "", "\nwordings"),
        ("the old words", "the new words", " often", " often"),
        ("aaaa bbbb", "cccc", "ddddeeee", " ccccddddeeee"),
        ("你好世界", "你很", "好的世界", "世界"),
        pytest.param("a" * 99, "b" * 100, "", " " + "b" * 65, id="a word without end: its last letters"),
    ],
)
def test_what_goes_beyond_words_taken_back_begins_where_a_word_does(old: str, new: str, more: str, said: str) -> None:
    buffer = EditBuffer()
    buffer.append(old, "answer")
    assert text_of(buffer.edit(0, new, "answer")) + text_of(buffer.append(more, "answer")) == said


def test_runs_of_one_channel_are_one_piece_and_blocks_stay_apart() -> None:
    assert EditBuffer().replace([("answer", "ab"), ("answer", "cd")]) == [("answer", "abcd")]
    blocks = "".join(f"<glm_block>{number}</glm_block>" for number in range(3))
    assert EditBuffer().append(blocks, "answer") == [("block", "0"), ("block", "1"), ("block", "2")]


def test_the_same_again_in_other_frames_changes_nothing() -> None:
    """What a frame held back for a tag is its own channel's also when it is read again."""
    buffer = EditBuffer()
    buffer.append("<detai", "reasoning")
    buffer.append("x", "answer")
    assert buffer.replace([("reasoning", "<detai"), ("answer", "xy")]) == [("answer", "y")]
    assert buffer.changed == 0


@pytest.mark.parametrize(
    ("text", "index", "kept"),
    [("a🌏b", 3, "a🌏"), ("a🌏b", 1, "a"), ("a🌏b", 4, "a🌏b"), ("🌏🌏", 2, "🌏"), ("äöü", 2, "äö")],
)
def test_an_index_counts_in_utf_16(text: str, index: int, kept: str) -> None:
    buffer = EditBuffer()
    buffer.append(text, "answer")
    buffer.edit(index, "!", "answer")
    assert text_of(buffer.whole()) == kept + "!"


def test_between_the_halves_of_a_pair_another_half_may_come() -> None:
    buffer = EditBuffer()
    buffer.append("a🌏", "answer")
    second = "🌍".encode("utf-16-le")[2:].decode("utf-16-le", "surrogatepass")
    buffer.edit(2, second + "b", "answer")
    assert text_of(buffer.whole()) == "a🌍b"


def test_an_edit_in_an_earlier_segment_goes_back_to_the_state_there() -> None:
    buffer = EditBuffer()
    for _ in range(5):
        buffer.append("x" * SEGMENT_CHARS, "answer")
    buffer.append("tail", "answer")
    assert text_of(buffer.edit(SEGMENT_CHARS + 5, "y", "answer")) == ""
    assert text_of(buffer.whole()) == "x" * (SEGMENT_CHARS + 5) + "y"


def test_all_of_it_may_be_replaced() -> None:
    buffer = EditBuffer()
    buffer.append("thought", "reasoning")
    buffer.append("said", "answer")
    assert buffer.replace([("reasoning", "thought more"), ("answer", "said more")]) == [
        ("reasoning", " more"),
        ("answer", " more"),
    ]


def test_a_structure_that_an_edit_brings_is_read_as_one() -> None:
    buffer = EditBuffer()
    buffer.append("thinking", "reasoning")
    before = buffer.structured
    pieces = buffer.edit(0, f"{OPEN}\n> thinking\n</details>\nHello", "answer")
    assert (before, buffer.structured) == (False, True)
    assert text_of(pieces) == "Hello"
    assert buffer.whole() == [("reasoning", "thinking"), ("answer", "Hello")]


BLOCK = '<glm_block view="">{"a": 1}</glm_block>'


@pytest.mark.parametrize(
    ("tag", "read"),
    [
        (BLOCK, [("answer", " see "), ("block", '{"a": 1}'), ("answer", " there")]),
        (f"{OPEN}\n> hm\n</details>", [("answer", " see "), ("reasoning", "hm"), ("answer", " there")]),
        ("<details>no</details>", [("answer", " see <details>no</details> there")]),
    ],
)
def test_an_edit_may_bring_the_sites_tags_in_the_middle_of_words(tag: str, read: list[Piece]) -> None:
    """Appended they are words of the model there."""
    buffer, plain = EditBuffer(), EditBuffer()
    for one in (buffer, plain):
        one.append("Look,", "answer")
    assert buffer.edit(5, f" see {tag} there", "answer") == read
    assert buffer.structured is (len(read) > 1)
    assert text_of(plain.append(f" see {tag} there", "answer")) == f" see {tag} there"


def test_an_edit_reads_what_is_its_own_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the frames before it cost does not count, and channels begin where they stood before it."""
    monkeypatch.setattr(it, "WORK_LIMIT", 100)
    buffer = EditBuffer()
    buffer.append(f"{BLOCK}said", "answer")
    for number in range(20):
        buffer.edit(len(f"{BLOCK}said") + number, "x", "answer")
    assert text_of(buffer.whole()) == "said" + 20 * "x"


def test_an_edit_inside_of_what_an_edit_brought_knows_how_much_was_thought_before_it() -> None:
    buffer = EditBuffer()
    buffer.append("think", "reasoning")
    buffer.edit(5, "answer", "answer")
    buffer.edit(8, "wer", "answer")
    assert buffer.append(" more", "reasoning") == [("reasoning", " more")]


def test_each_run_of_a_frame_knows_what_the_runs_before_it_said() -> None:
    buffer = EditBuffer()
    buffer.replace([("reasoning", "ab"), ("answer", "cd"), ("reasoning", "ef"), ("answer", "gh")])
    assert buffer.edit(6, "ghi", "answer") == [("answer", "i")]
    assert buffer.edit(7, "hi", "answer") == []
    assert buffer.append("more", "reasoning") == [("reasoning", "more")]


def test_a_tag_cut_by_the_end_of_a_segment_is_said_once() -> None:
    buffer = EditBuffer()
    text = BLOCK + "x" * (SEGMENT_CHARS - len(BLOCK) - 1) + "<b"
    said = buffer.append(text, "answer") + buffer.finish()
    assert text_of(said) == text_of(buffer.whole()) == text.removeprefix(BLOCK)


def test_a_new_segment_is_no_place_where_a_tag_begins_a_text() -> None:
    buffer = EditBuffer()
    buffer.append("x" * SEGMENT_CHARS, "answer")
    assert buffer.append(BLOCK, "answer") == [("answer", BLOCK)]


def test_a_closing_tag_in_a_quoted_line_is_told_from_the_real_one_in_the_next_segment() -> None:
    quoted = f"> {'x' * (SEGMENT_CHARS - len(OPEN) - 20)}</details> is a tag"
    pieces = EditBuffer().append(f"{OPEN}\n{quoted}\n> and so on\n</details>\nHello", "answer")
    assert text_of(pieces, "reasoning") == f"{quoted[2:]}\nand so on"
    assert text_of(pieces) == "Hello"


def test_what_was_held_for_a_tag_is_given_out_at_the_end() -> None:
    buffer = EditBuffer()
    assert buffer.append("<detai", "answer") == []
    assert buffer.finish() == [("answer", "<detai")]


def test_a_text_may_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it, "TEXT_LIMIT_CHARS", 10)
    buffer = EditBuffer()
    buffer.append("x" * 10, "answer")
    assert text_of(buffer.edit(0, "", "answer") + buffer.edit(0, "y" * 10, "answer")) == ""
    with pytest.raises(BufferLimit, match="longer than 10 characters"):
        buffer.append("x", "answer")


def test_a_text_may_change_its_channel_as_often_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it, "SEGMENTS_LIMIT", 2)
    buffer = EditBuffer()
    buffer.append("x", "reasoning")
    buffer.append("x", "answer")
    with pytest.raises(BufferLimit, match="to and fro"):
        buffer.append("x", "reasoning")


def test_a_frame_may_cost_as_much_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it, "WORK_LIMIT", 3 * TAG_WORK)
    EditBuffer().append(f"{BLOCK}said", "answer")  # the tag, the block, the words
    monkeypatch.setattr(it, "WORK_LIMIT", 3 * TAG_WORK - 1)
    with pytest.raises(BufferLimit, match="too many lines, tags and blocks"):
        EditBuffer().append(f"{BLOCK}said", "answer")


def test_reading_again_may_cost_as_much_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = EditBuffer()
    for channel in CHANNELS_IN_ORDER:
        buffer.append(BLOCK, channel)
    monkeypatch.setattr(it, "WORK_LIMIT", 2 * TAG_WORK)
    assert len(buffer.whole()) == 2
    monkeypatch.setattr(it, "WORK_LIMIT", 2 * TAG_WORK - 1)
    with pytest.raises(BufferLimit, match="not read again"):
        buffer.whole()


@pytest.mark.parametrize("name", ["TEXT_LIMIT_CHARS", "SEGMENTS_LIMIT"])
def test_a_text_without_end_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it, name, 10)
    buffer = EditBuffer()
    buffer.append("x", "answer")
    with pytest.raises(BufferLimit):  # noqa: PT012  (which one is too much is not the question)
        for number in range(20):
            buffer.append("x", "answer" if number % 2 else "reasoning")


def test_a_frame_of_too_many_lines_and_tags_is_refused() -> None:
    buffer = EditBuffer()
    with pytest.raises(BufferLimit, match="too many lines, tags and blocks"):
        buffer.append(OPEN + "\n> x" * WORK_LIMIT, "answer")


CHANNELS = st.sampled_from(["reasoning", "answer"])
WORDS = st.text(alphabet="ab 🌏\n", max_size=6)


@given(st.lists(st.tuples(st.none() | st.integers(0, 20), WORDS, CHANNELS), max_size=10))
def test_the_text_is_the_pages_whatever_was_given_out(frames: list[tuple[int | None, str, Channel]]) -> None:
    """As the page's script has it: `text.substring(0, index) + edit`, in UTF-16 units."""
    buffer, page = EditBuffer(), ""
    for index, text, channel in frames:
        if index is None:
            buffer.append(text, channel)
            page += text
        else:
            buffer.edit(index, text, channel)
            units = page.encode("utf-16-le", "surrogatepass")[: 2 * index].decode("utf-16-le", "surrogatepass") + text
            page = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert "".join(text for _, text in buffer.whole()) == page


@given(st.lists(st.tuples(WORDS, CHANNELS), max_size=8))
def test_without_edits_all_is_given_out_once_in_order(frames: list[tuple[str, Channel]]) -> None:
    buffer = EditBuffer()
    pieces = [piece for text, channel in frames for piece in buffer.append(text, channel)] + buffer.finish()
    assert [text for _, text in pieces if text] == [text for text, _ in frames if text] or "".join(
        text for _, text in pieces
    ) == "".join(text for text, _ in frames)
    assert buffer.changed == 0
