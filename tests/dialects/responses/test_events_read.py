"""What each event of a stream says."""

from addons.dialects.responses.events_read import EventReader
from providers.contract.events import Finish, Text, ToolCallDelta, Usage
from tests.dialects.responses.reading import META, told


def test_events_in_words() -> None:
    reader = EventReader()
    found = [
        reader.words(event)
        for event in told([Text("a\n"), ToolCallDelta(0, "c", "f", "{}"), Usage(1, 2, 3), Finish("stop")])
    ]
    assert reader.head == ["model m", f"id {META.id}"]
    assert found[0] == ["created", "status in_progress"]
    assert found[2] == ["output_item.added [0]", "message in_progress"]
    assert found[4] == ["output_text.delta [0]", "'a\\n'"]
    assert found[-1] == ["completed", "status completed", "usage 1+2"]


def test_odd_events() -> None:
    reader = EventReader()
    assert reader.words({}) == ["event"]
    assert reader.words({"type": "error", "error": {"code": "x", "message": "y"}}) == ["error", "ERROR x: y"]
    assert reader.words({"type": 7, "response": 7, "item": [], "x": {"a": 1}}) == ["event", 'x {"a": 1}']
    incomplete = {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}
    assert reader.words(incomplete) == ["incomplete", "status null", "because of max_output_tokens"]
