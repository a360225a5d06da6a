"""The site is asked whose a captured session is, before it is stored."""

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from addons.capturing.session_check import CHECK_S, SessionCheck, SiteSessionChecker
from addons.transport import httpx_carrier
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, Identity, Session
from providers.contract.steps import Moment, Steps
from providers.qwen.api import QwenApi
from providers.qwen.options import QwenOptions
from providers.qwen.provider import Qwen
from providers.qwen.sign_in import QwenSignIn
from providers.registry import provider_class
from tests.support.answers import zai_token
from tests.support.virtual_time import run_virtual

type Answer = Callable[[httpx.Request], httpx.Response]
MOMENT = Moment(1_700_000_000_000, lambda: "00000000-0000-4000-8000-000000000000", "UTC")


class Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> Any:
        yield self._body


def asked(
    provider: Any, credentials: Credentials, answer: Answer
) -> tuple[SessionCheck, list[httpx.Request], dict[str, Any]]:
    """What comes of asking a site that answers so; what it was asked, and how it was reached."""
    sent: list[httpx.Request] = []
    how: dict[str, Any] = {}

    async def site(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        made = answer(request)
        if made.status_code == 599:
            await asyncio.sleep(CHECK_S + 1)
        return httpx.Response(made.status_code, headers=made.headers, stream=Pieces(made.content))

    def client(proxy: str | None, *, verify: bool | str, transport: None) -> httpx.AsyncClient:
        how.update(proxy=proxy, verify=verify)
        return httpx.AsyncClient(transport=httpx.MockTransport(site))

    checker = SiteSessionChecker(provider, lambda: MOMENT, proxy="http://127.0.0.1:1", ca_file="/ca.pem")
    with patch.object(httpx_carrier, "new_client", client):
        found = run_virtual(_check(checker, provider, credentials))
    return found, sent, how


async def _check(checker: SiteSessionChecker, provider: Any, credentials: Credentials) -> SessionCheck:
    return await checker(provider.read_session("main", credentials), credentials)


def zai() -> Any:
    cls = provider_class("zai")
    return cls("zai", cls.Options.model_validate({}))


PERSON = {"id": "ada", "email": "ada@example.com", "name": "Ada", "role": "user"}


def test_who_it_is_comes_from_the_site_itself() -> None:
    credentials = Credentials(token=zai_token())
    check, sent, how = asked(zai(), credentials, lambda request: httpx.Response(200, json=PERSON))
    assert check.identity is not None
    assert (check.identity.email, check.refused, check.doubt) == ("ada@example.com", "", "")
    assert check.credentials == credentials
    assert sent[0].headers["authorization"] == f"Bearer {credentials.token}"
    assert how == {"proxy": "http://127.0.0.1:1", "verify": "/ca.pem"}


def test_a_session_the_site_does_not_know_is_refused() -> None:
    check, *_ = asked(zai(), Credentials(token=zai_token()), lambda request: httpx.Response(401, json={"detail": "no"}))
    assert check.refused
    assert (check.identity, check.doubt) == (None, "")


@pytest.mark.parametrize("status", [500, 503])
def test_a_site_that_is_down_is_a_doubt_and_no_refusal(status: int) -> None:
    check, *_ = asked(zai(), Credentials(token=zai_token()), lambda request: httpx.Response(status))
    assert (check.refused, bool(check.doubt)) == ("", True)


def test_one_that_does_not_answer_in_time_is_a_doubt() -> None:
    check, *_ = asked(zai(), Credentials(token=zai_token()), lambda request: httpx.Response(599))
    assert (check.refused, check.doubt) == ("", "the site did not answer in time")


def test_a_guests_session_is_refused() -> None:
    guest = {"id": "g", "email": "guest-1@guest.com", "role": "guest"}
    check, *_ = asked(zai(), Credentials(token=zai_token()), lambda request: httpx.Response(200, json=guest))
    assert "guest" in check.refused


def test_a_provider_that_cannot_be_asked_is_a_doubt() -> None:
    silent = Qwen("qwen", QwenOptions())
    credentials = Credentials(token=zai_token())
    with patch.object(QwenSignIn, "identify", lambda self, session, now: None):
        check, sent, _ = asked(silent, credentials, lambda request: httpx.Response(200))
    assert (check.doubt, sent) == ("qwen cannot be asked whose session it is", [])


class Rotating(QwenSignIn):
    """One whose site hands out a newer cookie while it is asked."""

    ends: ProviderError | None = None

    def identify(self, session: Session, now: Moment) -> Steps[Identity]:
        yield Call("GET", "https://chat.qwen.ai/a", (("cookie", session.cookie_header()),))
        yield Call("GET", "https://chat.qwen.ai/b", (("cookie", session.cookie_header()),))
        if self.ends is not None:
            raise self.ends
        return Identity("ada")


@pytest.mark.parametrize(
    ("ends", "token"),
    [
        (None, "newer"),
        (ProviderError(ErrorKind.PROVIDER_DOWN, "down"), "newer"),
        (ProviderError(ErrorKind.SESSION_EXPIRED, "gone"), "r-0123456789"),
    ],
)
def test_a_cookie_that_rotates_on_the_way_is_kept_and_sent(ends: ProviderError | None, token: str) -> None:
    provider = Qwen("qwen", QwenOptions())
    provider.sign_in = sign_in = Rotating(QwenApi(QwenOptions()))
    sign_in.ends = ends
    name = sorted(sign_in.rotating_cookies)[0]
    credentials = Credentials(token=zai_token(), cookies={name: "r-0123456789"})
    headers = {"set-cookie": f"{name}=newer; Path=/"}
    check, sent, _ = asked(provider, credentials, lambda request: httpx.Response(200, headers=headers))
    assert check.credentials.cookies[name] == token
    assert [f"{name}={value}" in sent[at].headers["cookie"] for at, value in ((0, "r-0123456789"), (1, "newer"))] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("identity", "facts", "whose"),
    [
        (Identity("u", email="a@b.c", name="A"), {}, "a@b.c"),
        (Identity("u", name="A"), {}, "A"),
        (Identity("u"), {"email": "x@y.z"}, "u"),
        (None, {"email": "x@y.z"}, "x@y.z"),
        (None, {}, ""),
    ],
)
def test_whose_it_is_in_a_word(identity: Identity | None, facts: dict[str, str], whose: str) -> None:
    session = Session("p", "a", facts=facts)
    assert SessionCheck(Credentials(), identity).owner(session) == whose
