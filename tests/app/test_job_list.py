"""What goes on beside the requests, each at its own pace, whatever becomes of the others."""

import time
from pathlib import Path

import httpx
import pytest

from addons.accounts.state_store import FileStateStore
from addons.app.job_list import MODELS_EVERY_S, TEND_EVERY_S
from addons.app.reload import UNCHANGED
from providers.sandbox.tokens import jwt
from tests.support.answers import ALL_SAID, STREAM, answer, said, whole, word, zai_token
from tests.support.harness import api, zai
from tests.support.virtual_time import in_virtual_time

LISTED = (200, {"object": "list", "data": [{"id": "learnt", "object": "model"}]})


@in_virtual_time
async def test_models_are_learnt_at_the_start_and_then_by_the_hour(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.providers = house.providers.replace("models: [m, n], ", "")
    house.site.replies["GET /v1/models"] = LISTED
    async with house:
        assert house.site.count("GET /v1/models") == 1
        listed = await house.visit().asks(None, "/v1/models", "GET")
        assert [entry["id"] for entry in listed.got.value["data"]] == ["learnt"]
        await house.pass_s(TEND_EVERY_S * 3)
        assert house.site.count("GET /v1/models") == 1


@in_virtual_time
async def test_a_site_without_a_list_costs_the_others_nothing(tmp_path: Path) -> None:
    house = zai(tmp_path)
    house.site.replies["GET /api/models"] = (500, {})
    async with house:
        assert house.site.count("GET /api/models") == 2  # with the other account's session once more
        assert any("the live list of models is not to be had" in words for words in house.said)
        visit = await house.visit().chats("GLM-4.7")
        assert visit.requests


@pytest.mark.parametrize(("ahead_h", "renewed"), [(11, False), (13, True)])
@in_virtual_time
async def test_sessions_are_renewed_that_nobody_uses(tmp_path: Path, ahead_h: int, renewed: bool) -> None:
    """Z.AI's token names no end; it is renewed after twelve hours."""
    house = zai(tmp_path)
    house.ahead_s = ahead_h * 3600.0
    tokens = {house.sessions["zai", name]["token"]: name for name in "ab"}

    def renews(request: httpx.Request) -> tuple[int, object]:
        token = request.headers["authorization"].removeprefix("Bearer ")
        person = tokens[token]
        tokens[fresh := zai_token(person)] = person
        return 200, {"id": person, "email": f"{person}@example.com", "token": fresh}

    house.site.replies["GET /api/v1/auths/"] = renews
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(STREAM, said("Good "))
        await house.pass_s(TEND_EVERY_S + 0.1)
        assert bool(house.site.count("GET /api/v1/auths/")) is renewed
        house.vault.refresh()
        for name in "ab":
            kept = house.vault.known["zai", name].material["token"]
            assert (kept != house.sessions["zai", name]["token"]) is renewed
            assert tokens[str(kept)] == name
        await visit.says(said("day"), ALL_SAID)
        assert visit.got.text == "Good day"  # whatever its session has become meanwhile


@in_virtual_time
async def test_a_reset_by_hand_is_heeded(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(whole(429, {"error": {"message": "x"}}, retry_after="500"))
        assert house.parts.pool.by_key["api", "a"].availability.blocked("m")
        await house.pass_s(TEND_EVERY_S + 0.1)
        file = tmp_path / "s" / "accounts.json"
        assert "limited" in file.read_text()  # written down meanwhile
        assert FileStateStore(file, time.time).reset([("api", "a")])
        await house.pass_s(TEND_EVERY_S + 0.1)
        assert house.parts.pool.by_key["api", "a"].availability.blocked("m") is None


@in_virtual_time
async def test_sessions_that_have_ended_for_good_are_removed_where_a_person_wants_that(tmp_path: Path) -> None:
    house = zai(tmp_path, "sessions: {prune_expired: true}")
    house.sessions["zai", "a"] = {"token": jwt({"id": "a", "email": "a@example.com", "exp": 1})}
    house.site.replies["GET /api/v1/auths/"] = (401, {"detail": "Your session has expired"})
    async with house:
        await house.pass_s(3 * TEND_EVERY_S)
        house.vault.refresh()
        assert ("zai", "b") in house.vault.known


@in_virtual_time
async def test_a_look_can_be_asked_for(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        house.write(more="limits: {requests: 7}")
        before = house.parts
        signalled = house.heeded["install_signal_handlers"].call_args.args[1]
        signalled()
        await house.settle()
        assert house.parts is not before
        assert house.parts.config.sections.limits.requests == 7
        signalled()
        await house.settle()
        await house.pass_s(3 * TEND_EVERY_S)
        assert house.said.count(UNCHANGED) == 1  # who asks is told, changed or not, and once


@in_virtual_time
async def test_the_inspectors_list_is_kept_short(tmp_path: Path) -> None:
    async with api(tmp_path, "inspect: {max_flows: 2}") as house:
        for _ in range(5):
            await house.visit().asks(None, "/v1/models", "GET")
        assert len(list(house.flows())) == 5
        await house.pass_s(TEND_EVERY_S + 0.1)
        assert len(list(house.flows())) == 2


@in_virtual_time
async def test_a_job_that_fails_is_told_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(store: FileStateStore) -> None:
        raise RuntimeError("a bug")

    async with api(tmp_path) as house:
        with monkeypatch.context() as patch:
            patch.setattr(FileStateStore, "unsaved", fails)
            await house.pass_s(TEND_EVERY_S + 0.1)
            health = await house.visit().asks(None, "/healthz", "GET")
            assert "'records' fails (RuntimeError)" in str(health.got.value)
            visit = await house.visit().chats("m", stream=False)
            await visit.says(answer("Hi"))
            assert house.line.outcome == "ok"
        await house.pass_s(TEND_EVERY_S + 0.1)
        health = await house.visit().asks(None, "/healthz", "GET")
        assert "records" not in str(health.got.value)


@in_virtual_time
async def test_a_site_that_hangs_keeps_no_changed_configuration_waiting(tmp_path: Path) -> None:
    house = api(tmp_path)
    house.providers = house.providers.replace("models: [m, n], ", "")

    async def hangs(request: httpx.Request) -> tuple[int, object]:
        await house.pass_s(MODELS_EVERY_S)
        return LISTED

    house.site.replies["GET /v1/models"] = hangs
    async with house:
        before = house.parts
        house.write(more="limits: {requests: 7}")
        await house.pass_s(TEND_EVERY_S + 0.1)
        assert house.parts is not before


@in_virtual_time
async def test_at_the_end_all_jobs_stop(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Hi"))
    before = len(house.site.asked)
    house.write(more="limits: {requests: 7}")
    parts = house.gate.running_parts
    await house.pass_s(60)
    assert house.gate.running_parts is parts
    assert len(house.site.asked) == before


@in_virtual_time
async def test_names_that_nobody_serves_are_told_once_the_sites_were_asked(tmp_path: Path) -> None:
    house = api(tmp_path, "models: {aliases: {fast: nowhere-to-be-found, good: learnt}}")
    house.providers = house.providers.replace("models: [m, n], ", "")
    house.site.replies["GET /v1/models"] = LISTED
    async with house:
        told = [words for words in house.said if "no provider serves" in words]
        assert len(told) == 1
        assert "nowhere-to-be-found" in told[0]
