"""LongCat sessions: from the environment, pasted in several ways, no session at all; whose it is; chats taken away."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from addons.cleaning.cleaner import NOTHING_KNOWN
from addons.config.session_lines import name_of
from addons.transport.httpx_carrier import HttpxCarrier
from addons.transport.sealing import Seals
from addons.transport.step_runner import StepRunner
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, Identity
from providers.contract.steps import Moment
from providers.longcat.options import LongCatOptions
from providers.longcat.provider import LongCat
from providers.sandbox.longcat.site import LongCatSite
from tests.providers.longcat.asking import CHAT, CREATE, TOLD, WORDS, posted, streamed_text
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites


def http_of(gateway: Served) -> httpx.Client:
    return gateway.http()


@pytest.fixture
def own_site() -> Iterator[tuple[LongCatSite, Sites]]:
    site = LongCatSite()
    with Sites((), own={"longcat": site}) as sandbox:
        yield site, sandbox


@pytest.mark.parametrize(
    "form", ["{token}", "passport_token_key={token}", "_lxsdk_cuid=x; passport_token_key={token}; a=b"]
)
def test_the_session_of_the_environment(
    own_site: tuple[LongCatSite, Sites],
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
) -> None:
    """The vault is empty: the cookie alone, or what people copy with it, serves."""
    site, sandbox = own_site
    token = site.new_token()
    described = {**sandbox.description(), "sessions": {}}
    made = Served(tmp_path_factory.mktemp("env"), sandbox, described, **NO_REST)
    made.environ["LONGCAT_PASSPORT_TOKEN"] = form.format(token=token)
    with made as gateway, http_of(gateway) as http:
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
    own_site: tuple[LongCatSite, Sites], tmp_path_factory: pytest.TempPathFactory, token: str
) -> None:
    site, sandbox = own_site
    described = {**sandbox.description(), "sessions": {"longcat": {"token": token}}}
    with Served(tmp_path_factory.mktemp("bad"), sandbox, described, **NO_REST) as gateway, http_of(gateway) as http:
        answer = posted(http, "Hi")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth")
    name = "~hidden~" if "passport_token_key" in token else "passport_token_key"  # then it is a piece of the secret
    assert f"no usable cookie {name}" in answer.json()["error"]["message"]
    assert not site.requests


# -- whose session it is ----------------------------------------------------------------------------------------------
def identified(site: LongCatSite, material: Credentials) -> Identity:
    """What `identify` says of a session, asked as the gateway asks."""

    async def ask(sites: Sites) -> Identity:
        async with HttpxCarrier(transport=httpx.MockTransport(sites.carry)) as carrier:
            address = sites.description()["base_urls"]["longcat"]
            provider: Any = LongCat("longcat", LongCatOptions(base_url=address))
            seals = Seals(lambda provider, account: material.secrets())
            steps = StepRunner(seals, carrier, NOTHING_KNOWN)
            session = provider.read_session("main", material)
            asking = provider.sign_in.identify(session, Moment(1, lambda: "0f"))
            assert asking
            return await steps.run(provider, asking, session)

    with Sites((), own={"longcat": site}) as sites:
        return sites.run(ask(sites))


@pytest.mark.parametrize("form", ["value", "pair", "all"])
def test_the_site_says_whose_session_it_is(form: str) -> None:
    site = LongCatSite()
    ready = Credentials(**site.session())
    token = ready.cookies["passport_token_key"]
    forms = {"value": Credentials(token), "pair": Credentials(f"passport_token_key={token}"), "all": ready}
    assert identified(site, forms[form]) == Identity(site.user_id, email=site.email)


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
def test_a_stranger_is_known_from_a_refusal(fault: str, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        identified(LongCatSite(who_fault=fault), Credentials("nobodys-token"))
    assert caught.value.kind is kind


# -- chats -----------------------------------------------------------------------------------------------------------
def test_chats_are_deleted_at_the_site_where_wanted(
    own_site: tuple[LongCatSite, Sites], tmp_path_factory: pytest.TempPathFactory
) -> None:
    site, sandbox = own_site
    folder = tmp_path_factory.mktemp("tidy")
    providers = {"longcat": {"delete_chats": True}}
    with (
        Served(folder, sandbox, providers=providers, **NO_REST) as gateway,
        http_of(gateway) as http,
    ):
        assert streamed_text(posted(http, f"Hi\n{TOLD}")) == WORDS
        sandbox.wait_for("longcat", lambda: not site.chats)
    assert [request.path for request in site.requests] == [CREATE, CHAT, "/api/v1/session-delete"]


def test_a_file_of_sessions_is_taken_up_while_serving(
    own_site: tuple[LongCatSite, Sites],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Each line an account: the first one answers, a line that comes answers once the other is refused."""
    site, sandbox = own_site
    folder = tmp_path_factory.mktemp("lines")
    first, second, odd = site.new_token(), site.new_token(), "nobodys secret words"
    file = folder / "cats"
    file.write_text(f"# cats\n{first}\n{odd}\n")
    file.chmod(0o600)
    described = {**sandbox.description(), "sessions": {}}
    made = Served(folder, sandbox, described, **NO_REST)
    made.environ["LONGCAT_TOKENS_FILE"] = str(file)
    with made as gateway, http_of(gateway) as http:
        answer = posted(http, f"Hi\n{TOLD}")
        assert (answer.status_code, answer.headers["x-glassgate-account"]) == (200, f"longcat/{name_of(first)}")
        file.write_text(f"a=b; passport_token_key={second}\n")
        assert gateway.reload().done
        site.revoke(first)
        answer = posted(http, f"Hi\n{TOLD}")
        assert (answer.status_code, answer.headers["x-glassgate-account"]) == (200, f"longcat/{name_of(second)}")
        file.unlink()
        refused = gateway.reload()
        assert not refused.done
        assert "LONGCAT_TOKENS_FILE" in refused.said
        answer = posted(http, f"Hi\n{TOLD}")
        assert (answer.status_code, answer.headers["x-glassgate-account"]) == (200, f"longcat/{name_of(second)}")
        file.write_text("# nobody any more\n")
        file.chmod(0o600)
        assert gateway.reload().done
        assert posted(http, "Hi").status_code == 502
        assert "no LongCat session in line 3 " in gateway.log
        assert not [part for part in (first, second, odd) if part in gateway.log]
