"""A lease: the right to ask one account for one model, from the place that was got at it until that is given back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from addons.accounts.account import Account
from addons.accounts.account_record import AccountId
from addons.accounts.availability import Blocked
from addons.accounts.limiter import LimiterFull
from addons.accounts.renewal import Renewal
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.session import Session


@dataclass(frozen=True, slots=True)
class Candidate:
    """One account that can serve a model, and the model as its provider knows it."""

    account: Account
    model: Model

    @property
    def key(self) -> AccountId:
        return self.account.key

    @property
    def named(self) -> tuple[str, str, str]:
        """Model, provider and account."""
        return (self.model.id, *self.account.key)


class Line:
    """The candidates that are left for a model, in the order in which they are asked: an iterator that takes them out.

    Each is made when it is looked at: of a thousand accounts mostly the first one is.
    """

    def __init__(self, candidates: Iterable[Candidate] = ()) -> None:
        self._front: list[Candidate] = []  # (an empty deque is ten times as big, and every stream has one)
        self._last: list[Candidate] = []
        self._rest = iter(candidates)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Candidate:
        if self._front:
            return self._front.pop(0)
        for candidate in self._rest:
            return candidate
        if self._last:
            return self._last.pop(0)
        raise StopIteration

    def put_back(self, candidates: Sequence[Candidate]) -> None:
        """Those that were taken out are the first again, in their order."""
        self._front[:0] = candidates

    def append(self, candidate: Candidate) -> None:
        """One more is asked after all others."""
        self._last.append(candidate)


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A candidate that was not asked: something stands against it, or its queue was too long."""

    candidate: Candidate
    why: Blocked | LimiterFull


class NoAccount(Exception):
    """None of the candidates can be asked; `passed_over` says why each cannot."""

    def __init__(self, passed_over: Sequence[PassedOver]) -> None:
        super().__init__("no account can be asked now")
        self.passed_over = passed_over


@dataclass(slots=True)
class Lease:
    """One place at the candidate's account. `release` must be called at its end, whatever that is."""

    candidate: Candidate
    renewal: Renewal
    passed_over: Sequence[PassedOver] = ()
    """Those that would have been asked before."""
    left: Line = field(default_factory=Line)
    """Those that were neither asked nor passed over."""
    _held: bool = True

    @property
    def account(self) -> Account:
        return self.candidate.account

    async def session(self) -> Session:
        """A session that can serve now, renewed if it is about to end. Raises ProviderError."""
        try:
            return await self.renewal.session(self.account)
        except ProviderError as error:
            if error.kind is ErrorKind.CHALLENGE:  # met by the renewal, which has recorded everything else
                self.failed(error)
            raise

    async def rejected(self, session: Session, error: ProviderError) -> Session:
        """Another session of the account, which has just refused this one. Raises ProviderError when there is none."""
        return await self.renewal.rejected(self.account, session, error)

    def answering(self) -> None:
        """The site has begun to answer."""
        self.account.availability.answering()

    def succeeded(self) -> None:
        """The account has answered, to the end."""
        self.account.succeeded(self.candidate.model.id)

    def failed(self, error: ProviderError) -> None:
        """The account could not answer."""
        self.account.failed(self.candidate.model.id, error)

    def handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        """Cookies that came with the answer: those that belong to the session are kept."""
        self.renewal.handed_out(self.account, session, cookies)

    def release(self) -> None:
        """Gives the place to the next in the queue. May be called again."""
        if self._held:
            self._held = False
            self.account.release(self.candidate.model.id)
