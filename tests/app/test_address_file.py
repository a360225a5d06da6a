"""Where a running gateway listens, left for commands of the same machine."""

from pathlib import Path

import pytest

from addons.app.address_file import FILE_NAME, find, forget, leave

URL = "http://127.0.0.1:8080"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


def test_it_is_found_for_its_own_configuration_until_the_end(folder: Path) -> None:
    assert find(folder, Path("/x/config.yaml")) is None
    leave(folder, Path("/x/config.yaml"), URL)
    assert (folder / FILE_NAME).stat().st_mode & 0o077 == 0
    assert find(folder, Path("/x/config.yaml")) == URL
    assert find(folder, Path("/x/other.yaml")) is None
    forget(folder, "http://127.0.0.1:9")
    assert find(folder, Path("/x/config.yaml")) == URL, "another gateway's word stays"
    forget(folder, URL)
    assert not (folder / FILE_NAME).exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"config": "/x/config.yaml"}', '{"config": "/x/config.yaml", "url": 1}']
)
def test_a_broken_file_says_nothing(folder: Path, text: str) -> None:
    leave(folder, Path("/x/config.yaml"), URL)
    (folder / FILE_NAME).write_text(text)
    assert find(folder, Path("/x/config.yaml")) is None


def test_a_disk_that_takes_nothing_costs_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    leave(tmp_path / "file", Path("/x/config.yaml"), URL)
