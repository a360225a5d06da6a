"""What the docs, docstrings and comments name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "clients").glob("*.md")),
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
]
_FILE = re.compile(r"(?:addons|providers|tests|docs|benchmarks)/[\w/*-]+\.(?:py|md|css|json)\b")
EXAMPLES = ("providers/toy/", "addons/dialects/plain.py")
"""Files that a reader is shown how to make (tests/providers/test_adding.py, tests/dialects/test_adding.py)."""


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_test_a_page_names_is_there(page: Path) -> None:
    """A name with a folder is looked for there, one without anywhere."""
    for name in re.findall(r"`((?:tests/[\w/]*)?test_[\w*]+\.py)`", page.read_text(encoding="utf-8")):
        assert list(ROOT.glob(name) if "/" in name else (ROOT / "tests").rglob(name)), name


def test_in_the_table_of_attacks_a_bare_name_is_of_the_wire_tests() -> None:
    table = (ROOT / "docs/security.md").read_text(encoding="utf-8").partition("## What was attacked")[2]
    for name in re.findall(r"`(test_\w+\.py)`", table.partition("\n## ")[0]):
        assert (ROOT / "tests/wire" / name).is_file(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_a_page_names_is_there(page: Path) -> None:
    named = _FILE.findall(page.read_text(encoding="utf-8"))
    missing = [name for name in named if not list(ROOT.glob(name)) and not (page.parent / name).exists()]
    assert [name for name in missing if not name.startswith(EXAMPLES)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_a_page_links_to_is_there(page: Path) -> None:
    for link in re.findall(r"\]\(([\w/.-]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("room", ["addons", "providers"])
def test_every_file_the_code_names_is_there(room: str) -> None:
    missing = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / room).rglob("*.py")
        for name in _FILE.findall(file.read_text(encoding="utf-8"))
        if not list(ROOT.glob(name))
    }
    assert missing == set()
