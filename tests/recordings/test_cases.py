"""The kept cases: recorded answers that today's adapters must read as they were read then."""

from pathlib import Path

import pytest

from addons.recordings.check import differences
from addons.recordings.kept_files import ENDING
from addons.recordings.session_file import read_recordings

CASES = sorted((Path(__file__).parents[1] / "fixtures" / "cases").glob(f"*{ENDING}"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.removesuffix(ENDING))
def test_a_case_is_read_as_it_was(path: Path) -> None:
    for recording in read_recordings(path.read_bytes(), path.name):
        assert differences(recording) == []
