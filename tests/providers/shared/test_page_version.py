"""One reading of the page for all requests that were refused together."""

import re

import pytest

from providers.contract.call import Call
from providers.contract.steps import Answer, Moment
from providers.shared.page_version import PageFinding, PageVersion

PAGE = Call("GET", "https://site.example/", ())
VERSION = re.compile(rb"v(\d\.\d)")
READ_MS = 1_700_000_000_000


def at(ms: int, came_ms: int) -> Moment:
    return Moment(READ_MS + ms, lambda: "id", came_ms=READ_MS + came_ms)


def learnt(
    versions: PageVersion,
    asked_ms: int,
    body: bytes | None,
    *,
    came_ms: int = -1000,
    own: str = "",
    read_ms: int = 0,
    status: int = 200,
) -> PageFinding:
    """The finding for a call made at `asked_ms`; `body` is the page, None where it must not be asked for."""
    steps = versions.learn(PAGE, VERSION, own, at(asked_ms, came_ms))
    try:
        assert next(steps) is PAGE
        assert body is not None, "the page was read again"
        steps.send(Answer(status, {}, body, at_ms=READ_MS + read_ms))
    except StopIteration as end:
        found: PageFinding = end.value
        return found
    raise AssertionError("more than one call")


def test_those_refused_together_share_the_first_reading() -> None:
    versions = PageVersion("1.0")
    assert learnt(versions, -500, b"v2.0") == "newer"
    assert [learnt(versions, ms, None) for ms in (-900, -1)] == ["newer", "newer"]
    assert (versions.of(""), versions.of("1.5"), versions.of("2.1")) == ("2.0", "2.0", "2.1")
    assert learnt(versions, -1, None, own="2.0") == "same", "which that one had sent"


def test_those_who_waited_for_their_turn_do_not_have_the_page_read_again() -> None:
    versions = PageVersion("1.0")
    learnt(versions, -500, b"v2.0")
    assert [learnt(versions, ms, None, came_ms=-1) for ms in (0, 5, 90_000)] == ["unknown"] * 3
    assert learnt(versions, 9, b"v2.1", came_ms=0, read_ms=20) == "newer", "that one came later"
    assert versions.of("") == "2.1"


def test_the_same_version_is_the_same_for_all() -> None:
    versions = PageVersion("1.0")
    assert learnt(versions, -500, b"v1.0") == "same"
    assert [learnt(versions, ms, None) for ms in (-1, 0, 5)] == ["same"] * 3


@pytest.mark.parametrize(("body", "status"), [(b"nothing", 200), (b"v2.0", 503)])
def test_a_page_that_cannot_be_read_is_read_once_too(body: bytes, status: int) -> None:
    versions = PageVersion("1.0")
    assert learnt(versions, -500, body, status=status) == "unknown"
    assert [learnt(versions, ms, None) for ms in (-1, 5)] == ["unknown"] * 2
    assert versions.of("") == "1.0"
