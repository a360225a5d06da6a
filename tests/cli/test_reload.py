"""`glassgate reload`: a question to a running gateway, and its answer."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from addons.app import address_file
from addons.app.reload_requests import ReloadAnswer, ReloadRequests
from addons.cli.base import CliContext
from addons.cli.main import main
from addons.cli.reload import LOOK_S, PATIENCE_S, UNSEEN_S, _folder, _is_seen


def test_reload_of_a_file_that_is_no_yaml_says_what_stays_in_force(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("listen: [")
    result = CliRunner().invoke(main, ["--config", str(tmp_path / "config.yaml"), "reload"])
    assert result.exit_code == 1
    assert "is not valid YAML" in result.stderr
    assert "keeps what was in force before" in result.stderr


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text("vault: {path: vault/v.json}\n")
    (tmp_path / "vault").mkdir(mode=0o700)
    return tmp_path


class Clock:
    """Stands in for `time`; each wait lets the gateway of a test have its turn."""

    def __init__(self, turn: Callable[[], None] = lambda: None) -> None:
        self.now = 1000.0
        self.turn = turn

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.turn()


def reload(house: Path, clock: Clock, *, seen: bool = True) -> Result:
    with patch("addons.cli.reload.time", clock), patch("addons.cli.reload._is_seen", lambda *a: seen):
        return CliRunner().invoke(main, ["--config", str(house / "config.yaml"), "reload"])


def gateway(house: Path, answer: ReloadAnswer) -> Clock:
    """A gateway that answers what it is asked at its next look."""
    questions = ReloadRequests(house / "vault", house / "config.yaml")

    def look() -> None:
        if (question := questions.new()) is not None:
            questions.answer(question, answer)

    return Clock(look)


def test_what_the_gateway_did_is_told(house: Path) -> None:
    result = reload(house, gateway(house, ReloadAnswer(True, "in force\nand well")))
    assert (result.exit_code, result.stdout) == (0, "in force\nand well\n")
    assert [file.name for file in (house / "vault").iterdir() if not file.name.startswith("audit.jsonl")] == []


def test_what_it_refused_too_and_that_the_one_before_stays(house: Path) -> None:
    result = reload(house, gateway(house, ReloadAnswer(False, "line 3 is odd")))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[0].endswith("the one from before stays in force:")
    assert "line 3 is odd" in result.stderr


@pytest.mark.parametrize(("seen", "patience_s"), [(True, PATIENCE_S), (False, UNSEEN_S)])
def test_nobody_is_waited_for_for_ever(house: Path, seen: bool, patience_s: float) -> None:
    clock = Clock()
    result = reload(house, clock, seen=seen)
    assert result.exit_code == 1
    assert "has answered; start it: " in result.stderr
    assert clock.now - 1000 == pytest.approx(patience_s, abs=2 * LOOK_S)
    assert list((house / "vault").iterdir()) == [], "the question is taken back"


def test_without_a_vaults_folder_no_gateway_runs(house: Path) -> None:
    (house / "vault").rmdir()
    result = reload(house, Clock())
    assert (result.exit_code, "no gateway runs with" in result.stderr) == (1, True)
    assert not (house / "vault").exists()


def test_a_folder_that_takes_nothing_is_said(house: Path) -> None:
    with patch("addons.cli.reload.ask", side_effect=OSError(30, "Read-only file system")):
        result = reload(house, Clock())
    assert (result.exit_code, result.stderr) == (1, "glassgate: the gateway cannot be asked: Read-only file system\n")


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("vault: {path: vault/v.json}\nlisten: {port: odd}\n", "vault"),
        ("vault: {path: '${NOWHERE:-vault}/v.json'}\nlisten: {port: odd}\n", "vault"),
        ("vault: 5\n", ".sessions"),
        ("vault: {path: 5}\nodd: 1\n", ".sessions"),
        ("- a list\n", ".sessions"),
    ],
)
def test_of_a_broken_file_the_gateway_is_asked_all_the_same(house: Path, text: str, folder: str) -> None:
    """It is for the gateway to say what is wrong with it."""
    (house / "config.yaml").write_text(text)
    assert _folder(CliContext(house / "config.yaml")) == house / folder


@pytest.mark.parametrize(
    ("left", "answers", "seen"),
    [(None, True, False), ("http://127.0.0.1:1", True, True), ("http://127.0.0.1:1", False, False)],
)
def test_a_gateway_is_seen_where_it_said_it_listens(house: Path, left: str | None, answers: bool, seen: bool) -> None:
    if left is not None:
        address_file.leave(house / "vault", house / "config.yaml", left)
    with patch("addons.cli.reload.is_gateway", lambda url: answers):
        assert _is_seen(house / "vault", house / "config.yaml") is seen
