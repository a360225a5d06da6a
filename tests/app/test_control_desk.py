"""Questions of commands through the whole gateway: a key that is lent, and what becomes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addons.app import control
from addons.app.control_desk import LOOK_S
from tests.support.served import Served
from tests.support.sites import Sites

TOKEN = "sk-glassgate-run-" + "k" * 43


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Sites(("openai",)) as sites, Served(tmp_path_factory.mktemp("desk"), sites) as running:
        yield running


def folder_of(gateway: Served) -> Path:
    return control.folder_beside(gateway.folder / "s" / "vault.json")


def status_of(gateway: Served, token: str = TOKEN) -> int:
    return gateway.request("GET", "/v1/models", headers={"authorization": f"Bearer {token}"}).status_code


def lend(gateway: Served, question: str, what: str = "lend_key") -> control.Answer:
    control.ask(folder_of(gateway), gateway.config_file, question, what, key=TOKEN, name="run-claude")
    gateway.pass_s(LOOK_S + 0.1)
    answer = control.answer_to(folder_of(gateway), question)
    assert answer is not None
    return answer


def test_a_lent_key_is_admitted_within_a_second_and_ends_with_who_holds_it(gateway: Served) -> None:
    assert status_of(gateway) == 401
    with control.held(folder_of(gateway)) as question:
        assert lend(gateway, question) == control.Answer(True, "run-claude")
        assert status_of(gateway) == 200
        body = {"model": "sandbox-large", "messages": [{"role": "user", "content": f"Say {TOKEN}"}]}
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert gateway.request("POST", "/v1/chat/completions", json=body, headers=headers).status_code == 200
        gateway.config["limits"] = {"requests": 9}
        gateway.write_config()
        assert gateway.reload().done
        assert status_of(gateway) == 200, "a reload leaves it"
    gateway.pass_s(LOOK_S + 0.1)
    assert status_of(gateway) == 401
    assert " run-claude POST /v1/chat/completions" in gateway.log
    assert TOKEN not in gateway.log
    flows = list(gateway.house.flows())
    assert any("sandbox-large" in flow.comment for flow in flows)
    for flow in flows:  # the program has said it, and the model has said it again
        assert TOKEN not in str(flow.get_state())


def test_a_question_that_is_not_known_is_answered_too(gateway: Served) -> None:
    with control.held(folder_of(gateway)) as question:
        answer = lend(gateway, question, "make_tea")
        assert not answer.done
        assert "'make_tea'" in answer.said
        assert status_of(gateway) == 401


def test_an_answer_that_cannot_be_written_is_said_and_hurts_nothing(
    gateway: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(control.Inbox, "answer", fails)
    with control.held(folder_of(gateway)) as question:
        control.ask(folder_of(gateway), gateway.config_file, question, "x")
        gateway.pass_s(LOOK_S + 0.1)
    assert "the answer to a command cannot be written: No space left on device" in gateway.log
