"""The tests mirror the rooms: a file of the product has its own test file, at the same place below tests/."""

from pathlib import Path

from tests.test_rooms import ROOT, sources

SMALL = 60
"""Lines of a file that may be tested with those that use it."""


def mirror_of(file: Path) -> Path:
    """addons/ROOM/x.py → tests/ROOM/test_x.py; providers/ROOM/x.py → tests/providers/ROOM/test_x.py."""
    place = file.relative_to(ROOT / "addons") if file.is_relative_to(ROOT / "addons") else file.relative_to(ROOT)
    return ROOT / "tests" / place.parent / f"test_{'init' if file.stem == '__init__' else file.stem}.py"


def test_every_file_has_its_tests_at_its_place() -> None:
    without = [
        f"{file.relative_to(ROOT)} has no {mirror.relative_to(ROOT)}"
        for file in sources()
        if len(file.read_text(encoding="utf-8").splitlines()) > SMALL
        if not (mirror := mirror_of(file)).is_file()
    ]
    assert without == []
