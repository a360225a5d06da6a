"""Sessions of the Qwen stand-in, of both ages: who may ask, renewal on the second host, signing in."""

import base64
import hashlib
import json
import time
from typing import Any

import pytest

from tests.providers.sandbox.qwen.page import Page, code, frames

pytestmark = pytest.mark.anyio


async def test_tokens_that_are_none_or_have_ended(page: Page) -> None:
    for token in ("none", "a.b.c", page.people.new_access(-1)):
        page.headers |= {"authorization": f"Bearer {token}"}
        assert code(await page.new_chat()) == "Unauthorized"


@pytest.mark.parametrize("cookie", ["", "cna=x", "refresh_token=spent", "token=spent"])
async def test_the_bearer_alone_is_not_enough(page: Page, cookie: str) -> None:
    page.headers |= {"cookie": cookie}
    assert code(await page.new_chat()) == "Unauthorized"


async def test_the_jar_alone_is_a_guest(page: Page) -> None:
    del page.headers["authorization"]
    assert code(await page.new_chat()) == "Unauthorized"
    assert (await page.who("chat", **page.headers))["role"] == "guest"


@pytest.mark.parametrize("keep", ["authorization", "cookie"])
async def test_one_long_token_serves_in_either_place(page: Page, keep: str) -> None:
    page.use(page.site.new_session("old"))
    page.headers = {keep: page.headers[keep]}
    assert (await page.new_chat())["success"] is True


async def test_a_lost_sign_in_may_go_on_as_a_guests(page: Page) -> None:
    page.people.silent_guest = True
    page.people.expire_all()
    assert "response.created" in frames(await page.complete())[0]
    assert (await page.who("chat", **page.headers))["role"] == "guest"


async def test_access_tokens_say_whose_they_are_and_until_when(page: Page) -> None:
    payload = page.people.new_access().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["id"] == page.people.user_id
    assert 890 < claims["exp"] - time.time() <= 900


async def test_a_refresh_cookie_serves_once(page: Page) -> None:
    first = page.people.new_refresh()
    answer = await page.renew(first)
    data = answer.json()["data"]
    assert page.people.knows(data["access_token"])
    assert data["expires_at"] == page.people.access[data["access_token"]]
    assert f"refresh_token={data['refresh_token']}" in answer.headers["set-cookie"]
    assert (await page.renew(first)).status_code == 401
    assert (await page.renew(data["refresh_token"])).status_code == 200
    assert page.people.refreshes == 2


@pytest.mark.parametrize(
    ("form", "names", "rotates"),
    [
        ("token_only", {"token"}, False),
        ("cookie_only", {"access_token", "expires_at"}, True),
        ("unrotated", {"access_token", "expires_at"}, False),
    ],
)
async def test_the_forms_of_a_renewal(page: Page, form: Any, names: set[str], rotates: bool) -> None:
    page.people.renewal = form
    answer = await page.renew(first := page.people.new_refresh())
    assert set(answer.json()["data"]) == names
    assert ("set-cookie" in answer.headers) is rotates
    assert (first in page.people.refresh) is not rotates


async def test_a_session_token_in_the_cookie_renews_too(page: Page) -> None:
    own = page.site.new_session("own")["cookies"]["token"]
    for _ in range(2):
        assert page.people.knows((await page.renew(own, name="token")).json()["data"]["token"])


@pytest.mark.parametrize(("way", "status"), [("401", 401), ("403", 403), ("200", 200)])
async def test_the_ways_a_renewal_is_refused(page: Page, way: Any, status: int) -> None:
    page.people.refuse_refresh = way
    answer = await page.renew(page.people.new_refresh())
    assert answer.status_code == status
    assert code(answer)
    assert page.people.refreshes == 0


@pytest.mark.parametrize(
    "wrong", [{"x-request-id": ""}, {"timezone": ""}, {"x-request-origin": ""}, {"authorization": "Bearer x"}]
)
async def test_a_renewal_needs_the_pages_headers(page: Page, wrong: dict[str, str]) -> None:
    assert code(await page.renew(page.people.new_refresh(), **wrong)) == "Bad_Request"


async def test_what_was_revoked_is_worth_nothing(page: Page) -> None:
    material = page.site.new_session()
    for token in (material["token"], material["cookies"]["refresh_token"]):
        page.people.revoke(token)
    assert not page.people.knows(material["token"])
    assert (await page.renew(material["cookies"]["refresh_token"])).status_code == 401


@pytest.mark.parametrize(("newest", "path"), [(True, "/api/v2/auths/signin"), (False, "/api/v1/auths/signin")])
async def test_both_ages_sign_in(page: Page, newest: bool, path: str) -> None:
    people = page.people
    people.newest = newest
    right = {"email": people.email, "password": hashlib.sha256(people.password.encode()).hexdigest()}
    answer = await page.client.post(page.base + path, json=right)
    body = answer.json()
    assert people.knows(body.get("token") or body["data"]["token"])
    assert ("refresh_token" in answer.headers["set-cookie"]) is newest
    wrong = await page.client.post(page.base + path, json={**right, "password": people.password})
    assert code(wrong) == "InvalidPassword"
    people.challenge_sign_in = True
    assert "ret" in (await page.client.post(page.base + path, json=right)).json()


@pytest.mark.parametrize("host", ["chat", "auth"])
async def test_who_am_i_on_both_hosts(page: Page, host: str) -> None:
    body = await page.who(host, **page.headers)
    assert (body.get("data") or body)["email"] == page.people.email
    assert code(await page.who(host, authorization="Bearer x")).lower() == "unauthorized"
