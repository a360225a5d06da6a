"""Events with what clients cannot do without."""

import pytest

from providers.anthropic.mended import counted, data_of, ended, event_of, is_half


def test_an_event_is_written_with_its_name() -> None:
    assert event_of({"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_a_message_has_both_counts() -> None:
    assert counted({"usage": {"input_tokens": 1, "output_tokens": 2}}) is None
    assert counted({"id": "m", "usage": None}) == {"id": "m", "usage": {"input_tokens": 0, "output_tokens": 0}}
    assert counted({"usage": {"output_tokens": 3}}) == {"usage": {"input_tokens": 0, "output_tokens": 3}}


def test_an_end_has_a_reason_and_a_count() -> None:
    whole = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    assert ended(whole, "end_turn", 9) is None
    assert ended({"delta": {"stop_reason": "end_turn"}}, "end_turn", 9) == {**whole, "usage": {"output_tokens": 9}}
    later = {"delta": {"stop_reason": None}, "usage": {"output_tokens": 2}}
    assert ended(later, "end_turn", 9) == whole
    assert ended(later, "", 9) is None


@pytest.mark.parametrize(
    ("block", "data", "half"),
    [
        (b'event: x\ndata: {"a":1}', b'{"a":1}', False),
        (b'data: {"a":', b'{"a":', True),
        (b"data:[DONE]", b"[DONE]", False),
        (b": comment", None, False),
        (b'data: {"a":\rdata: 1}', b'{"a":\n1}', False),
    ],
)
def test_the_data_of_an_event(block: bytes, data: bytes | None, half: bool) -> None:
    assert data_of(block) == data
    assert is_half(block) is half
