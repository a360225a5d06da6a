"""What each event of a stream says, in words."""

from addons.dialects.base import AnswerMeta
from addons.dialects.messages.frames import EventReader
from addons.dialects.messages.stream import MessagesStream
from addons.errors import GatewayError
from providers.contract.events import Finish, Reasoning, Text, ToolCallDelta, Usage
from tests.support.messages import told


def test_each_event_is_told_in_words() -> None:
    encoder = MessagesStream(AnswerMeta("msg_1", 1, "m"), thinks=True, prompt_tokens=3)
    events = [Reasoning("Hm\n"), Text("a"), ToolCallDelta(0, "c", "f", "{}"), Usage(9, 2, 11, cached_tokens=4)]
    raw = encoder.encode([*events, Finish("tool_calls")]) + encoder.error(GatewayError(502, "It broke."))
    reader = EventReader()
    words = [reader.words(data) for _, data in told(raw)]
    assert reader.head == ["model m", "id msg_1"]
    assert [line for lines in words for line in lines] == [
        "message begins",
        "usage 3+0",
        "block 0 begins: thinking",
        "reasoning 'Hm\\n'",
        '{"type": "signature_delta", "signature": "Z2xhc3NnYXRl"}',
        "block 0 ends",
        "block 1 begins: text",
        "text 'a'",
        "block 1 ends",
        "block 2 begins: tool_use f c",
        "input '{}'",
        "block 2 ends",
        "stop reason tool_use",
        "usage 5+2 (cached 4)",
        "message ends",
        "ERROR api_error: It broke.",
    ]


def test_long_pieces_are_shortened_and_what_is_not_known_is_shown() -> None:
    reader = EventReader()
    (long,) = reader.words({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a" * 1000}})
    assert long.endswith("(1000 characters)")
    assert reader.words({"type": "ping"}) == ["ping"]
    assert reader.words({"type": "new"}) == ['{"type": "new"}']
