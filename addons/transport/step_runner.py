"""The step runner: carries out a provider's steps over a Carrier. The I/O half of the provider contract."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from mitmproxy.connection import Server

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.transport.carrier import Arrived, BrokenAnswer, Carrier, Met, NotConnected, NotInTime
from addons.transport.public_fetch import FetchRefused, PublicFetcher
from addons.transport.sealing import Owner, Seals, UnknownSecret
from addons.transport.unreachable import is_fault_of_tls, kind_of, no_connection
from addons.transport.upstream_request import target_of
from providers.contract.call import Call, origin_of
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.session import Session, SessionUpdate, given_cookies
from providers.contract.steps import Answer, Fetch, Together, Wait, Work

STEP_LIMIT = 32
"""No provider needs more calls in one go; more means a loop."""
AT_ONCE: Final = 4
"""Parts of work that run together."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was carried out. `call` names its secrets; times in Unix seconds."""

    owner: Owner
    call: Call
    answer: Answer | None
    error: str
    began: float
    ended: float
    server: Server | None = None
    """The connection that carried it, where that is known."""


type HandedOut = Callable[[Session, Mapping[str, str]], None]
"""Told of the cookies an answer set: the session that asked, name → value."""


class StepRunner:
    """Runs steps: each Call goes out with its secrets put in, its Answer goes back into the generator."""

    def __init__(
        self,
        seals: Seals,
        carrier: Carrier,
        cleaner: Cleaner,
        handed_out: HandedOut | None = None,
        seen: Callable[[CallRecord], None] | None = None,
        proxy_of: Callable[[str], str | None] = lambda name: None,
        now: Callable[[], float] = time.time,
        fetcher: PublicFetcher | None = None,
    ) -> None:
        """`seen` is told of every call that was carried out, for the inspector. `proxy_of`: name → its proxy. `now`:
        Unix seconds. `fetcher` fetches what clients name."""
        self._seals = seals
        self._carrier = carrier
        self._cleaner = cleaner
        self._handed_out = handed_out
        self._seen = seen
        self._proxy_of = proxy_of
        self._now = now
        self._fetcher = fetcher

    async def run[T](
        self, provider: Provider[ProviderOptions], steps: Work[T], session: Session, *, keep_cookies: bool = True
    ) -> T:
        """The result of steps, or of other work. They are the account's own: no other's secrets open in their calls.

        Cookies that come on the way are told to whom it concerns, unless `keep_cookies` is off (a renewal brings its
        own). Raises ProviderError, cleaned: the steps' own, or PROVIDER_DOWN when the network fails.
        """
        carried: list[CallRecord] = []
        try:
            result = await self._run(provider, steps, session, carried, keep_cookies=keep_cookies)
            if isinstance(result, SessionUpdate):  # known before anybody sees the answers it stands in
                self._cleaner.learn(_new_secrets(result, provider.name))
            return result
        except ProviderError as error:
            self._cleaner.error(error)
            raise
        finally:
            self._show(carried)

    async def _run[T](
        self,
        provider: Provider[ProviderOptions],
        work: Work[T],
        session: Session,
        carried: list[CallRecord],
        *,
        keep_cookies: bool,
    ) -> T:
        given: Any = None
        error: ProviderError | None = None
        steps = 0
        try:
            while True:
                asked = work.send(given) if error is None else work.throw(error)
                steps += not (isinstance(asked, Wait) and not asked.seconds)
                if steps > STEP_LIMIT:
                    break
                given = error = None
                try:
                    if isinstance(asked, Call):
                        given = await self._step(provider, asked, session, carried, keep_cookies=keep_cookies)
                    elif isinstance(asked, Wait):
                        await asyncio.sleep(asked.seconds)
                    elif isinstance(asked, Together):
                        given = await self._at_once(provider, asked, session, carried, keep_cookies=keep_cookies)
                    else:
                        given = await self._fetch(asked)
                except ProviderError as failed:
                    error = failed
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            work.close()  # at once, also where nobody wants it any more
        raise ProviderError(ErrorKind.PROVIDER_DOWN, f"{provider.name}: preparing the request took too many steps")

    async def _step(
        self,
        provider: Provider[ProviderOptions],
        call: Call,
        session: Session,
        carried: list[CallRecord],
        *,
        keep_cookies: bool,
    ) -> Answer:
        answer = await self._carry_out(provider, call, session, carried)
        own = keep_cookies and answer.set_cookies and origin_of(call.shown_url) in provider.origins()
        if own and self._handed_out is not None:  # a store for files has no say in the session
            self._handed_out(session, dict(given_cookies(answer.set_cookies)))
        return answer

    async def _at_once(
        self,
        provider: Provider[ProviderOptions],
        asked: Together,
        session: Session,
        carried: list[CallRecord],
        *,
        keep_cookies: bool,
    ) -> list[Any]:
        """The results of all parts, AT_ONCE of which run at a time; the first failure ends the others."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(part: Work[Any]) -> Any:
            async with room:
                return await self._run(provider, part, session, carried, keep_cookies=keep_cookies)

        tasks = [asyncio.ensure_future(one(part)) for part in asked.parts]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(self, asked: Fetch) -> Answer:
        try:
            if self._fetcher is None:
                raise FetchRefused("nothing is fetched here")
            return await self._fetcher.fetch(asked.url, asked.most_bytes)
        except FetchRefused as e:
            raise ProviderError(ErrorKind.BAD_REQUEST, f"{e}.") from e

    async def send(
        self, provider: Provider[ProviderOptions], call: Call, session: Session, arrived: Arrived | None = None
    ) -> Answer:
        """The answer to one call outside of any steps (a stop call, an exchange sent again). Raises ProviderError,
        cleaned. Who wants to know how the answer `arrived` shows the call too."""
        carried: list[CallRecord] = []
        try:
            return await self._carry_out(provider, call, session, carried, arrived)
        finally:
            if arrived is None:
                self._show(carried)

    async def _carry_out(
        self,
        provider: Provider[ProviderOptions],
        call: Call,
        session: Session,
        carried: list[CallRecord],
        arrived: Arrived | None = None,
    ) -> Answer:
        owner = Owner(provider.name, session.account)
        began, answer, said = self._now(), None, ""
        servers: list[Server] = []
        try:
            answer = await self._exchange(provider, call, owner, arrived, servers.append)
        except ProviderError as error:
            said = self._cleaner.error(error).message
            raise
        finally:
            server = servers[-1] if servers else None
            carried.append(CallRecord(owner, call, answer, said, began, self._now(), server))
        return answer

    def _show(self, carried: Sequence[CallRecord]) -> None:
        if self._seen is not None:
            for one in carried:
                self._seen(one)

    async def _exchange(
        self, provider: Provider[ProviderOptions], call: Call, owner: Owner, arrived: Arrived | None, met: Met
    ) -> Answer:
        name = provider.name
        target = target_of(call, provider, self._proxy_of(name), owner.account)
        try:
            wire = self._seals.wire_call(call, owner)
        except UnknownSecret as e:
            raise ProviderError(ErrorKind.SESSION_EXPIRED, str(e)) from e
        try:
            answer = await self._carrier.carry(wire, target, arrived, met)
        except NotConnected as e:
            code = "timeout" if not e.in_time else "upstream_tls" if is_fault_of_tls(e.why) else "upstream_unreachable"
            words = no_connection(name, target, e.why, in_time=e.in_time)
            raise ProviderError(kind_of(e.why), words, site_code=code) from e
        except NotInTime as e:
            raise ProviderError(ErrorKind.PROVIDER_DOWN, _error_sentence(name, call, "did not answer in time")) from e
        except BrokenAnswer as e:
            raise ProviderError(ErrorKind.PROVIDER_DOWN, _error_sentence(name, call, f"failed ({e.kind})")) from e
        return replace(answer, at_ms=int(self._now() * 1000))


def _new_secrets(update: SessionUpdate, provider: str) -> Iterator[KnownSecret]:
    """The secrets a site has just handed out, as secrets of no account: their names are not needed in this answer."""
    for value in (update.token or "", *update.cookies.values()):
        yield KnownSecret(value, "new", provider)


def _error_sentence(provider: str, call: Call, what: str) -> str:
    """An error sentence without the URL's query, which may hold a token."""
    path = urlsplit(call.shown_url).path or "/"
    return f"{provider}: {call.method} {path} {what}. The site may be down or out of reach; try again."
