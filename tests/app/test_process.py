"""Start and end of the process."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from mitmproxy.exceptions import OptionsError

from addons.app.address_file import FILE_NAME
from providers.contract.call import Call
from providers.contract.session import Session
from tests.support.answers import DONE, FINISH, STREAM, Said, whole, word
from tests.support.harness import api, zai
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
    ("wrong", "words"),
    [
        pytest.param({"more": "nonsense: 1"}, "nonsense: is not a key there", id="a key that is none"),
        pytest.param({"more": "listen: {port: 0}"}, "listen.port", id="a bad value"),
        pytest.param({"more": "listen: {host: 0.0.0.0}\nmodels: [x]"}, "models: ", id="a section of another shape"),
        pytest.param({"providers": "  {}"}, "providers", id="no provider"),
        pytest.param({"providers": "  zai: {type: zay}"}, "providers.zai.type", id="a bad type"),
        pytest.param({"more": "routing: {max_attempts: 0}"}, "routing.max_attempts", id="too little"),
        pytest.param({"tokens": "[]"}, "no client key", id="no key"),
    ],
)
@in_virtual_time
async def test_what_cannot_be_started_ends_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: dict[str, str], words: str
) -> None:
    house = api(tmp_path)
    for name, value in wrong.items():
        setattr(house, name, value)
    async with house:
        await house.settle()
        assert house.gate.running_parts is None
        assert house.master.should_exit.is_set()
        assert words in caplog.text
        assert "Traceback" not in caplog.text


@in_virtual_time
async def test_a_listener_for_all_wants_long_keys_whatever_the_file_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    house = api(tmp_path)
    house.starts, house.tokens = False, "[sk-not-so-long]"
    async with house:
        house.master.options.update(listen_host="0.0.0.0")
        house.gate.running()
        assert house.gate.running_parts is None
        assert "at least 32 bytes" in caplog.text


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


@in_virtual_time
async def test_a_call_of_the_gateways_own_that_is_under_way_at_the_end_is_answered(tmp_path: Path) -> None:
    answers: list[int] = []
    async with zai(tmp_path) as house:

        async def slowly(request: httpx.Request) -> Said:
            await asyncio.sleep(1)
            return 200, {}

        async def asks() -> None:
            call = Call("GET", "http://127.0.0.1:1001/renewed")
            answer = await house.parts.steps.send(house.parts.providers["zai"], call, Session("zai", "a"))
            answers.append(answer.status)

        house.site.replies["GET /renewed"] = slowly
        house.parts.background.spawn(asks(), "a renewal")
        await house.settle()
        assert answers == []
    assert answers == [200]
