"""The output of an answer is bounded: what is said beyond is as if a limit had cut it off."""

from unittest.mock import patch

from addons.dialects.openai.answer import CITATIONS_LIMIT
from addons.dialects.responses import output
from addons.dialects.responses.output import Output, stem_of
from addons.dialects.responses.tools import Tools
from providers.contract.events import Citation, Finish, Reasoning, Text, ToolCallDelta
from tests.dialects.responses.reading import told


def test_words_beyond_the_bound_end_the_answer_as_incomplete() -> None:
    with patch.object(output, "ANSWER_CHARS", 10):
        found = told([Text("x" * 8), Text("y" * 8), Text("z"), ToolCallDelta(0, "c", "f", "{}"), Finish("stop")])
    assert found[-1]["type"] == "response.incomplete"
    (message,) = found[-1]["response"]["output"]
    assert message["content"][0]["text"] == "x" * 8


def test_items_beyond_the_bound_too() -> None:
    with patch.object(output, "ITEMS_LIMIT", 4):
        found = told([*(event for _ in range(9) for event in (Text("a"), Reasoning("b"))), Finish("stop")])
    assert found[-1]["type"] == "response.incomplete"
    assert len(found[-1]["response"]["output"]) <= 4


def test_sources_are_bounded() -> None:
    made = Output("s", Tools())
    made.add(Text("a"))
    for _ in range(CITATIONS_LIMIT + 5):
        made.add(Citation("https://a", "A"))
    made.end(completed=True)
    assert made.whole().count(b"url_citation") == CITATIONS_LIMIT


def test_the_stem_of_ids() -> None:
    assert stem_of("resp_abc") == "abc"
    assert stem_of("abc") == "abc"
