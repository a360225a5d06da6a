"""Sources in the results of Z.AI's tools, and the marks that point at them."""

import json
from typing import Any

import pytest

from providers.contract.events import Citation, Event, Image
from providers.shared.citations import Sources
from providers.zai.decoder import ZaiDecoder
from providers.zai.sources import ToolResults, mark_keys, mark_may_begin
from tests.providers.zai.test_decoder import DONE, SEARCH, data, delta, edit
from tests.support.decoding import same_at_every_cut, text_of


def response(content: str, **more: Any) -> bytes:
    return data(phase="tool_response", tool_name="s", status="completed", delta_content=content, **more)


def block(value: Any) -> str:
    return f'<glm_block view="" tool_call_name="s">{json.dumps(value)}</glm_block>'


def sources_of(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.url, event.title) for event in events if isinstance(event, Citation)]


ITEM = {"title": "T", "url": "https://t.example/", "index": 4, "ref_id": "turn0search3"}

REF = "[ref_id=turn0search3†T†https://t.example/]"


@pytest.mark.parametrize("mark", ["【turn0search3】", "【turn0search3†L1-L9】"])
@pytest.mark.parametrize(
    "named",
    [
        pytest.param(response(REF), id="text of a tool"),
        pytest.param(response(REF[:20]) + response(REF[20:]), id="text split over frames"),
        pytest.param(response("", metadata={"browser": {"search_result": [ITEM]}}), id="metadata of a frame"),
        pytest.param(edit(0, block({"data": {"search_result": [ITEM]}}), "tool_call"), id="block"),
        pytest.param(
            edit(0, block({"data": {"metadata": {"result": json.dumps({"search_result": [ITEM]})}}})), id="JSON in JSON"
        ),
        pytest.param(edit(0, block({"data": {"metadata": {"result": f"Found: {REF}"}}})), id="reference in a block"),
    ],
)
def test_sources_are_found_wherever_the_site_puts_them(named: bytes, mark: str) -> None:
    events = same_at_every_cut(ZaiDecoder, named + delta(f"So{mark}.") + DONE)
    assert text_of(events) == "So."
    assert sources_of(events) == [("https://t.example/", "T")]
    assert next(e.start for e in events if isinstance(e, Citation)) == 2


def test_a_title_may_hold_brackets() -> None:
    stream = (
        response("[ref_id=turn0search0†[PDF] A [new] paper†https://a.example/p]") + delta("So【turn0search0】.") + DONE
    )
    assert sources_of(same_at_every_cut(ZaiDecoder, stream)) == [("https://a.example/p", "[PDF] A [new] paper")]


def test_a_mark_with_a_label_of_any_words_may_be_split() -> None:
    named = edit(0, block({"data": {"search_result": [ITEM]}}))
    events = same_at_every_cut(ZaiDecoder, named + delta("a【4†the sour") + delta("ce (x)】b") + DONE)
    assert text_of(events) == "ab"
    assert sources_of(events) == [("https://t.example/", "T")]


def test_one_mark_may_name_several_sources() -> None:
    events = same_at_every_cut(ZaiDecoder, SEARCH + delta("So【turn0search0, turn0search1】.") + DONE)
    assert [url for url, _ in sources_of(events)] == ["https://a.example/x", "https://b.example/"]


def test_a_picture_is_shown_once_though_its_block_is_read_again() -> None:
    result = [{"type": "image_url", "image_url": {"url": "https://img.example/1.png"}}]
    tool = block({"data": {"metadata": {"result": json.dumps(result)}}})
    stream = (
        edit(0, tool + "Look") + delta(" here") + edit(len(tool + "Look here"), " and") + edit(len(tool), "Look here")
    )
    events = same_at_every_cut(ZaiDecoder, stream + DONE)
    assert [event for event in events if isinstance(event, Image)] == [Image("https://img.example/1.png")]


# -- collecting -------------------------------------------------------------------------------------------------------
def urls_of(sources: Sources) -> list[str]:
    return [source.url for source in sources]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(REF, id="a reference"),
        pytest.param("[ref_id=turn0search0†[PDF] A [new] paper†https://t.example/]", id="brackets in its title"),
        pytest.param(f"see [1] and {REF}", id="brackets before it"),
        pytest.param("x" * 9000 + REF, id="much before it"),
    ],
)
def test_a_reference_is_found_wherever_it_is_cut(text: str) -> None:
    for cut in range(len(text) - 80 if len(text) > 1000 else 0, len(text) + 1):
        sources = Sources()
        results = ToolResults(sources)
        for piece in (text[:cut], text[cut:]):
            results.feed_text(piece)
        assert urls_of(sources) == ["https://t.example/"], cut


def test_a_reference_without_end_is_not_kept() -> None:
    sources = Sources()
    results = ToolResults(sources)
    for piece in (REF[:-1], "x" * 9000, "]"):
        results.feed_text(piece)
    assert urls_of(sources) == []


def test_results_without_an_index_are_counted() -> None:
    """Over all lists of the JSON, from 1."""
    sources = Sources()
    lists = [{"search_result": [{"url": f"https://t.example/{n}"} for n in numbers]} for numbers in ((1, 2), (3,))]
    ToolResults(sources).read_json(lists)
    assert [sources.find(str(n)) and sources.find(str(n)).url for n in range(5)] == [  # type: ignore[union-attr]
        None,
        "https://t.example/1",
        "https://t.example/2",
        "https://t.example/3",
        None,
    ]


@pytest.mark.parametrize(("deep", "found"), [(8, ["https://t.example/"]), (9, []), (40, [])])
def test_json_is_read_to_a_depth(deep: int, found: list[str]) -> None:
    value: Any = {"search_result": [ITEM]}
    for _ in range(deep):
        value = [value]
    sources = Sources()
    ToolResults(sources).read_json(value)
    assert urls_of(sources) == found


@pytest.mark.parametrize("value", [5, None, True, [5, {"search_result": 5}, {"image_url": 5}]])
def test_json_of_another_kind_names_nothing(value: object) -> None:
    sources = Sources()
    assert ToolResults(sources).read_json(value) == []
    assert urls_of(sources) == []


# -- marks ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("inside", "keys"),
    [
        ("turn0search1", ("turn0search1",)),
        (" turn0search1 ", ("turn0search1",)),
        ("turn0search1†L1-L9", ("turn0search1",)),
        ("turn0search1, turn2news3；turn0search4", ("turn0search1", "turn2news3", "turn0search4")),
        ("turn0search1†a title, with a comma", ("turn0search1",)),
        ("turn0search1, and more", ()),
        ("12†source", ("12",)),
        ("12", ()),
        ("注意", ()),
        ("", ()),
    ],
)
def test_the_keys_of_a_mark(inside: str, keys: tuple[str, ...]) -> None:
    assert mark_keys(inside) == keys


@pytest.mark.parametrize(
    ("inside", "may"),
    [
        *(
            (inside, True)
            for inside in ("", " ", "t", "tur", "turn", "turn0", "turn0sea", "turn0search1†L", "1", "12†so")
        ),
        *((inside, False) for inside in ("x", "tx", "turm", "turnx1y", "1x", "1234567", "注意")),
    ],
)
def test_what_may_become_a_mark_is_held(inside: str, may: bool) -> None:
    assert mark_may_begin(inside) is may
