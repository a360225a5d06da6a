"""LongCat sessions: from the environment, pasted in several ways, no session at all; whose it is; chats taken away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from addons.cleaning.cleaner import NOTHING_KNOWN
from addons.cli.main import main
from addons.config.session_lines import name_of
from addons.transport.sealing import Seals
from addons.transport.step_runner import StepRunner
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Credentials, Identity, Moment
from providers.longcat.provider import LongCat, LongCatOptions
from providers.sandbox.longcat.site import LongCatSite
from providers.sandbox.run import Sandbox
from tests.support.processes import NO_REST, Gateway, SandboxThread
from tests.wire.longcat_asking import CHAT, CREATE, TOLD, WORDS, posted, streamed_text


def http_of(gateway: Gateway) -> httpx.Client:
    return httpx.Client(base_url=gateway.url, headers=gateway.headers, timeout=30)


def folder_of(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    folder = tmp_path_factory.mktemp(name)
    folder.chmod(0o700)
    return folder


@pytest.fixture
def own_site() -> Iterator[tuple[LongCatSite, SandboxThread]]:
    site = LongCatSite()
    with SandboxThread(Sandbox((), own={"longcat": site})) as sandbox:
        yield site, sandbox


@pytest.mark.parametrize(
    "form", ["{token}", "passport_token_key={token}", "_lxsdk_cuid=x; passport_token_key={token}; a=b"]
)
def test_the_session_of_the_environment(
    own_site: tuple[LongCatSite, SandboxThread],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    """The vault is empty: the cookie alone, or what people copy with it, serves."""
    site, sandbox = own_site
    token = site.new_token()
    monkeypatch.setenv("LONGCAT_PASSPORT_TOKEN", form.format(token=token))
    described = {**sandbox.description(), "sessions": {}}
    with Gateway(folder_of(tmp_path_factory, "env"), described, **NO_REST) as gateway, http_of(gateway) as http:
        for stream in (True, False):
            answer = posted(http, f"Hi\n{TOLD}", stream=stream)
            assert answer.status_code == 200, answer.text
        site.revoke(token)
        refused = posted(http, "Hi")
        assert refused.json()["error"]["code"] == "provider_auth"
        assert token not in refused.text + gateway.log
    assert {request.cookies["passport_token_key"] for request in site.requests} == {token}


@pytest.mark.parametrize("token", ["passport_token_key=", "two words", 'passport_token_key="quoted"', "a=b; c=d"])
def test_a_token_that_is_no_token_never_leaves(
    own_site: tuple[LongCatSite, SandboxThread], tmp_path_factory: pytest.TempPathFactory, token: str
) -> None:
    site, sandbox = own_site
    described = {**sandbox.description(), "sessions": {"longcat": {"token": token}}}
    with Gateway(folder_of(tmp_path_factory, "bad"), described, **NO_REST) as gateway, http_of(gateway) as http:
        answer = posted(http, "Hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
    name = "~hidden~" if "passport_token_key" in token else "passport_token_key"  # then it is a piece of the secret
    assert f"no usable cookie {name}" in answer.json()["error"]["message"]
    assert not site.requests


# -- whose session it is ----------------------------------------------------------------------------------------------
async def identified(site: LongCatSite, material: Credentials) -> Identity:
    """What `identify` says of a session, asked over the network as the gateway asks."""
    async with Sandbox((), own={"longcat": site}) as sandbox, httpx.AsyncClient() as client:
        provider: Any = LongCat("longcat", LongCatOptions(base_url=sandbox.base_url("longcat")))
        steps = StepRunner(Seals(lambda provider, account: material.secrets()), lambda provider: client, NOTHING_KNOWN)
        session = provider.read_session("main", material)
        return await steps.run(provider, provider.identify(session, Moment(1, lambda: "0f")), session)


@pytest.mark.anyio
@pytest.mark.parametrize("form", ["value", "pair", "all"])
async def test_the_site_says_whose_session_it_is(form: str) -> None:
    site = LongCatSite()
    ready = Credentials(**site.session())
    token = ready.cookies["passport_token_key"]
    forms = {"value": Credentials(token), "pair": Credentials(f"passport_token_key={token}"), "all": ready}
    assert await identified(site, forms[form]) == Identity(site.user_id, email=site.email)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("", ErrorKind.SESSION_EXPIRED),
        ("401", ErrorKind.SESSION_EXPIRED),
        ("login", ErrorKind.SESSION_EXPIRED),
        ("418", ErrorKind.CHALLENGE),
        ("wrong_type", ErrorKind.CHALLENGE),
        ("429_body", ErrorKind.RATE_LIMITED),
        ("500", ErrorKind.PROVIDER_DOWN),
    ],
)
async def test_a_stranger_is_known_from_a_refusal(fault: str, kind: ErrorKind) -> None:
    site = LongCatSite(who_fault=fault)
    with pytest.raises(ProviderError) as caught:
        await identified(site, Credentials("nobodys-token"))
    assert caught.value.kind is kind


# -- chats -----------------------------------------------------------------------------------------------------------
def test_chats_are_deleted_at_the_site_where_wanted(
    own_site: tuple[LongCatSite, SandboxThread], tmp_path_factory: pytest.TempPathFactory
) -> None:
    site, sandbox = own_site
    folder = folder_of(tmp_path_factory, "tidy")
    providers = {"longcat": {"delete_chats": True}}
    with (
        Gateway(folder, sandbox.description(), providers=providers, **NO_REST) as gateway,
        http_of(gateway) as http,
    ):
        assert streamed_text(posted(http, f"Hi\n{TOLD}")) == WORDS
        sandbox.wait_for("longcat", lambda: not site.chats)
    assert [request.path for request in site.requests] == [CREATE, CHAT, "/api/v1/session-delete"]


def test_a_file_of_sessions_is_taken_up_while_serving(
    own_site: tuple[LongCatSite, SandboxThread],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each line an account: the first one answers, a line that comes answers once the other is refused."""
    site, sandbox = own_site
    folder = folder_of(tmp_path_factory, "lines")
    first, second, odd = site.new_token(), site.new_token(), "nobodys secret words"
    file = folder / "cats"
    file.write_text(f"# cats\n{first}\n{odd}\n")
    file.chmod(0o600)
    monkeypatch.setenv("LONGCAT_TOKENS_FILE", str(file))
    described = {**sandbox.description(), "sessions": {}}
    with Gateway(folder, described, **NO_REST) as gateway, http_of(gateway) as http:
        answer = posted(http, f"Hi\n{TOLD}")
        assert (answer.status_code, answer.headers["x-glassgate-account"]) == (200, f"longcat/{name_of(first)}")
        file.write_text(f"a=b; passport_token_key={second}\n")
        taken_up(gateway)
        site.revoke(first)
        answer = posted(http, f"Hi\n{TOLD}")
        assert (answer.status_code, answer.headers["x-glassgate-account"]) == (200, f"longcat/{name_of(second)}")
        file.unlink()
        assert "LONGCAT_TOKENS_FILE" in taken_up(gateway, refused=True)
        answer = posted(http, f"Hi\n{TOLD}")
        assert (answer.status_code, answer.headers["x-glassgate-account"]) == (200, f"longcat/{name_of(second)}")
        file.write_text("# nobody any more\n")
        file.chmod(0o600)
        taken_up(gateway)
        assert posted(http, "Hi").status_code == 502
        assert "no LongCat session in line 3 " in gateway.log
        assert not [part for part in (first, second, odd) if part in gateway.log]


def taken_up(gateway: Gateway, *, refused: bool = False) -> str:
    """Returns once the running gateway has taken its changed files up, or refused them; what it said."""
    environ = {"SESSION_ENCRYPTION_KEY": gateway.vault_key, "AUTH_TOKEN": "sk-wire-test-key-0123456789"}
    found = CliRunner().invoke(main, ["--config", str(gateway.config_file), "reload"], env=environ)
    assert found.exit_code == int(refused), found.output
    return found.output
