"""Questions of commands to a running gateway, as files of one folder."""

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from addons.app import control
from addons.app.control import LEFT_OVER_S, Answer, Inbox, answer_to, ask, folder_beside, held

FILE = Path("/somewhere/config.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return folder_beside(tmp_path / "vault.json")


@pytest.fixture
def inbox(folder: Path) -> Inbox:
    return Inbox(folder, FILE)


def test_a_question_is_taken_once_and_answered(folder: Path, inbox: Inbox) -> None:
    assert inbox.is_empty()
    with held(folder) as question:
        ask(folder, FILE, question, "lend_key", key="a secret")
        assert not inbox.is_empty()
        assert answer_to(folder, question) is None
        [asked] = inbox.take()
        assert (asked.id, asked.what, asked.fields["key"]) == (question, "lend_key", "a secret")
        assert "a secret" not in "".join(path.read_text() for path in folder.iterdir()), "it is off the disk"
        assert inbox.take() == []
        inbox.answer(question, Answer(True, "two\nlines\x1b[2J"))
        assert answer_to(folder, question) == Answer(True, "two\nlines [2J")
    assert list(folder.iterdir()) == []
    assert inbox.is_empty()


def test_all_is_private(folder: Path, inbox: Inbox) -> None:
    with held(folder) as question:
        ask(folder, FILE, question, "x")
        inbox.answer("0" * 32, Answer(True))
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(OSError, match="others"), held(folder):
        pass


def test_what_is_held_is_left_when_the_holder_ends(folder: Path, inbox: Inbox) -> None:
    with held(folder) as question:
        assert not inbox.is_left(question)
    assert inbox.is_left(question)


@pytest.mark.processes
def test_what_a_killed_process_held_is_left(folder: Path, inbox: Inbox) -> None:
    """The kernel lets go of a lock; the file stays."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        with held(folder) as question:
            os.write(writer, question.encode())
            time.sleep(600)
    question = os.read(reader, 64).decode()
    assert not inbox.is_left(question)
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(reader)
    os.close(writer)
    assert (folder / f"{question}.held").exists()
    assert inbox.is_left(question)
    assert list(folder.iterdir()) == []


def test_questions_about_another_configuration_are_another_gateways(folder: Path, inbox: Inbox) -> None:
    with held(folder) as question:
        ask(folder, Path("/other/config.yaml"), question, "x")
        assert inbox.take() == []
        assert [asked.id for asked in Inbox(folder, Path("/other/config.yaml")).take()] == [question]


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 5000, '{"config": 5}', json.dumps({"what": "x"}), "x" * 70_000])
def test_what_is_no_question_is_passed_over(folder: Path, inbox: Inbox, text: str) -> None:
    with held(folder) as question:
        (folder / f"{question}.ask").write_text(text)
        (folder / f"{question}.ask").chmod(0o600)
        assert inbox.take() == []


def test_files_of_other_names_links_and_files_open_to_others_are_left_alone(folder: Path, inbox: Inbox) -> None:
    with held(folder) as question:
        ask(folder, FILE, question, "x")
        (folder / f"{question}.ask").rename(folder / "odd.ask")
        (folder / f"{'1' * 32}.ask").symlink_to(folder / "odd.ask")
        ask(folder, FILE, "2" * 32, "x")
        (folder / f"{'2' * 32}.ask").chmod(0o644)
        assert inbox.take() == []
        assert len(list(folder.iterdir())) == 4


def test_of_very_many_files_some_are_opened(folder: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MOST_AT_ONCE", 20)
    with held(folder):
        for number in range(30):
            ask(folder, FILE, f"{number:032x}", "x")
        assert len(inbox.take()) == 20
        assert len(inbox.take()) == 10


def question_names(number: int) -> str:
    return f"{number:032x}.ask"


@pytest.mark.parametrize(
    ("junk", "looks"),
    [
        pytest.param(lambda number: f"{number:08}.junk", 1, id="of names of their own"),
        pytest.param(lambda number: f"{number:032x}.held", 1, id="that hold nothing"),
        pytest.param(lambda number: f"{number:032x}.answer", 1, id="answers that nobody takes"),
        pytest.param(question_names, 4, id="questions to another gateway"),
    ],
)
def test_a_flood_of_files_keeps_no_question_from_being_heard(
    folder: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, junk: Callable[[int], str], looks: int
) -> None:
    monkeypatch.setattr(control, "MOST_AT_ONCE", 20)
    with held(folder) as question:
        for number in range(70):
            path = folder / junk(number)
            path.write_text(json.dumps({"config": "/other/config.yaml", "what": "x"}))
            path.chmod(0o600)
        ask(folder, FILE, "f" * 32, "x")
        taken = [asked.id for _ in range(looks) for asked in inbox.take()]
        assert taken == ["f" * 32]
        assert (folder / f"{question}.held").exists()
        assert len(list(folder.iterdir())) == 71, "nothing of it was removed"


def test_what_cannot_be_removed_keeps_no_question_from_being_heard(folder: Path, inbox: Inbox) -> None:
    with held(folder) as question:
        then = time.time() - LEFT_OVER_S - 1
        for ending in ("ask", "answer", "held"):
            (folder / f"{'0' * 32}.{ending}").mkdir()
            os.utime(folder / f"{'0' * 32}.{ending}", (then, then))
        ask(folder, FILE, question, "x")
        assert [asked.id for asked in inbox.take()] == [question]


def test_what_dead_processes_have_left_goes_though_there_is_more_than_is_opened_at_once(
    folder: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "MOST_AT_ONCE", 3)
    with ExitStack() as living:
        for _ in range(5):
            living.enter_context(held(folder))
        then = time.time() - LEFT_OVER_S - 1
        for path in [*folder.iterdir(), folder / f"{'f' * 32}.held", folder / f"{'0' * 32}.held"]:
            path.touch(0o600)
            os.utime(path, (then, then))
        for _ in range(3):
            assert inbox.take() == []
        assert len(list(folder.iterdir())) == 5, "whoever lives keeps what it holds"


def test_what_dead_processes_have_left_goes(folder: Path, inbox: Inbox) -> None:
    with held(folder) as question:
        ask(folder, FILE, "1" * 32, "x")
        inbox.answer("2" * 32, Answer(True))
        (folder / f"{'3' * 32}.held").touch(0o600)
        then = time.time() - LEFT_OVER_S - 1
        for path in folder.iterdir():
            os.utime(path, (then, then))
        assert inbox.take() == []
        assert [path.name for path in folder.iterdir()] == [f"{question}.held"], "whoever lives keeps what it holds"


def test_a_folder_that_is_none_has_no_questions(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "nowhere", FILE)
    assert inbox.is_empty()
    assert inbox.take() == []
