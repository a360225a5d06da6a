"""`glassgate record` tells; `record on` and `off` do, and answer what is true then."""

from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG, Run


@pytest.fixture(autouse=True)
def config(house: Path, made: Path) -> None:
    (house / "config.yaml").write_text(CONFIG)


def test_without_a_word_it_only_tells(run: Run, house: Path) -> None:
    assert run("record").stdout == "recording is off\n"
    assert run("record", "status").stdout == "recording is off\n"
    assert not list(house.rglob("record.json"))
    run("record", "on", "--folder", str(house / "kept"))
    for command in (("record",), ("record", "status")):
        assert run(*command).stdout == f"recording is on; files go to {house}/kept\n"


def test_the_folder_stays_the_one_chosen_last(run: Run, house: Path) -> None:
    assert run("record", "on").stdout == f"recording is on; files go to {house}/recordings\n"
    assert run("record", "on", "--folder", str(house / "kept")).stdout.endswith("/kept\n")
    assert run("record", "off").stdout == "recording is off\n"
    assert run("record", "on").stdout == f"recording is on; files go to {house}/kept\n"


def test_config_yaml_counts_until_somebody_switches(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text(CONFIG + "record: {enabled: true, folder: mine}\n")
    assert run("record").stdout == f"recording is on; files go to {house}/mine\n"
    run("record", "off")
    assert run("record").stdout == "recording is off\n"
    assert run("record", "on").stdout == f"recording is on; files go to {house}/mine\n"


@pytest.mark.parametrize("arguments", [("on", "a.har"), ("status", "a.har"), ("status", "--folder", "x"), ("import",)])
def test_what_does_not_fit_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("record", *arguments)
    assert result.exit_code == 1
    assert run("record").stdout == "recording is off\n"


def test_recordings_do_not_get_into_the_next_commit() -> None:
    from tests.support.processes import ROOT

    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/recordings/" in ignored
    assert "recordings/" not in ignored  # that would hide addons/recordings too, from git and from ruff
