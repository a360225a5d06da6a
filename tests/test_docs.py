"""What the docs name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_test_a_page_names_is_there(page: Path) -> None:
    """A name with a folder is looked for there, one without anywhere."""
    for name in re.findall(r"`((?:tests/[\w/]*)?test_[\w*]+\.py)`", page.read_text(encoding="utf-8")):
        assert list(ROOT.glob(name) if "/" in name else (ROOT / "tests").rglob(name)), name


def test_in_the_table_of_attacks_a_bare_name_is_of_the_wire_tests() -> None:
    table = (ROOT / "docs/security.md").read_text(encoding="utf-8").partition("## What was attacked")[2]
    for name in re.findall(r"`(test_\w+\.py)`", table.partition("\n## ")[0]):
        assert (ROOT / "tests/wire" / name).is_file(), name
