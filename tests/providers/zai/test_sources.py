"""Sources in the results of Z.AI's tools, and the marks that point at them."""

import json
from typing import Any

import pytest

from providers.contract.events import Citation, Event, Image
from providers.zai.decoder import ZaiDecoder
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
