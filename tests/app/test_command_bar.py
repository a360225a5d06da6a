"""The commands of mitmproxy's command bar, over a gateway of this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import flow, http
from mitmproxy.exceptions import CommandError
from mitmproxy.test import tflow

from addons.app.command_bar import CommandBar
from tests.support.answers import DONE, FINISH, STREAM, answer, word
from tests.support.harness import House, api
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit


def bar(house: House) -> CommandBar:
    return CommandBar(lambda: house.gate.running_parts)


async def answered(house: House) -> http.HTTPFlow:
    visit = await house.visit().chats("m", stream=False)
    await visit.says(answer("Hi"))
    return visit.flows[-1]


@in_virtual_time
async def test_accounts_and_models_are_told(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        assert [line.split()[0] for line in bar(house).accounts()] == ["api/a", "api/b"]
        assert bar(house).models() == ["m: api", "n: api"]


@in_virtual_time
async def test_who_has_no_session_is_said_so(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.sessions = {}
    async with house:
        assert bar(house).models() == ["m: api (no session)", "n: api (no session)"]


@in_virtual_time
async def test_recording_is_switched(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        commands = bar(house)
        assert commands.record() == commands.record("status") == "recording is off"
        assert commands.record("on").startswith("recording is on; files go to ")
        await answered(house)
        await house.settle()
        assert commands.record("off") == "recording is off"
        with pytest.raises(CommandError, match="takes on, off or status"):
            commands.record("maybe")


@in_virtual_time
async def test_a_disk_that_takes_no_switch_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    async with api(tmp_path) as house:
        monkeypatch.setattr("addons.recordings.archive.write_switch", fails)
        with pytest.raises(CommandError, match="cannot be switched: No space left"):
            bar(house).record("on")


@in_virtual_time
async def test_an_exchange_becomes_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.app.command_bar.FOLDER", tmp_path / "cases")
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        commands = bar(house)
        assert commands.save_case(visit.flows[-1], "first").endswith("it is read as it was delivered")
        assert [path.name.partition(".")[0] for path in (tmp_path / "cases").rglob("first*")]
        with pytest.raises(CommandError, match="a case's name is of letters"):
            commands.save_case(visit.flows[-1], "../first")


@in_virtual_time
async def test_what_is_no_exchange_is_no_case_and_is_not_sent_again(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        own: Visit = await house.visit().asks(None, "/v1/models", "GET")
        for found, words in ((tflow.tflow(), "is not one of the gateway's"), (own.flows[-1], "answered this itself")):
            with pytest.raises(CommandError, match=words):
                bar(house).save_case(found)
            with pytest.raises(CommandError, match=words):
                bar(house).replay([found])


@in_virtual_time
async def test_flows_of_the_gateway_are_given_to_mitmproxy_to_be_sent_again(tmp_path: Path) -> None:
    called: list[tuple[str, Sequence[flow.Flow]]] = []
    async with api(tmp_path) as house:
        one = await answered(house)
        commands: Any = house.master.commands
        commands.call = lambda name, flows: called.append((name, flows))
        bar(house).replay([one])
        assert called == [("replay.client", [one])]


def test_before_it_runs_there_is_nothing_to_tell() -> None:
    with pytest.raises(CommandError, match="is starting"):
        CommandBar(lambda: None).accounts()
