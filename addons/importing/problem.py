"""The one way an import fails."""

from dataclasses import dataclass

from providers.contract.provider import ObservedExchange


class ImportProblem(Exception):
    """What was given cannot be used. The text is one clear line for the person, without a secret."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One cookie of a cookie file, of a domain and not yet of a request. `expires` in Unix seconds; 0: session."""

    domain: str
    """Lower case, without a leading dot."""
    subdomains: bool
    name: str
    value: str
    expires: int

    def fits(self, host: str) -> bool:
        return host == self.domain or (self.subdomains and host.endswith(f".{self.domain}"))


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds, before anybody asks whose it is."""

    kind: str
    sightings: tuple[ObservedExchange, ...] = ()
    cookies: tuple[Stored, ...] = ()
    token: str = ""
    note: str = ""
    """Something the person should know of the file."""
