"""Headers of a client that may be sent on."""

import pytest

from addons.dialects.routed_head import NO_HEAD, SENT_CHARS


def test_headers_that_were_named_and_are_there_are_sent_on() -> None:
    head = NO_HEAD._replace(headers={"openai-beta": "assistants=v2", "other": "x"})
    assert head.sendable(("openai-beta", "missing")) == (("openai-beta", "assistants=v2"),)


@pytest.mark.parametrize(
    "value", ["", "a\r\n x-evil: 1", "a\nb", "a\rb", "a\x00b", "a\tb", "é", "\u2028", "x" * (SENT_CHARS + 1)]
)
def test_a_value_that_servers_could_read_in_two_ways_is_not(value: str) -> None:
    assert NO_HEAD._replace(headers={"openai-beta": value}).sendable(("openai-beta",)) == ()
