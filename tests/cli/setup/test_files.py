"""Where setup writes: what is a person's own, and private, whole files."""

import stat
from pathlib import Path

import pytest

from addons.cli.base import CliContext, Problem
from addons.cli.setup.files import Place, place_of, write
from addons.words.commands import own_file


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    for name in ("run_proxy.sh", "config.yaml"):
        (tmp_path / name).touch()
    return tmp_path


def test_the_file_that_git_tracks_is_left_alone(project: Path) -> None:
    cli = CliContext(project / "config.yaml")
    assert place_of(cli, project) == Place(project / "config.local.yaml")
    (project / ".env").touch()
    assert place_of(cli, project) == Place(project / "config.yaml"), "who has worked with it goes on with it"


def test_without_a_checkout_it_is_the_persons_own_folder(project: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "site-packages"
    assert place_of(CliContext(tmp_path / "none.yaml", named=False), wheel) == Place(own_file())
    assert place_of(CliContext(tmp_path / "none.yaml"), wheel) == Place(tmp_path / "none.yaml")
    assert place_of(CliContext(tmp_path / "config.yaml", named=False), wheel) == Place(tmp_path / "config.yaml")


def test_variables_are_added_privately_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "kept" / ".env"
    real.parent.mkdir()
    real.write_text("A=1\n")
    real.chmod(0o644)
    (tmp_path / ".env").symlink_to(real)
    place = Place(tmp_path / "config.yaml")
    place.add_variables({"B": "2"})
    place.add_variables({})
    assert (tmp_path / ".env").is_symlink()
    assert place.variables() == {"A": "1", "B": "2"}
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_what_the_check_refuses_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("old")
    file.chmod(0o640)

    def refuse(made: Path) -> None:
        raise Problem(made.read_text())

    with pytest.raises(Problem, match="new"):
        write(file, "new", refuse)
    assert (file.read_text(), [one.name for one in tmp_path.iterdir()]) == ("old", ["config.yaml"])
    write(file, "new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o640)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(Problem, match=r"\.env: cannot be read"):
        Place(tmp_path / "config.yaml").variables()
    (tmp_path / "a file").touch()
    with pytest.raises(Problem, match="cannot be written"):
        write(tmp_path / "a file" / "config.yaml", "x")
