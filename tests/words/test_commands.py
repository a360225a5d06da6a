"""Lines to be pasted: as this installation needs them, from where the person is."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from addons.words.commands import Installation, command, own_file, serves, usual_file


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "glass gate"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in (".venv/bin/glassgate", "run_proxy.sh"):
        (folder / name).write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        (folder / name).chmod(0o700)
    return folder


def here(project: Path, file: str, folder: Path, on_path: str | None = None) -> Installation:
    return Installation.of(Path(file), folder, project / ".venv/bin/glassgate", project, on_path)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("config.yaml", ".venv/bin/glassgate accounts"),
        ("{project}/config.yaml", ".venv/bin/glassgate accounts"),
        ("other.yaml", ".venv/bin/glassgate --config other.yaml accounts"),
        ("{project}/kept/my config.yaml", ".venv/bin/glassgate --config 'kept/my config.yaml' accounts"),
        ("/etc/glassgate.yaml", ".venv/bin/glassgate --config /etc/glassgate.yaml accounts"),
    ],
)
def test_in_the_folder_of_the_project(project: Path, file: str, expected: str) -> None:
    assert here(project, file.format(project=project), project).command("accounts") == expected


def test_from_elsewhere_paths_are_whole_and_the_file_is_named(project: Path, tmp_path: Path) -> None:
    found = here(project, str(project / "config.yaml"), tmp_path)
    assert found.command("accounts") == "'glass gate/.venv/bin/glassgate' --config 'glass gate/config.yaml' accounts"
    far = here(project, "config.yaml", Path("/"))
    assert far.command("accounts") == f"'{project.relative_to('/')}/.venv/bin/glassgate' accounts"


def test_a_launcher_that_the_shell_knows_is_named_shortly(project: Path) -> None:
    launcher = str(project / ".venv/bin/glassgate")
    assert here(project, "config.yaml", project, on_path=launcher).command("accounts") == "glassgate accounts"
    assert here(project, "config.yaml", project, on_path="/bin/sh").command("accounts") != "glassgate accounts"


def test_the_script_takes_files_from_the_persons_folder_and_else_its_own(project: Path, tmp_path: Path) -> None:
    assert here(project, "other.yaml", project).start("8081") == ("./run_proxy.sh --config other.yaml --port 8081")
    assert here(project, "config.yaml", project).capture("zai", "main") == "./run_proxy.sh capture zai main"
    elsewhere = here(project, str(tmp_path / "config.yaml"), tmp_path)
    assert elsewhere.start() == "'glass gate/run_proxy.sh' --config config.yaml"
    assert elsewhere.capture("zai").endswith("run_proxy.sh' capture zai --config config.yaml")
    its_own = here(project, str(project / "config.yaml"), tmp_path)
    assert its_own.start("8081") == "'glass gate/run_proxy.sh' --port 8081"


def test_the_file_that_is_taken_anyway_is_not_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    nowhere = tmp_path / "elsewhere"
    nowhere.mkdir()
    assert usual_file(nowhere) == nowhere / "config.yaml"
    (tmp_path / "own" / "glassgate").mkdir(parents=True)
    own_file().touch()
    assert usual_file(nowhere) == own_file() == tmp_path / "own" / "glassgate" / "config.yaml"
    assert here(project, str(own_file()), nowhere).glassgate_config == ()
    (project / "config.yaml").touch()
    assert here(project, "config.yaml", project).start() == "./run_proxy.sh"
    (project / "config.local.yaml").touch()
    assert usual_file(project) == project / "config.local.yaml"
    assert here(project, "config.local.yaml", project).start() == "./run_proxy.sh"
    assert here(project, "config.yaml", project).start() == "./run_proxy.sh --config config.yaml"


def test_a_wheel_has_no_script_so_lines_name_the_command(tmp_path: Path) -> None:
    (tmp_path / "v" / "bin").mkdir(parents=True)
    (tmp_path / "v" / "bin" / "glassgate").touch()
    installed = tmp_path / "v" / "lib" / "glassgate"

    def lines(file: str) -> Installation:
        return Installation.of(Path(file), tmp_path, tmp_path / "v" / "bin" / "glassgate", installed, None)

    assert lines("config.yaml").start() == "v/bin/glassgate serve"
    assert lines("my own.yaml").start("8081") == "v/bin/glassgate --config 'my own.yaml' serve --port 8081"
    assert lines("config.yaml").capture("zai", "main") == "v/bin/glassgate capture zai main"
    assert lines("b.yaml").capture("zai") == "v/bin/glassgate --config b.yaml capture zai"


@pytest.mark.processes
@pytest.mark.parametrize("file", ["config.yaml", "my $HOME's `file`.yaml", "-c.yaml"])
def test_a_shell_reads_the_line_as_it_was_meant(project: Path, file: str) -> None:
    line = here(project, file, project).command("sessions", "add", "zai", "main")
    said = subprocess.run(["sh", "-c", line], cwd=project, capture_output=True, text=True, check=True).stdout
    config = [] if file == "config.yaml" else ["--config", file]
    assert said.splitlines() == [*config, "sessions", "add", "zai", "main"]


def test_a_process_says_once_with_which_file_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    serves(Path("other.yaml"))
    line = command("accounts")
    assert line.endswith("glassgate --config other.yaml accounts")
    assert os.path.exists(shlex.split(line)[0]) or line.startswith("glassgate ")
