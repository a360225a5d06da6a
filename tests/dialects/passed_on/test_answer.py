"""Answers that are passed on: nothing of ours in them, and the name of their kind where the API alone knows it."""

import pytest

from addons.dialects.base import JSON
from addons.dialects.openai.passed_events import PassedEvents
from addons.dialects.passed_on.answer import OCTETS, PassedBytes, PassedWhole
from addons.errors import GatewayError
from providers.contract.events import Finish, Usage, Verbatim

BROKEN = GatewayError(502, "It broke.")


def test_a_whole_answer_comes_with_its_end_and_says_what_it_is() -> None:
    whole = PassedWhole()
    assert (whole.content_type, whole.encode([Verbatim(b"1\n", "text/plain"), Usage(1, 0, 1)])) == (JSON, b"")
    assert whole.encode([Verbatim(b"2\n", "text/plain"), Finish("stop")]) == b"1\n2\n"
    assert (whole.content_type, whole.error(BROKEN)) == ("text/plain", b"")


def test_bytes_go_on_as_they_come_and_have_no_words_of_ours() -> None:
    sound = PassedBytes()
    assert (sound.content_type, sound.keepalive) == (OCTETS, b"")
    assert sound.encode([Verbatim(b"\xff", "audio/mpeg")]) == b"\xff"
    assert sound.encode([Verbatim(b"\xfe", "audio/mpeg"), Finish("stop")]) == b"\xfe"
    assert (sound.content_type, sound.error(BROKEN)) == ("audio/mpeg", b"")


@pytest.mark.parametrize("events", [[], [Usage(1, 2, 3)], [Finish("stop")]], ids=["none", "counts", "end"])
def test_events_of_the_api_are_all_that_a_stream_says(events: list[Usage | Finish]) -> None:
    assert PassedEvents().encode([Verbatim(b"data: 1\n\n"), *events]) == b"data: 1\n\n"
    assert b"It broke." in PassedEvents().error(BROKEN)
