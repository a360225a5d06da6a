"""What a provider's own steps mend, and what needs a human."""

from pathlib import Path

from tests.support.answers import ALL_SAID, STREAM, answer, said, whole, zai_token
from tests.support.harness import api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_an_outdated_version_is_read_anew_from_the_page(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        house.site.replies["GET /"] = (200, b"<script src='/assets/prod-fe-9.9.9/index.js'></script>")
        await visit.says(whole(426, {"detail": "outdated client"}))
        assert "prod-fe-9.9.9" in str(visit.asked().headers) + str(visit.asked().url)
        await visit.says(whole(426, {"detail": "outdated client"}))
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        assert house.site.count("GET /") == 1
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.account, house.line.attempts) == ("b", 3)
        assert is_quiet(house)


@in_virtual_time
async def test_a_page_that_tells_nothing_newer_mends_nothing(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        house.site.replies["GET /"] = (503, b"")
        await visit.says(whole(426, {"detail": "outdated client"}))
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"


@in_virtual_time
async def test_an_account_whose_site_wants_a_human_rests(tmp_path: Path) -> None:
    challenge = whole(403, {"error": {"code": "FRONTEND_CAPTCHA_REQUIRED", "detail": "captcha required"}})
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(challenge)
        await visit.says(challenge)
        got = visit.got
        assert got.error["code"] == "provider_challenge"
        assert got.headers["x-glassgate-attempts"] == "2"
        second = await house.visit().chats("GLM-4.7")
        assert not second.requests
        assert "rests" in second.got.error["message"]
        house.vault.put("zai", "b", {"token": zai_token("b")})
        third = await house.visit().chats("GLM-4.7")  # a session stored since is tried at once
        await third.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account) == ("ok", "b")
        assert is_quiet(house)


@in_virtual_time
async def test_nothing_is_tried_for_an_answer_that_is_there(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Hi"))
        await house.pass_s(700)
        assert [line.outcome for line in house.lines] == ["ok"]
        assert len(visit.requests) == 1
