"""Items while they grow."""

from addons.dialects.responses.numbered import Numbered
from addons.dialects.responses.output_items import CallItem, GrowingText, MessageItem
from addons.dialects.responses.tools import OwnTool
from tests.dialects.responses.reading import events_in


def test_a_text_grows_by_frames_and_is_kept_as_json() -> None:
    text = GrowingText(Numbered(), "x.delta", b'"item_id":"i"')
    frames = (
        text.delta('a"')
        + text.delta("")
        + text.delta("\ud83d")
        + text.delta("\ude00")
        + text.delta("\ud83d")
        + text.rest()
    )
    assert [event["delta"] for event in events_in(frames)] == ['a"', "😀", "\ufffd"]
    assert text.json == '"a\\"😀\ufffd"'.encode()
    assert text.rest() == b""


def test_a_message_without_words_has_an_empty_part() -> None:
    message = MessageItem(Numbered(), "msg_1", 0, 0)
    assert events_in(message.closed("completed"))[-1]["item"]["content"] == [
        {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    ]


def test_a_call_is_whole_when_its_arguments_are_json() -> None:
    call = CallItem(Numbered(), "fc_1", 0, "c", OwnTool("f"))
    call.arguments('{"a": "\\u00')
    assert not call.is_whole()
    call.arguments('e9"}')
    assert call.is_whole()
