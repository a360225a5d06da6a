"""Keys that are lent to programs: which, under which name, how many."""

from typing import Any

import pytest

from addons.app.control import Question
from addons.app.lent_keys import MOST, LentKeys

TOKEN = "sk-glassgate-run-" + "x" * 43


def question(number: int = 0, **fields: Any) -> Question:
    return Question(f"{number:032x}", "lend_key", {"key": TOKEN, "name": "run-claude", **fields})


def test_a_key_is_lent_under_its_name_until_it_ends() -> None:
    lent = LentKeys()
    before = lent.keys
    answer = lent.lend(question(), ())
    assert (answer.done, answer.said) == (True, "run-claude")
    assert [(key.name, key.token) for key in lent.keys] == [("run-claude", TOKEN)]
    assert lent.keys is not before, "what is known by it is found anew"
    assert lent.questions() == ("0" * 32,)
    assert not lent.end({"1" * 32})
    assert lent.end({"0" * 32})
    assert lent.keys == ()
    assert TOKEN not in repr(lent)


def test_no_two_keys_have_one_name() -> None:
    lent = LentKeys()
    assert lent.lend(question(1), {"run-claude"}).said == "run-claude-2"
    assert lent.lend(question(2), {"run-claude"}).said == "run-claude-3"
    assert lent.lend(question(3, name="run-codex"), ()).said == "run-codex"


@pytest.mark.parametrize("key", [None, 5, "", "sk-mine", TOKEN + "x", TOKEN[:-1], TOKEN + "\n", TOKEN.upper()])
def test_keys_of_another_form_are_not_lent(key: object) -> None:
    lent = LentKeys()
    assert not lent.lend(question(key=key), ()).done
    assert lent.keys == ()


@pytest.mark.parametrize("name", [None, 5, "", "Run", "run claude", "run\n", "x" * 40, "run-ü", TOKEN])
def test_names_that_could_confuse_a_log_are_refused(name: object) -> None:
    assert not LentKeys().lend(question(name=name), ()).done


def test_there_is_an_end_to_them() -> None:
    lent = LentKeys()
    for number in range(MOST):
        assert lent.lend(question(number), ()).done
    assert "are lent already" in lent.lend(question(MOST), ()).said
    lent.end({f"{0:032x}"})
    assert lent.lend(question(MOST), ()).done
