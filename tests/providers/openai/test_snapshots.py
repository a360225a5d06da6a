"""Stream chunks that carry a message: what is new in each, and how much may be held for it."""

from providers.openai.snapshots import Snapshots


def said(snapshots: Snapshots, text: str) -> str:
    found = snapshots.fresh({"content": text})["content"]
    assert isinstance(found, str)
    return found


def test_a_piece_that_came_again_is_said_when_another_shows_that_they_are_pieces() -> None:
    snapshots = Snapshots()
    assert [said(snapshots, text) for text in ("ha", "ha", "ha", "!")] == ["ha", "", "", "haha!"]


def test_what_came_again_does_not_become_more_than_memory_holds() -> None:
    """A megabyte repeated a thousand times, then another letter: a gigabyte at once."""
    snapshots = Snapshots()
    long = "a" * 1024 * 1024
    for _ in range(1000):
        said(snapshots, long)
    assert len(said(snapshots, "b")) <= 4 * 1024 * 1024 + 1
