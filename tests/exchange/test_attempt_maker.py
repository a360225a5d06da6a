"""The making of an attempt: a session is renewed for a request, before it is asked with or since it was refused."""

from pathlib import Path

import httpx

from tests.support.answers import ALL_SAID, STREAM, Site, said, whole, zai_token
from tests.support.harness import is_quiet, zai, zai_sessions
from tests.support.virtual_time import in_virtual_time


def renews(site: Site, person: str = "a") -> str:
    """The site hands out another token, which is given."""
    token = zai_token(person)
    site.replies["GET /api/v1/auths/"] = (200, {"id": person, "email": f"{person}@example.com", "token": token})
    return token


EXPIRED = whole(401, {"detail": "Your session has expired"})


@in_virtual_time
async def test_a_refused_session_is_renewed_and_the_same_account_asked_again(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        token = renews(house.site)
        await visit.says(EXPIRED)
        assert visit.asked().headers["authorization"] == f"Bearer {token}"
        assert b'"chat_id":"chat-2"' in visit.asked().content
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account, house.line.attempts) == ("ok", "a", 2)
        house.vault.refresh()
        assert house.vault.known["zai", "a"].material["token"] == token
        assert is_quiet(house)


@in_virtual_time
async def test_it_is_renewed_while_the_chat_is_made_too(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        token = renews(house.site)

        def made(request: httpx.Request) -> tuple[int, object]:
            fresh = request.headers["authorization"] == f"Bearer {token}"
            return (200, {"id": "chat-9"}) if fresh else (401, {"detail": "Your session has expired"})

        house.site.replies["POST /api/v1/chats/new"] = made
        visit = await house.visit().chats("GLM-4.7")
        assert b'"chat_id":"chat-9"' in visit.asked().content
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account, house.line.attempts) == ("ok", "a", 1)


@in_virtual_time
async def test_a_renewed_session_that_is_refused_too_gives_way_to_another_account(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        renews(house.site)
        await visit.says(EXPIRED)
        await visit.says(EXPIRED)
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        assert house.site.count("GET /api/v1/auths/") == 1


@in_virtual_time
async def test_a_session_that_cannot_be_renewed_gives_way_too(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        house.site.replies["GET /api/v1/auths/"] = (401, {"detail": "Your session has expired"})
        await visit.says(EXPIRED)
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account) == ("ok", "b")
        assert is_quiet(house)


@in_virtual_time
async def test_without_a_session_there_is_no_attempt(tmp_path: Path) -> None:
    house = zai(tmp_path)
    del house.sessions["zai", "a"]
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        assert visit.asked().headers["authorization"] == f"Bearer {house.sessions['zai', 'b']['token']}"
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert house.line.attempts == 1
    house.sessions = {}


@in_virtual_time
async def test_a_session_that_is_stored_while_the_gateway_runs_serves_at_once(tmp_path: Path) -> None:
    house = zai(tmp_path)
    house.sessions = {}
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        assert (visit.got.status, house.line.attempts) == (502, 0)
        assert "capture zai a" in visit.got.error["message"]
        house.vault.put("zai", "b", zai_sessions()["zai", "b"])
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert (house.line.outcome, house.line.account) == ("ok", "b")
