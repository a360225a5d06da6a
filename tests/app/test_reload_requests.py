"""How a command reaches a running gateway."""

import os
from pathlib import Path

import pytest

from addons.app.reload_requests import ANSWER_NAME, QUESTION_NAME, ReloadAnswer, ReloadRequests, answer_to, ask, forget
from tests.support.private_files import private_folder, put

NOW = 1_800_000_000
ACCOUNT = ("zai", "main")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "sessions")


QUESTION = "ab" * 16


def test_a_question_is_heard_once_and_answered(folder: Path) -> None:
    file = Path("/x/config.yaml")
    ask(folder, file, "00" * 16)
    questions = ReloadRequests(folder, file)
    assert questions.new() is None, "it was there before the start"
    ask(folder, file, QUESTION)
    assert questions.new() == QUESTION
    assert questions.new() is None
    assert answer_to(folder, QUESTION) is None
    questions.answer(QUESTION, ReloadAnswer(False, "one\x1b[2J\ntwo"))
    assert answer_to(folder, QUESTION) == ReloadAnswer(False, "one [2J\ntwo")
    assert answer_to(folder, "cd" * 16) is None
    forget(folder)
    assert questions.new() is None
    assert os.listdir(folder) == []


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"id": QUESTION, "config": "/other/config.yaml"}, id="another configuration"),
        pytest.param({"id": "x\x1b", "config": "/x/config.yaml"}, id="an id that is none"),
        pytest.param([1], id="no question"),
        pytest.param({"id": QUESTION}, id="about nothing"),
    ],
)
def test_other_questions_are_passed_over(folder: Path, asked: object) -> None:
    questions = ReloadRequests(folder, Path("/x/config.yaml"))
    put(folder / QUESTION_NAME, asked)
    assert questions.new() is None


def test_a_forged_answer_acts_on_no_terminal(folder: Path) -> None:
    put(folder / ANSWER_NAME, {"id": QUESTION, "done": 1, "said": "\x1b[2J" * 10})
    found = answer_to(folder, QUESTION)
    assert found is not None
    assert not found.done
    assert "\x1b" not in found.said
