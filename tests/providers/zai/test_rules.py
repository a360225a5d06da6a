"""The page's rules for a Z.AI frame: the table of zai/rules.py walked row by row, and odd values beside the rules."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Image, Usage, Withdrawn
from providers.zai import rules as zai_rules
from providers.zai.decoder import ZaiDecoder
from providers.zai.rules import BEYOND, RULES, Rule, edit_index
from tests.providers.zai.test_decoder import DONE, data, delta, edit, error, failure, frame
from tests.support.decoding import reasoning_of, run, same_at_every_cut, text_of

BEFORE = "Good morning"
AT = 4
"""Where the edits below begin."""


def whole_of(stream: bytes) -> tuple[str, str]:
    """Answer and reasoning as a client has them that waits for the end; the same at every cut."""
    events = same_at_every_cut(lambda: ZaiDecoder(whole=True), stream)
    last = max((at + 1 for at, event in enumerate(events) if isinstance(event, Withdrawn)), default=0)
    return text_of(events[last:]), reasoning_of(events[last:])


def field(rule: Rule, words: str) -> dict[str, Any]:
    """The field of a frame that says these words by this rule."""
    return {rule.field: [{"type": "text", "content": words}] if rule.field == "content_blocks" else words}


def applied(rule: Rule, before: str, words: str) -> str:
    """What the table says of the text."""
    match rule.effect:
        case "replaces all":
            return words
        case "replaces the tail":
            return before[:AT] + words
        case "appends":
            return before + words


# -- the table --------------------------------------------------------------------------------------------------------
def test_the_table_names_its_source() -> None:
    assert "prod-fe-1.0.262" in (zai_rules.__doc__ or "")
    assert len({rule.field for rule in RULES}) == len(RULES) == 4


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.field)
def test_each_rule_does_what_its_row_says(rule: Rule) -> None:
    said = data(phase="answer", edit_index=AT, **field(rule, " noon"))
    assert whole_of(delta(BEFORE) + said + DONE)[0] == applied(rule, BEFORE, " noon")


@pytest.mark.parametrize(("first", "later"), itertools.combinations(RULES, 2), ids=lambda rule: rule.field)
def test_the_first_row_that_says_something_counts_alone(first: Rule, later: Rule) -> None:
    both = data(phase="answer", edit_index=AT, **field(later, "LATER"), **field(first, " noon"))
    assert whole_of(delta(BEFORE) + both + DONE)[0] == applied(first, BEFORE, " noon")


@pytest.mark.parametrize("empty", ["", None, [], 7], ids=repr)
@pytest.mark.parametrize(("first", "later"), itertools.combinations(RULES, 2), ids=lambda rule: rule.field)
def test_a_row_without_words_is_passed_over(first: Rule, later: Rule, empty: Any) -> None:
    both = data(phase="answer", edit_index=AT, **{first.field: empty}, **field(later, " noon"))
    assert whole_of(delta(BEFORE) + both + DONE)[0] == applied(later, BEFORE, " noon")


@pytest.mark.parametrize("index", [3, None, 99], ids=repr)
def test_an_index_without_an_edit_is_nothing(index: Any) -> None:
    assert whole_of(delta(BEFORE) + data(phase="answer", edit_index=index, delta_content="!") + DONE)[0] == BEFORE + "!"


# -- the index --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "index"),
    [
        (6, 6),
        ("6", 6),
        (" 6 ", 6),
        ("6.9", 6),
        (6.0, 6),
        (6.9, 6),
        (-3, 0),
        ("-3", 0),
        (-0.5, 0),
        (True, 1),
        (None, 0),
        ("", 0),
        ("six", 0),
        ("٦", 0),
        ([6], 0),
        ({}, 0),
        (float("nan"), 0),
        (float("inf"), BEYOND),
        (10**40, BEYOND),
        ("9" * 5000, BEYOND),
    ],
    ids=lambda value: str(value)[:12],
)
def test_an_index_is_read_as_the_page_reads_it(value: Any, index: int) -> None:
    assert edit_index(value) == index


@pytest.mark.parametrize("index", ["4", 4.0, 4.7, "4.0"], ids=repr)
def test_an_edit_at_an_index_that_is_no_whole_number_keeps_the_words_before(index: Any) -> None:
    assert (
        whole_of(delta(BEFORE) + data(phase="answer", edit_index=index, edit_content=" noon") + DONE)[0] == "Good noon"
    )


def raw(fields: bytes) -> bytes:
    """A frame with escapes that no writer of valid text makes."""
    return b'data: {"type":"chat:completion","data":{"phase":"answer",' + fields + b"}}\n\n"


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        pytest.param(edit(2, "z"), "x\ud83dz", id="between the halves"),
        pytest.param(raw(b'"edit_index":2,"edit_content":"\\ude01!"'), "x😁!", id="another second half"),
        pytest.param(edit(2, "zz") + edit(3, "q"), "x\ud83dzq", id="counted on behind the half"),
        pytest.param(edit(3, "z"), "x😀z", id="behind both"),
        pytest.param(raw(b'"delta_content":"\\ud83d"') + raw(b'"delta_content":"\\ude02ab"') + edit(7, "c"),
                     "x😀y\ud83d\ude02ac", id="a pair in two frames, then an edit"),
    ],
)  # fmt: skip
def test_an_edit_at_a_surrogate_pair(edits: bytes, text: str) -> None:
    assert whole_of(delta("x😀y") + edits + DONE)[0] == text


@pytest.mark.parametrize(
    ("said", "index", "edited", "streamed"),
    [
        ("abcf", 2, "ddec", "abcf abddec"),
        ("Hel", 0, "Goodbye", "Hel Goodbye"),
        ("Hello wor", 6, "all of you", "Hello wor of you"),
        ("so-and", 3, "called it", "so-and called it"),
        ("Good", 0, "Bad day", "Good day"),
        ("你好", 0, "早上好吗", "你好好吗"),
        ("One.", 0, "Two, three", "One. three"),
    ],
)
def test_a_rewritten_stream_goes_on_with_a_word_of_its_own(said: str, index: int, edited: str, streamed: str) -> None:
    """What was given out stays; the words behind it are never glued to it."""
    events = same_at_every_cut(ZaiDecoder, delta(said) + edit(index, edited) + DONE)
    assert text_of(events) == streamed
    assert whole_of(delta(said) + edit(index, edited) + DONE)[0] == said[:index] + edited


_LETTERS = st.text("abc", min_size=1, max_size=4)
_PHRASES = st.lists(_LETTERS, min_size=1, max_size=3).map(" ".join)


@given(st.lists(st.tuples(st.none() | st.integers(0, 20), _PHRASES), max_size=7))
def test_every_word_of_a_rewritten_stream_once_stood_on_the_page(frames: list[tuple[int | None, str]]) -> None:
    shown, stood, stream = "", set[str](), b""
    for index, words in frames:
        shown = shown + words if index is None else shown[:index] + words
        stood |= set(shown.split())
        stream += delta(words) if index is None else edit(index, words)
    assert set(text_of(run(ZaiDecoder(), [stream + DONE])).split()) <= stood


# -- blocks -----------------------------------------------------------------------------------------------------------
def blocks(*listed: Any, **more: Any) -> bytes:
    return data(phase="answer", content_blocks=list(listed), **more)


WORDS = {"type": "text", "content": "Yes."}


@pytest.mark.parametrize(
    ("stream", "text", "reasoning"),
    [
        pytest.param(
            blocks({"type": "text", "content": [{"type": "text", "text": "In "}, "two "]}, WORDS),
            "In two Yes.",
            "",
            id="a list of parts in a block",
        ),
        pytest.param(
            blocks({"type": "text", "content": {"type": "text", "content": "Deep"}}),
            "Deep",
            "",
            id="a block in a block",
        ),
        pytest.param(blocks({"type": "text", "blocks": [WORDS]}), "Yes.", "", id="blocks in a block"),
        pytest.param(
            blocks({"type": "reasoning", "content": ["Hm", "."]}, WORDS), "Yes.", "Hm.", id="parts of reasoning"
        ),
        pytest.param(
            blocks({"type": "text", "content": [{"type": "image", "text": "no"}, "so"]}), "so", "", id="an odd part"
        ),
        pytest.param(blocks({"type": "mood", "content": "X"}, WORDS), "Yes.", "", id="an unknown kind"),
        pytest.param(blocks({"type": "agent", "blocks": [WORDS]}, WORDS), "Yes.", "", id="text in an unknown kind"),
        pytest.param(blocks({**WORDS, "scope": "subagent"}, WORDS), "Yes.", "", id="a sub-agent's block"),
        pytest.param(blocks(7, None, "x", [], WORDS), "Yes.", "", id="no blocks among them"),
        pytest.param(blocks(WORDS) + delta(" And so."), "Yes. And so.", "", id="words behind them"),
        pytest.param(
            delta("Yes") + blocks({"type": "tool_calls", "content": "x"}, delta_content="!"),
            "Yes!",
            "",
            id="tools only",
        ),
    ],
)
def test_blocks_of_every_form(stream: bytes, text: str, reasoning: str) -> None:
    assert whole_of(stream + DONE) == (text, reasoning)
    events = same_at_every_cut(ZaiDecoder, stream + DONE)
    assert (text_of(events), reasoning_of(events)) == (text, reasoning)


def test_kinds_of_blocks_without_a_meaning_are_counted() -> None:
    decoder = ZaiDecoder()
    run(decoder, [blocks({"type": "mood"}, {"type": "tool_calls"}, WORDS) + DONE])
    assert decoder.unknown == {"block mood": 1}


def test_blocks_nested_deeper_than_anybody_writes_are_survived() -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = {"type": "text", "content": [deep]}
    assert failure(run(ZaiDecoder(), [blocks(deep) + DONE])).kind is ErrorKind.PROVIDER_DOWN


# -- sub-agents -------------------------------------------------------------------------------------------------------
PICTURE = {"result": [{"image_url": {"url": "https://img.example/1.png"}}]}


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param({"phase": "answer", "delta_content": "THEIRS"}, id="words"),
        pytest.param({"phase": "thinking", "delta_content": "THEIRS"}, id="thinking"),
        pytest.param({"phase": "answer", "edit_index": 0, "edit_content": "THEIRS"}, id="edit"),
        pytest.param({"phase": "answer", "content_blocks": [WORDS]}, id="blocks"),
        pytest.param({"phase": "done", "done": True}, id="end"),
        pytest.param({"done": True, "error": {"code": "INTERNAL_ERROR"}}, id="error at its end"),
        pytest.param({"error": {"code": "INVALID_TOKEN"}}, id="error"),
        pytest.param({"phase": "other", "usage": {"prompt_tokens": 7, "completion_tokens": 7}}, id="usage"),
        pytest.param({"phase": "tool_response", "tool_name": "s", "metadata": PICTURE}, id="picture"),
    ],
)
@pytest.mark.parametrize("outside", [False, True], ids=["in the data", "beside it"])
def test_nothing_of_a_sub_agent_is_the_answers(theirs: dict[str, Any], outside: bool) -> None:
    of_whom = {"scope": "subagent", "agent_id": "a1", "task_id": "t1", "subagent_type": "explore"}
    beside = frame({"type": "chat:completion", **of_whom, "data": theirs})
    other = beside if outside else data(**theirs, **of_whom)
    events = same_at_every_cut(ZaiDecoder, delta("Mine") + other + delta(" alone.") + DONE)
    assert (text_of(events), reasoning_of(events)) == ("Mine alone.", "")
    assert not [event for event in events if isinstance(event, Usage | Image | Failure)]


# -- the beginning and the end ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["</think>", "\n\n", "Hi"], "Hi"),
        (["\n ", "</think>\n</thi", "nk>\nHi"], "Hi"),
        (["</think></think>Hi"], "Hi"),
        (["</think>\n    code"], "    code"),
        (["</thin", "g> is a tag"], "</thing> is a tag"),
        (["</think"], "</think"),
        ([" ", "\n", " so"], " \n so"),
    ],
    ids=str,
)
def test_stray_closing_tags_at_the_beginning_however_the_site_parts_them(pieces: list[str], text: str) -> None:
    stream = delta("Hm.", "thinking") + b"".join(delta(piece) for piece in pieces) + DONE
    assert text_of(same_at_every_cut(ZaiDecoder, stream)) == text
    letters = delta("Hm.", "thinking") + b"".join(delta(letter) for letter in "".join(pieces)) + DONE
    assert text_of(run(ZaiDecoder(), [letters])) == text
    assert whole_of(edit(0, "".join(pieces)) + DONE)[0] == text


@pytest.mark.parametrize(
    "stream",
    [
        delta("</think>"),
        delta("</think>\n"),
        data(phase="other", usage={"prompt_tokens": 9, "completion_tokens": 0}),
        data(phase="other", usage={"prompt_tokens": 9, "completion_tokens": 3}),
        delta("THEIRS").replace(b'"phase"', b'"scope": "subagent", "phase"'),
    ],
    ids=["a stray tag", "and a line", "a count of nothing", "a count", "a sub-agent's words"],
)
def test_an_answer_of_nothing_is_no_success(stream: bytes) -> None:
    assert failure(same_at_every_cut(ZaiDecoder, stream + DONE)).kind is ErrorKind.PROVIDER_DOWN
    if b"usage" not in stream:
        internal = same_at_every_cut(ZaiDecoder, stream + error("INTERNAL_ERROR"))
        assert failure(internal).kind is ErrorKind.PROVIDER_DOWN


def test_the_clients_own_limit_may_leave_nothing() -> None:
    usage = data(phase="other", usage={"prompt_tokens": 9, "completion_tokens": 3})
    events = same_at_every_cut(lambda: ZaiDecoder(max_tokens=3), usage + DONE)
    assert getattr(events[-1], "reason", None) == "length"


# -- against the page -------------------------------------------------------------------------------------------------
_TEXTS = st.text(alphabet="ab 你😀\n", max_size=6)
_BLOCKS = st.lists(_TEXTS.map(lambda words: {"type": "text", "content": words}), max_size=2)
_FRAMES = st.fixed_dictionaries(
    {},
    optional={
        "delta_content": _TEXTS,
        "content": _TEXTS,
        "edit_content": _TEXTS,
        "content_blocks": _BLOCKS,
        "edit_index": st.one_of(st.integers(-2, 14), st.none(), st.integers(0, 14).map(str)),
    },
)


def page(frames: list[dict[str, Any]]) -> str:
    """What the page shows after these frames, in its own UTF-16 units: written from the page's rules, not from ours."""
    shown = b""
    for one in frames:
        listed = "".join(block["content"] for block in one.get("content_blocks", ()))
        new, changed, more = (
            (one.get(name) or "").encode("utf-16-le") for name in ("content", "edit_content", "delta_content")
        )
        if listed:
            shown = listed.encode("utf-16-le")
        elif changed:
            shown = shown[: 2 * max(int(one.get("edit_index") or 0), 0)] + changed
        elif new:
            shown = new
        else:
            shown += more
    return shown.decode("utf-16-le", "replace")


@given(st.lists(_FRAMES, max_size=8), st.integers(0, 400))
def test_a_whole_answer_is_what_the_page_shows(frames: list[dict[str, Any]], cut: int) -> None:
    stream = b"".join(data(phase="answer", **one) for one in frames) + DONE
    events: list[Event] = run(ZaiDecoder(whole=True), [stream[:cut], stream[cut:]])
    last = max((at + 1 for at, event in enumerate(events) if isinstance(event, Withdrawn)), default=0)
    said = text_of(events[last:]).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert said == page(frames)
