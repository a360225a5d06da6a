"""The contents of an import file, and the one error of an import."""

from dataclasses import dataclass

from providers.contract.session import ObservedExchange


class ImportProblem(Exception):
    """The file cannot be used. The text is one clear line for the person, without a secret."""


@dataclass(frozen=True, slots=True)
class FileCookie:
    """A cookie of a cookie file, of a domain and not yet of a request. `expires` in Unix seconds; 0: session."""

    domain: str
    """Lower case, without a leading dot."""
    subdomains: bool
    name: str
    value: str
    expires: int

    def fits(self, host: str) -> bool:
        return host == self.domain or (self.subdomains and host.endswith(f".{self.domain}"))


@dataclass(frozen=True, slots=True)
class FileContents:
    """The contents of a file, before anybody asks whose session it is."""

    kind: str
    exchanges: tuple[ObservedExchange, ...] = ()
    cookies: tuple[FileCookie, ...] = ()
    token: str = ""
    note: str = ""
    """Something the person should know of the file."""
