"""What runs, and what another configuration takes over of it."""

from pathlib import Path
from typing import Any

import pytest

from addons.accounts.account_record import EMPTY
from addons.recordings.drift import FILE_NAME, Drift
from addons.vault.errors import VaultError
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from tests.support.answers import DONE, FINISH, STREAM, whole, word, zai_token
from tests.support.harness import api, zai
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_changed_configuration_leaves_alone_what_runs(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "))
        house.write(providers=house.providers.replace("models: [m, n]", "models: [k]"))
        await house.pass_s(2.1)
        assert (await house.visit().chats("m")).got.status == 404
        assert house.parts.context.budget.active == 1
        await visit.says(word("day"), FINISH, DONE)
        assert visit.got.text == "Good day"
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_a_changed_configuration_knows_what_was_learnt_of_accounts(tmp_path: Path) -> None:
    async with api(tmp_path, "breaker: {failures: 1}") as house:
        visit = await house.visit().chats("m")
        await visit.says(whole(503, {}))
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        house.write(more="breaker: {failures: 1}\nlimits: {requests: 7}")
        await house.pass_s(2.1)
        assert house.parts.pool.by_key["api", "a"].availability.blocked("m")


@in_virtual_time
async def test_a_changed_configuration_keeps_a_session_that_no_disk_has_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **more: Any) -> None:
        raise VaultError("the disk is full")

    async with zai(tmp_path) as house:
        fresh = zai_token("a")
        house.site.replies["GET /api/v1/auths/"] = (200, {"id": "a", "email": "a@example.com", "token": fresh})
        visit = await house.visit().chats("GLM-4.7")
        monkeypatch.setattr(Vault, "put_all", full)
        await visit.says(whole(401, {"detail": "Your session has expired"}))
        house.write(more="limits: {requests: 7}")
        await house.pass_s(2.1)
        second = await house.visit().chats("GLM-4.7")
        assert second.asked().headers["authorization"] == f"Bearer {fresh}"


@in_virtual_time
async def test_a_bad_configuration_is_told_and_changes_nothing(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        house.write(more="nonsense: 1")
        await house.pass_s(2.1)
        health = await house.visit().asks(None, "/healthz", "GET")
        assert "nonsense" in str(health.got.value)
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_a_changed_configuration_has_its_own_figures_and_accounts(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        key, pool = house.parts.flow_key(), house.parts.pool
        pool.by_key["api", "b"].failed("m", ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=60))
        one = "[{name: a, max_concurrent: 7, queue_s: 3}]"
        house.write(providers=house.providers.replace("accounts: [a, b]", f"accounts: {one}"))
        await house.pass_s(2.1)
        assert house.parts.pool is not pool
        (account,) = house.parts.pool.all()
        assert (account.limiter.limits.max_concurrent, account.limiter.limits.queue_s) == (7, 3)
        assert pool.around.store.get(("api", "b")) == EMPTY, "an account that is gone is forgotten"
        assert house.parts.flow_key() == key != b"", "flows of before can be sent again"


@in_virtual_time
async def test_what_was_unknown_is_kept_at_the_end(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        house.parts.archive.drift.count("api", {"field odd": 2}, int(house.began), "req_1")
    kept = Drift.load(tmp_path / "s" / FILE_NAME).plain()
    assert kept["api"]["field odd"]["count"] == 2
