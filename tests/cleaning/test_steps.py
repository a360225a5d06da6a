"""What preparing calls tell, and what they hand out, is cleaned and known before anybody sees it."""

from typing import Any

import httpx
import pytest

from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import KnownSecret
from addons.cleaning.known import KnownSecrets
from addons.transport.httpx_carrier import HttpxCarrier
from addons.transport.sealing import Seals
from addons.transport.step_runner import CallRecord, StepRunner
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Session, SessionUpdate
from providers.contract.steps import Steps
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible

pytestmark = pytest.mark.anyio

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
SESSION = Session("p", "a")
PROVIDER: Any = OpenAICompatible("p", OpenAIOptions(base_url="https://x.example"))


class House:
    """A runner whose site never answers in time, and what it has told."""

    def __init__(self) -> None:
        version = object()
        known = KnownSecrets(lambda: (version,), lambda: [KnownSecret(KEY, "api_key", "p", "a")])
        self.cleaner = Cleaner(known.index, known.learn)
        self.seen: list[CallRecord] = []
        carrier = HttpxCarrier(transport=httpx.MockTransport(self._late))
        seals = Seals(lambda provider, account: {})
        self.runner = StepRunner(seals, carrier, self.cleaner, seen=self.seen.append)

    def _late(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)


CALL = Call("GET", f"https://x.example/chat/{KEY}?token=nobody-knows-it-1")


def _asks() -> Steps[None]:
    yield CALL


def _refuses() -> Steps[None]:
    yield from ()
    raise ProviderError(ErrorKind.SESSION_EXPIRED, f"the site says: bad key {KEY}")


def _renews() -> Steps[SessionUpdate]:
    yield from ()
    return SessionUpdate(token="a-fresh-token-1", cookies={"sid": "a-fresh-cookie-2"})


async def test_a_call_that_fails_is_told_cleaned() -> None:
    house = House()
    with pytest.raises(ProviderError) as raised:
        await house.runner.send(PROVIDER, CALL, SESSION)
    for words in (raised.value.message, house.seen[0].error):
        assert f"/chat/{HIDDEN} did not answer in time" in words
        assert "nobody-knows-it" not in words


async def test_an_error_of_the_steps_is_told_cleaned() -> None:
    house = House()
    with pytest.raises(ProviderError) as raised:
        await house.runner.run(PROVIDER, _refuses(), SESSION)
    assert raised.value.message == f"the site says: bad key {HIDDEN}"
    with pytest.raises(ProviderError, match=HIDDEN):
        await house.runner.run(PROVIDER, _asks(), SESSION)


async def test_what_a_renewal_hands_out_is_known_before_the_answers_are_seen() -> None:
    house = House()
    await house.runner.run(PROVIDER, _renews(), SESSION)
    assert house.cleaner.text("now a-fresh-token-1 and a-fresh-cookie-2").count(HIDDEN) == 2
