"""The events of a request to a provider: whatever becomes of it, they come in one order."""

import re
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from addons.upstream.events import Answered, Body, Broken, Connected, Ended, NoConnection, Reconnecting, UpstreamEvent
from tests.support.upstream import Wires

LETTERS: Final[dict[type[UpstreamEvent], str]] = {
    Connected: "C",
    Reconnecting: "R",
    Answered: "A",
    Body: "B",
    Ended: "E",
    NoConnection: "N",
    Broken: "X",
}
ORDER: Final = re.compile(r"C?(?:R(?:N|CX|CA?B*[EX]?|C)?|A?B*[EX]?)|N")
WHOLE: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n2\r\n!!\r\n0\r\n\r\n"

moves = st.lists(st.sampled_from(["opens", "fails", "says", "rest", "garbage", "ends"]), max_size=6)


@given(moves, st.integers(1, len(WHOLE) - 1), st.booleans())
def test_events_have_an_order(course: list[str], cut: int, after_another: bool) -> None:
    wires = Wires()
    if after_another:
        wires.asks()
        wires.made[0].opens()
        wires.made[0].says(WHOLE)
    asked, said = wires.asks(), 0
    for move in course:
        wire = wires.made[-1]
        is_open = asked.call.is_connected
        if asked.call.over or wire.closed:
            break
        match move:
            case "opens" if not is_open:
                wire.opens()
            case "fails" if not is_open:
                wire.fails("refused")
            case "says" if is_open and said == 0:
                wire.says(WHOLE[:cut])
                said = cut
            case "rest" if is_open:
                wire.says(WHOLE[said:])
            case "garbage" if is_open:
                wire.says(b"garbage\r\n\r\n")
            case "ends" if is_open:
                wire.ends()
                said = 0
    found = "".join(LETTERS[type(event)] for event in asked.told)
    assert ORDER.fullmatch(found), found
    assert asked.call.over == (found[-1:] in ("E", "X", "N") and found != "")
