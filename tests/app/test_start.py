"""What is said once all runs; and what a start that fails leaves behind."""

import os
from pathlib import Path

import pytest
from mitmproxy.addons.anticache import AntiCache
from mitmproxy.addons.blocklist import BlockList
from mitmproxy.addons.onboarding import Onboarding
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.view import View

from addons.app.address_file import FILE_NAME
from addons.app.welcome import QUIET_START
from tests.support.harness import api, zai
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_it_says_where_it_is_and_what_it_serves(tmp_path: Path) -> None:
    async with api(tmp_path, "models: {aliases: {fast: m}}") as house:
        (text,) = [words for words in house.said if "is ready" in words]
        assert "2 of 2 accounts can serve" in text
        assert "http://127.0.0.1:8080/v1" in text
        assert "fast → m" in text
        assert '"model": "m"' in text


@in_virtual_time
async def test_who_was_told_all_before_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(QUIET_START, "1")
    async with api(tmp_path) as house:
        (text,) = [words for words in house.said if "is ready" in words]
        assert "\n" not in text
        assert QUIET_START not in os.environ


@in_virtual_time
async def test_an_alias_of_a_models_name_is_no_model_to_try(tmp_path: Path) -> None:
    async with api(tmp_path, "models: {aliases: {a-first: m}}") as house:
        (text,) = [words for words in house.said if "is ready" in words]
        assert "2 (GET /v1/models lists them)" in text


@in_virtual_time
async def test_what_others_may_read_is_hidden_first(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        assert house.heeded["harden"].call_count == 1
        assert os.umask(0o077) == 0o077
        assert (tmp_path / "s" / FILE_NAME).stat().st_mode & 0o077 == 0


@in_virtual_time
async def test_a_start_that_fails_opens_no_door(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.starts = False
    async with house:
        house.file.write_text("nonsense: 1")
        house.gate.running()
        assert house.gate.running_parts is None
        assert house.heeded["install_signal_handlers"].call_count == 0
        visit = await house.visit().chats("m")
        assert (visit.got.status, visit.got.error["code"]) == (503, "starting")
        assert not (tmp_path / "s" / FILE_NAME).exists()


@pytest.mark.parametrize("viewed", [False, True])
@in_virtual_time
async def test_addons_that_would_do_nothing_rest_where_nobody_looks(tmp_path: Path, viewed: bool) -> None:
    house = api(tmp_path)
    house.own = [AntiCache(), BlockList(), Onboarding(), Proxyserver(), *([View()] if viewed else [])]
    async with house:
        assert house.master.options.gateway_lean is not viewed
        (text,) = [words for words in house.said if "is ready" in words]
        assert ("3 addons of mitmproxy's rest until an option of theirs is set" in text) is not viewed
        house.master.options.update(block_list=[":~u completions:418"])
        assert (await house.visit().chats("m")).got.status == 418
