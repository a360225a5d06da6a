"""The kept cases: recorded answers that today's adapters must read as they were read then."""

from pathlib import Path

import pytest

from addons.recordings.check import differences
from addons.recordings.kept_files import ENDING
from addons.recordings.recording import Recording

CASES = sorted((Path(__file__).parents[1] / "fixtures" / "cases").glob(f"*{ENDING}"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.removesuffix(ENDING))
def test_a_case_is_read_as_it_was(path: Path) -> None:
    assert differences(Recording.load(path.read_bytes(), path.name)) == []
