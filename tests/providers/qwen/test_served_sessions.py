"""Sessions of Qwen through a gateway: both ages, renewal, guests, chats that are deleted."""

from pathlib import Path
from typing import Any

import pytest

from providers.sandbox.qwen.site import QwenSite
from tests.providers.qwen.asking import chat, posted
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


@pytest.mark.parametrize("material", [{"token": "no token; at all"}, {"cookies": {"cna": "x"}}])
def test_what_is_no_session_asks_nobody(own: tuple[Served, QwenSite], material: dict[str, Any]) -> None:
    gateway, site = own
    before = gateway.vault.get("qwen", "demo")
    assert before
    gateway.vault.put("qwen", "demo", material)
    try:
        count = len(site.requests)
        answer = posted(gateway, "Hi")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
        assert len(site.requests) == count
    finally:
        gateway.vault.put("qwen", "demo", dict(before.material))


def test_fifty_requests_on_an_ended_session_renew_it_once(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session(life_s=-10))
    before = site.people.refreshes
    answers = gateway.at_once([chat(f"storm {n}\n!sandbox pace_ms=0") for n in range(50)])
    assert [answer.status_code for answer in answers] == [200] * 50
    assert site.people.refreshes == before + 1
    record = gateway.vault.get("qwen", "demo")
    assert record
    assert record.material["cookies"]["refresh_token"] in site.people.refresh, "the rotated cookie was written down"


def test_a_session_the_site_forgets_is_renewed_in_the_middle(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session())
    assert posted(gateway, "before").status_code == 200
    site.people.expire_all()
    before = site.people.refreshes
    answer = posted(gateway, "after")
    assert (answer.status_code, site.people.refreshes) == (200, before + 1)


def test_a_refresh_cookie_alone_is_enough(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", {"cookies": {"refresh_token": site.people.new_refresh()}})
    assert posted(gateway, "Hi").status_code == 200


def test_the_older_age_serves_until_it_ends(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session("old"))
    assert posted(gateway, "Hi").status_code == 200
    site.people.expire_all()
    answer = posted(gateway, "Hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")


def test_a_dead_session_does_not_loop(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", {"token": site.people.new_access(-5), "cookies": {"refresh_token": "spent"}})
    assert posted(gateway, "Hi").json()["error"]["code"] == "provider_auth"
    count = len(site.requests)
    for _ in range(3):
        assert posted(gateway, "Hi").json()["error"]["code"] == "provider_auth"
    assert len(site.requests) == count
    listed = gateway.get("/healthz").json()["accounts"]
    assert [line["state"] for line in listed] == ["expired"]
    gateway.vault.put("qwen", "demo", site.people.session())
    assert posted(gateway, "Hi").status_code == 200


def test_a_challenge_at_renewal_is_named(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.people.session(life_s=-10))
    site.people.challenge_refresh = True
    try:
        answer = posted(gateway, "Hi")
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_challenge")
    finally:
        site.people.challenge_refresh = False
    assert posted(gateway, "Hi").status_code == 200


def test_chats_are_deleted_where_wanted(sites: Sites, tmp_path: Path) -> None:
    with Sites(("qwen",)) as thread:
        site = thread.site("qwen")
        with Served(tmp_path, thread, providers={"qwen": {"delete_chats": True}}) as gateway:
            assert posted(gateway, "Hi").status_code == 200
            thread.wait_for("qwen", lambda: any(r.method == "DELETE" for r in site.requests) and not site.chats)


@pytest.mark.parametrize("renewal", ["", "token_only", "cookie_only", "unrotated"])
def test_every_form_of_a_renewal_is_kept(own: tuple[Served, QwenSite], renewal: Any) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.new_session(life_s=-10))
    site.people.renewal = renewal
    try:
        assert posted(gateway, f"renewed {renewal}").status_code == 200
    finally:
        site.people.renewal = ""
    record = gateway.vault.get("qwen", "demo")
    assert record
    assert site.people.knows(record.material["token"])
    assert record.material["cookies"]["refresh_token"] in site.people.refresh


def test_a_session_token_in_the_cookie_renews_too(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    material = site.new_session("own", life_s=-10)
    gateway.vault.put("qwen", "demo", material)
    before = site.people.refreshes
    assert posted(gateway, "renewed by the cookie token").status_code == 200
    assert site.people.refreshes == before + 1
    record = gateway.vault.get("qwen", "demo")
    assert record
    assert record.material["cookies"]["token"] == material["cookies"]["token"]


@pytest.mark.parametrize("way", ["401", "403", "200"])
def test_a_refused_renewal_asks_for_a_new_sign_in(own: tuple[Served, QwenSite], way: Any) -> None:
    gateway, site = own
    gateway.vault.put("qwen", "demo", site.new_session(life_s=-10))
    site.people.refuse_refresh = way
    try:
        answer = posted(gateway, f"refused {way}")
    finally:
        site.people.refuse_refresh = ""
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
    gateway.vault.put("qwen", "demo", site.session())


def test_an_id_of_a_new_chat_further_inside_is_found(own: tuple[Served, QwenSite]) -> None:
    gateway, site = own
    site.nested_chat_id = True
    try:
        assert posted(gateway, "nested").status_code == 200
    finally:
        site.nested_chat_id = False


@pytest.mark.parametrize(("check", "status"), [(False, 200), (True, 502)])
def test_a_guest_is_noticed_where_wanted(tmp_path: Path, check: bool, status: int) -> None:
    with Sites(("qwen",)) as thread:
        site = thread.site("qwen")
        options = {"qwen": {"check_guest": check}}
        with Served(tmp_path, thread, providers=options, **NO_REST) as gateway:
            gateway.vault.put("qwen", "demo", site.new_session("old"))
            assert posted(gateway, "before").status_code == 200
            site.people.silent_guest = True
            site.people.expire_all()
            answer = posted(gateway, "after")
    assert answer.status_code == status
    assert not check or answer.json()["error"]["code"] == "provider_auth"
