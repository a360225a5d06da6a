"""The key a program shows: the configuration's where the gateway proves to know it, else one that is lent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from addons.app import control
from addons.app.control import Answer, Inbox
from addons.app.lent_keys import LentKeys
from addons.cli.base import Problem
from addons.cli.running.keys import NOT_WANTED, PATIENCE_S, configured_key, lent_key
from addons.config.client_keys import ClientKey
from addons.config.configuration import Config
from addons.config.schema import Sections

FILE = Path("/f/config.yaml")


def config(**fields: Any) -> Config:
    return Config(FILE, Sections(), (), **fields)


@pytest.mark.parametrize("knows", [True, False])
def test_a_key_of_the_configuration_is_taken_that_the_gateway_knows(knows: bool) -> None:
    with patch("addons.cli.running.keys.proves_to_know", lambda url, key: knows and key == "k1"):
        found = configured_key(config(keys=(ClientKey("env", "k1", "AUTH_TOKEN"), ClientKey("b", "k2"))), "u")
        assert (found.token if found else None, found.source if found else None) == (
            ("k1", "AUTH_TOKEN") if knows else (None, None)
        )
        assert configured_key(config(), "u") is None


def test_where_none_is_wanted_any_will_do() -> None:
    found = configured_key(config(skip_auth=True), "u")
    assert found is not None
    assert found.token == NOT_WANTED


class Clock:
    """Each wait lets the gateway of a test have its turn."""

    def __init__(self, turn: Callable[[], None] = lambda: None) -> None:
        self.now, self.turn = 0.0, turn

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.turn()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "control"


def test_a_key_is_lent_for_as_long_as_it_is_held(folder: Path) -> None:
    lent, inbox = LentKeys(), Inbox(folder, FILE)

    def gateway() -> None:
        for question in inbox.take():
            inbox.answer(question.id, lent.lend(question, ()))

    clock = Clock(gateway)
    with lent_key(folder, FILE, "claude", clock=clock, sleep=clock.sleep) as key:
        assert key.lent == "run-claude"
        assert [one.token for one in lent.keys] == [key.token]
        assert not inbox.is_left(lent.questions()[0])
        assert key.token not in repr(key)
    assert inbox.is_left(lent.questions()[0])
    assert list(folder.iterdir()) == []


def test_a_refusal_is_told(folder: Path) -> None:
    inbox = Inbox(folder, FILE)

    def gateway() -> None:
        for question in inbox.take():
            inbox.answer(question.id, Answer(False, "50 keys are lent already"))

    clock = Clock(gateway)
    with pytest.raises(Problem, match="50 keys"), lent_key(folder, FILE, "x", clock=clock, sleep=clock.sleep):
        pass


def test_a_gateway_of_before_is_not_waited_for_for_ever(folder: Path) -> None:
    clock = Clock()
    with pytest.raises(Problem, match="has not answered"), lent_key(folder, FILE, "x", clock=clock, sleep=clock.sleep):
        pass
    assert PATIENCE_S <= clock.now < PATIENCE_S + 1
    assert list(folder.iterdir()) == [], "the question is taken back"


def test_a_folder_that_takes_nothing_is_said_and_what_a_program_raises_is_not_taken_for_it(folder: Path) -> None:
    with (
        patch.object(control, "ask", side_effect=OSError(30, "Read-only file system")),
        pytest.raises(Problem, match="cannot be asked for a key: Read-only file system"),
        lent_key(folder, FILE, "x"),
    ):
        pass
