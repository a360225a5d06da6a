"""A person's sign-in passes through the capture proxy and ends in the vault, and nowhere else."""

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from providers.sandbox.longcat.site import PASSPORT, LongCatSite
from providers.sandbox.server import Request, Wire
from tests.support.capturing import (
    PAGE,
    CaptureRun,
    TlsSites,
    command_lines,
    kept,
    read_the_end,
    reads_sessions,
    sign_in,
    signs_in,
)
from tests.support.forward_proxy import ForwardProxy


@signs_in
def test_a_sign_in_through_the_proxy_is_stored_and_the_person_is_told(run: CaptureRun, sites: TlsSites) -> None:
    run.by_hand("zai")
    with run.person() as client:
        token = sign_in(client, sites)
        read_the_end(client, sites)
    assert run.end() == 0
    assert kept(run).token in sites.site("zai").tokens
    assert run.stdout.startswith("stored zai/demo: ")
    assert "signed in as person@example.com" in run.stdout
    assert token not in run.stdout + run.said


@signs_in
def test_the_page_can_be_fetched_at_an_address_of_its_own(run: CaptureRun, sites: TlsSites) -> None:
    run.by_hand("zai")
    with run.person() as client:
        assert "Not signed in yet" in client.get("http://glassgate.capture/").text
        sign_in(client, sites)
        run.until("stored zai/demo")
        for url in ("http://glassgate.capture/", "https://glassgate.capture/"):
            assert "you may close this window" in client.get(url, headers=PAGE).text
    assert run.end() == 0


@signs_in
def test_the_provider_s_own_forward_proxy_is_used(folder: Path, sites: TlsSites) -> None:
    entries = sites.entries()
    with ForwardProxy() as proxy, CaptureRun(folder, entries, sites.ca_file) as run:
        entries["zai"]["proxy"] = proxy.url
        run.write_config(entries)
        run.by_hand("zai")
        with run.person() as client:
            sign_in(client, sites)
            read_the_end(client, sites)
        assert run.end() == 0
        address = sites.url("zai").removeprefix("https://")
        assert set(proxy.asked) == {f"CONNECT {address}"}
        assert "signed in as person@example.com" in run.stdout


@signs_in
def test_a_remembered_password_outlives_the_capture(run: CaptureRun, sites: TlsSites) -> None:
    email = sites.site("zai").email
    run.new_vault().put("zai", "demo", {"token": "old", "email": email, "password": "remembered"})
    run.by_hand("zai", "demo")
    with run.person() as client:
        sign_in(client, sites)
        read_the_end(client, sites)
    assert run.end() == 0
    found = kept(run)
    assert (found.email, found.password) == (email, "remembered")
    assert found.token in sites.site("zai").tokens


@signs_in
def test_a_dead_session_that_the_browser_still_holds_is_not_stored(run: CaptureRun, sites: TlsSites) -> None:
    site = sites.site("zai")
    run.by_hand("zai")
    with run.person() as client:
        dead = site.new_token()
        models = f"{sites.url('zai')}/api/models"  # asks nobody who they are
        site.revoke(dead)
        client.get(models, headers={"authorization": f"Bearer {dead}"}).raise_for_status()
        run.until("does not take this session")
        token = sign_in(client, sites)
        read_the_end(client, sites)
    assert run.end() == 0
    assert kept(run).token != dead
    assert token in site.tokens


@signs_in
def test_nothing_of_the_session_is_left_outside_of_the_vault(run: CaptureRun, sites: TlsSites) -> None:
    run.by_itself = True  # with a command line of its own
    run.by_hand("zai")
    with run.person() as client:
        token = sign_in(client, sites)
        run.until("stored zai/demo")
        assert token.encode() not in command_lines()
        assert run.files_with(token) == []
        read_the_end(client, sites)
    assert run.end() == 0
    assert run.files_with(token) == []
    assert run.files_with(run.vault_key) == []
    assert list(run.tmp.iterdir()) == []
    ca = run.own_ca.parent
    assert stat.S_IMODE(ca.stat().st_mode) == 0o700
    assert stat.S_IMODE((ca / "mitmproxy-ca.pem").stat().st_mode) == 0o600


@dataclass
class LongCatAfterPassport(LongCatSite):
    """The person comes back from the passport site: the call that hands out the session's cookie."""

    async def handle(self, request: Request, wire: Wire) -> None:
        if request.path == "/api/v1/user-loginV3":
            cookie = f"{PASSPORT}={self.new_token()}; Path=/; HttpOnly"
            await wire.respond(200, {"code": 0}, headers={"set-cookie": cookie})
        else:
            await super().handle(request, wire)


@pytest.mark.skipif(not reads_sessions("longcat"), reason="the provider reads no sessions")
def test_a_session_of_cookies_is_stored_once_the_site_says_signed_in(folder: Path, tmp_path: Path) -> None:
    with (
        TlsSites(tmp_path, longcat=LongCatAfterPassport()) as sites,
        CaptureRun(folder, sites.entries(), sites.ca_file) as run,
    ):
        run.by_hand("longcat")
        url = sites.url("longcat")
        with run.person() as client:
            for path in ("user-current", "user-loginV3?url=/", "user-current"):
                client.get(f"{url}/api/v1/{path}").raise_for_status()
            assert "you may close this window" in client.get(url, headers=PAGE).text
        assert run.end() == 0, run.said
        assert kept(run, "longcat").cookies[PASSPORT] in sites.site("longcat").tokens


@pytest.mark.parametrize(("newest", "path"), [(True, "/api/v2/auths/signin"), (False, "/api/v1/auths/signin")])
def test_both_ages_of_qwen_are_captured(run: CaptureRun, sites: TlsSites, newest: bool, path: str) -> None:
    people = sites.site("qwen").people
    people.newest = newest
    run.by_hand("qwen")
    digest = hashlib.sha256(people.password.encode()).hexdigest()
    with run.person() as client:
        url = sites.url("qwen")
        body = client.post(url + path, json={"email": people.email, "password": digest}).json()
        token = body.get("token") or body["data"]["token"]
        cookie = "" if newest else f"token={token}"
        client.get(
            f"{url}/api/v1/auths/", headers={"authorization": f"Bearer {token}", "cookie": cookie}
        ).raise_for_status()
        run.until("stored qwen/demo")
        assert "you may close this window" in client.get(url, headers=PAGE).text
    assert run.end() == 0, run.said
    found = kept(run, "qwen")
    assert people.knows(found.token or "")
    if newest:
        assert found.cookies["refresh_token"] in people.refresh
    else:
        assert found.cookies["token"] == found.token


def test_a_qwen_session_whose_token_was_renewed_meanwhile_has_the_newest_cookie(
    run: CaptureRun, sites: TlsSites
) -> None:
    """A person who has been signed in for long: the page renews on the second host, then calls."""
    people = sites.site("qwen").people
    old = people.new_refresh()
    run.by_hand("qwen")
    headers = {"x-request-id": "1", "timezone": "now", "x-request-origin": "https://chat.qwen.ai"}
    with run.person() as client:
        client.get(
            f"{sites.url('qwen-auth')}/api/v2/auths/refresh", headers={**headers, "cookie": f"refresh_token={old}"}
        )
        run.until("stored qwen/demo")
        assert "you may close this window" in client.get(sites.url("qwen"), headers=PAGE).text
    assert run.end() == 0, run.said
    assert kept(run, "qwen").cookies["refresh_token"] in people.refresh
