"""Start and end of the process."""

import json
from pathlib import Path

import pytest
from mitmproxy.exceptions import OptionsError

from addons.app.address_file import FILE_NAME
from tests.support.answers import DONE, FINISH, STREAM, whole, word
from tests.support.harness import api
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_before_it_runs_requests_are_told_to_come_again(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.starts = False
    async with house:
        visit = await house.visit().chats("m")
        assert (visit.got.status, visit.got.error["code"]) == (503, "starting")
        house.gate.running()
        await house.settle()
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"


@pytest.mark.parametrize(
    "wrong", ["nonsense: 1", "listen: {host: 0.0.0.0}\nmodels: [x]", "providers: {}", "routing: {max_attempts: 0}"]
)
@in_virtual_time
async def test_what_cannot_be_started_ends_the_process(tmp_path: Path, wrong: str) -> None:
    house = api(tmp_path, wrong)
    async with house:
        await house.settle()
        assert house.gate.running_parts is None
        assert house.master.should_exit.is_set()


@in_virtual_time
async def test_an_option_that_opens_a_door_is_put_back(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        with pytest.raises(OptionsError, match="scripts"):
            house.master.options.update(scripts=["other.py"])
        assert house.master.options.scripts == []


@in_virtual_time
async def test_where_it_listens_is_told_while_it_runs(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        told = json.loads((tmp_path / "s" / FILE_NAME).read_text())
        assert told == {"config": str(house.file), "url": "http://127.0.0.1:8080"}
    assert not (tmp_path / "s" / FILE_NAME).exists()


@in_virtual_time
async def test_what_was_learnt_of_accounts_is_kept_at_its_end(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(whole(429, {"error": {"message": "x"}}, retry_after="500"))
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
    kept = json.loads((tmp_path / "s" / "accounts.json").read_text())
    assert kept["accounts"]["api/a"]["models"]["m"]["health"] == "limited"
