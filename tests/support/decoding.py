"""Feeding decoders: whole, byte by byte, at every two-way cut; and joining what they say."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from providers.contract.events import Event, Failure, Finish, Reasoning, Text, Verbatim
from providers.contract.operation import Decoder

RECORDINGS = Path(os.environ.get("GLASSGATE_RECORDINGS", Path(__file__).parents[3] / "shared" / "recordings"))

type Said = tuple[Any, ...]


def run(decoder: Decoder, pieces: list[bytes]) -> list[Event]:
    """All events of one answer. Asserts that exactly one terminal comes, last."""
    events: list[Event] = []
    for piece in pieces:
        events += decoder.feed(piece)
    events += decoder.close()
    terminals = [event for event in events if isinstance(event, Finish | Failure)]
    assert len(terminals) == 1, terminals
    assert events[-1] is terminals[0]
    assert decoder.feed(b"data: {}\n\n") == [] == decoder.close()
    return events


def joined(events: list[Event]) -> list[Any]:
    """The events with adjacent pieces of text joined, so that different cuts compare equal."""
    out: list[Any] = []
    for event in events:
        if isinstance(event, Text | Reasoning) and out and isinstance(out[-1], type(event)):
            out[-1] = type(event)(out[-1].text + event.text, event.choice)
        elif isinstance(event, Verbatim) and out and isinstance(out[-1], Verbatim):
            out[-1] = Verbatim(out[-1].data + event.data)
        elif isinstance(event, Failure):
            out.append(("failure", event.error.kind, event.error.site_code))
        elif not isinstance(event, Text | Reasoning) or event.text:
            out.append(event)
    return out


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def reasoning_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Reasoning))


def cuts(stream: bytes) -> Iterator[list[bytes]]:
    yield [stream[i : i + 1] for i in range(len(stream))]
    for at in range(len(stream) + 1):
        yield [stream[:at], stream[at:]]


def same_at_every_cut(make: Callable[[], Decoder], stream: bytes) -> list[Event]:
    """Asserts one joined output for all cuts; gives the events of the uncut stream."""
    whole = run(make(), [stream])
    expected = joined(whole)
    for pieces in cuts(stream):
        assert joined(run(make(), pieces)) == expected
    return whole
