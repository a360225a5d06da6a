"""The step runner: carries out a provider's steps with httpx. The I/O half of the provider contract."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.transport.inflate import InflateError, inflater
from addons.transport.sealing import Owner, Seals, UnknownSecret
from addons.transport.unreachable import is_fault_of_tls, no_connection
from addons.transport.upstream_request import target_of
from providers.contract.call import Call, origin_of
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.session import Session, SessionUpdate, given_cookies
from providers.contract.steps import Answer, Steps

BODY_LIMIT_BYTES = 8 * 1024 * 1024
STEP_LIMIT = 32
"""No provider needs more calls in one go; more means a loop."""

type ClientFor = Callable[[str], httpx.AsyncClient]
"""Provider name → the HTTP client that reaches it (with its proxy, if it has one)."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was carried out. `call` names its secrets; times in Unix seconds."""

    owner: Owner
    call: Call
    answer: Answer | None
    error: str
    began: float
    ended: float


type HandedOut = Callable[[Session, Mapping[str, str]], None]
"""Told of the cookies an answer set: the session that asked, name → value."""


type Arrived = Callable[[int], None]
"""Told how long each piece of an answer's body is, unpacked, when it has come."""


class StepRunner:
    """Runs steps: each Call goes out with its secrets put in, its Answer goes back into the generator."""

    def __init__(
        self,
        seals: Seals,
        client_for: ClientFor,
        cleaner: Cleaner,
        handed_out: HandedOut | None = None,
        seen: Callable[[CallRecord], None] | None = None,
        proxy_of: Callable[[str], str | None] = lambda name: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`seen` is told of every call that was carried out, for the inspector. `proxy_of`: name → its proxy. `now`:
        Unix seconds."""
        self._seals = seals
        self._client_for = client_for
        self._cleaner = cleaner
        self._handed_out = handed_out
        self._seen = seen
        self._proxy_of = proxy_of
        self._now = now

    async def run[T](
        self, provider: Provider[ProviderOptions], steps: Steps[T], session: Session, *, keep_cookies: bool = True
    ) -> T:
        """The result of the steps. They are the account's own: no other's secrets open in their calls.

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
        steps: Steps[T],
        session: Session,
        carried: list[CallRecord],
        *,
        keep_cookies: bool,
    ) -> T:
        try:
            call = next(steps)
            for _ in range(STEP_LIMIT):
                try:
                    answer = await self._carry_out(provider, call, session, carried)
                except ProviderError as error:
                    call = steps.throw(error)
                else:
                    if keep_cookies and self._handed_out is not None and answer.set_cookies:
                        self._handed_out(session, dict(given_cookies(answer.set_cookies)))
                    call = steps.send(answer)
            steps.close()
        except StopIteration as end:
            result: T = end.value
            return result
        raise ProviderError(ErrorKind.PROVIDER_DOWN, f"{provider.name}: preparing the request took too many steps")

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
        try:
            answer = await self._exchange(provider, call, owner, arrived)
        except ProviderError as error:
            said = self._cleaner.error(error).message
            raise
        finally:
            carried.append(CallRecord(owner, call, answer, said, began, self._now()))
        return answer

    def _show(self, carried: Sequence[CallRecord]) -> None:
        if self._seen is not None:
            for one in carried:
                self._seen(one)

    async def _exchange(
        self, provider: Provider[ProviderOptions], call: Call, owner: Owner, arrived: Arrived | None
    ) -> Answer:
        name = provider.name
        if origin_of(call.shown_url) not in provider.origins():
            raise ProviderError(ErrorKind.PROVIDER_DOWN, f"{name}: a call to a foreign address was stopped")
        try:
            wire = self._seals.wire_call(call, owner)
        except UnknownSecret as e:
            raise ProviderError(ErrorKind.SESSION_EXPIRED, str(e)) from e
        client = self._client_for(name)
        headers = [(name, value if isinstance(value, str) else value.shown) for name, value in wire.headers]
        if not any(name.lower() == "accept-encoding" for name, _ in headers):
            headers.append(("Accept-Encoding", "identity"))  # what is not packed need not be unpacked
        request = httpx.Request(wire.method, wire.shown_url, headers=headers, content=wire.shown_body or None)
        try:
            response = await client.send(request, stream=True)
            try:
                body = await _bounded_body(response, arrived)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as e:
            in_time = not isinstance(e, httpx.ConnectTimeout)
            target = target_of(call, provider, self._proxy_of(name), owner.account)
            code = "timeout" if not in_time else "upstream_tls" if is_fault_of_tls(str(e)) else "upstream_unreachable"
            words = no_connection(name, target, str(e), in_time=in_time)
            raise ProviderError(ErrorKind.PROVIDER_DOWN, words, site_code=code) from e
        except httpx.TimeoutException as e:
            raise ProviderError(ErrorKind.PROVIDER_DOWN, _error_sentence(name, call, "did not answer in time")) from e
        except httpx.HTTPError as e:
            raise ProviderError(
                ErrorKind.PROVIDER_DOWN, _error_sentence(name, call, f"failed ({type(e).__name__})")
            ) from e
        found = {name.lower(): value for name, value in response.headers.items()}
        cookies = tuple(response.headers.get_list("set-cookie"))
        return Answer(response.status_code, found, body, cookies, int(self._now() * 1000))


def _new_secrets(update: SessionUpdate, provider: str) -> Iterator[KnownSecret]:
    """The secrets a site has just handed out, as secrets of no account: their names are not needed in this answer."""
    for value in (update.token or "", *update.cookies.values()):
        yield KnownSecret(value, "new", provider)


async def _bounded_body(response: httpx.Response, arrived: Arrived | None) -> bytes:
    body = bytearray()
    try:
        plain = inflater(response.headers.get("content-encoding", ""))  # httpx's own inflates without a bound
        async for chunk in response.aiter_raw():
            body += (piece := plain.feed(chunk))
            if arrived is not None:
                arrived(len(piece))
            if len(body) > BODY_LIMIT_BYTES:
                raise httpx.DecodingError("body too large")
        plain.close()
    except InflateError as e:
        raise httpx.DecodingError(str(e)) from e
    return bytes(body)


def _error_sentence(provider: str, call: Call, what: str) -> str:
    """An error sentence without the URL's query, which may hold a token."""
    path = httpx.URL(call.shown_url).path
    return f"{provider}: {call.method} {path} {what}. The site may be down or out of reach; try again."
