"""A person's session at a site: its secrets, and what a provider may know of it.

Only `read_session`, `extract` and `missing` of a provider see values; everything else works with a Session, which names
the secrets (providers/contract/sealed.py). The gateway puts the real values in on the wire.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from providers.contract import browser
from providers.contract.given import check_update, is_cookie, words
from providers.contract.sealed import Sealed, SecretRef, Value, joined
from providers.formats.jwt import claims

_ENDED = re.compile(r"max-age\s*=\s*(0|-\d+)|expires\s*=[^=]*\b19\d\d\b.*", re.IGNORECASE | re.DOTALL)
_COOKIES_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of one account as the vault holds them."""

    token: str | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    api_key: str | None = None
    email: str | None = None
    password: str | None = None
    """E-mail and password are kept only for a person who asked for it, to sign in again."""
    expires_at: int | None = None
    """Unix seconds, when the site said so and the token does not."""
    asked: bool = field(default=False, compare=False)
    """The headers were seen on a call that asked for an answer; known while exchanges are gathered, not stored."""

    def __repr__(self) -> str:
        return "Credentials(…)"

    def values(self) -> dict[str, str]:
        """Secret name → value: `token`, `api_key`, `cookie:NAME`, `header:NAME`, `email`, `password`.

        `password_sha256` is the password's SHA-256 in lower-case hex, for sites that want it so.
        """
        named = {"token": self.token, "api_key": self.api_key, "email": self.email, "password": self.password}
        found = {name: value for name, value in named.items() if value}
        if self.password:
            found["password_sha256"] = hashlib.sha256(self.password.encode()).hexdigest()
        found |= {f"cookie:{name}": value for name, value in self.cookies.items()}
        found |= {f"header:{name}": value for name, value in browser.sendable(self.headers).items()}
        return found

    def secrets(self) -> dict[str, str]:
        """What calls may be given: `values`, and `device_id`, which stands for the random id that a page keeps in its
        browser: 16 characters, the same for a person every time."""
        return {**self.values(), "device_id": self._device_id()}

    def _device_id(self) -> str:
        token = self.token or self.cookies.get("token") or ""
        person = (claims(token) or {}).get("id") or token or sorted(self.cookies.items())
        return hashlib.sha256(f"device/{person}".encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def merged(self, newer: "Credentials") -> Self:
        """These Credentials with the newer ones' values over them; what the newer ones lack stays.

        A browser's headers follow browser.merged.
        """
        headers = browser.merged(self.headers, newer.headers, older_asked=self.asked, newer_asked=newer.asked)
        return replace(
            self,
            token=newer.token or self.token,
            cookies={**self.cookies, **newer.cookies},
            headers=headers,
            api_key=newer.api_key or self.api_key,
            email=newer.email or self.email,
            password=newer.password or self.password,
            expires_at=newer.expires_at if newer.token or newer.expires_at else self.expires_at,
            asked=self.asked or newer.asked,
        )

    def updated(self, update: "SessionUpdate") -> Self:
        """These Credentials with what a site handed out."""
        return self.merged(Credentials(update.token, update.cookies, expires_at=update.expires_at))


@dataclass(frozen=True, slots=True)
class Session:
    """One account's session as a provider sees it: which secrets exist, and facts that are no secrets."""

    provider: str
    account: str
    names: tuple[str, ...] = ()
    """Names of the secrets there are, as in Credentials.values()."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What may stand in a request in clear: `user_id`, `email` … (provider's choice)."""
    expires_at: int | None = None
    """Unix seconds, when the token itself says so."""

    def has(self, name: str) -> bool:
        return name in self.names

    def seal(self, name: str) -> Sealed:
        """A secret, to stand in a request. Raises KeyError when the session has no such secret."""
        if name not in self.names:
            raise KeyError(name)
        return Sealed((SecretRef(self.provider, self.account, name),))

    def cookie_header(self, *, without: Collection[str] = ()) -> Value:
        """All cookies, but for some, as one Cookie header value; empty when there are none."""
        names = [n.removeprefix("cookie:") for n in self.names if n.startswith("cookie:")]
        return joined("; ", [f"{n}=" + self.seal("cookie:" + n) for n in names if n not in without])

    def header(self, name: str) -> Value | None:
        """A header of the person's own browser (`name` lower case), sealed; None when the session has none."""
        found = next((n for n in self.names if n.startswith("header:") and n[7:].lower() == name), None)
        return None if found is None else self.seal(found)

    def as_browser(self, ours: Mapping[str, Value], of_site: Collection[str] = ()) -> dict[str, Value]:
        """The headers of a call: those of the person's own browser, and `ours` where it has none.

        A browser that is known is never mixed with ours: it sends just the hints it sent. `of_site` names, in lower
        case, what else of the session's headers this call is sent. Our spelling of a name stays.
        """
        known = self.header(browser.AGENT) is not None
        found = {n: v for n, v in ours.items() if not (known and browser.is_identity(n.lower()))}
        spelt = {n.lower(): n for n in found}
        for name in self.names:
            header = name.removeprefix("header:").lower()
            wanted = name.startswith("header:") and (browser.is_identity(header) or header in of_site)
            if wanted and (known or not header.startswith("sec-ch-")):  # such hints say what the user agent says
                found[spelt.get(header, header)] = self.seal(name)
        return found


@dataclass(frozen=True, slots=True)
class SessionUpdate:
    """New secrets a site handed out; the gateway writes them into the vault. None leaves a value as it was."""

    token: str | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)
    expires_at: int | None = None
    """Unix seconds, when the site says so and the token does not."""

    def __post_init__(self) -> None:
        """Raises ProviderError when they cannot be secrets of a session."""
        check_update(self.token, self.cookies)

    def __repr__(self) -> str:
        return "SessionUpdate(…)"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose session it is, as the site says."""

    user_id: str
    name: str = ""
    email: str = ""
    guest: bool = False
    proven: bool = True
    """False where the site was asked in vain: what it thinks of the session shows with the first chat."""

    def __post_init__(self) -> None:
        for name in ("user_id", "name", "email"):
            object.__setattr__(self, name, words(getattr(self, name)))  # shown to people, and compared


@dataclass(frozen=True, slots=True)
class ObservedExchange:
    """One exchange of the person's own browser with a site, as capture and import see it. Header names lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    status: int | None = None
    """None when only the request is known (copy as cURL)."""
    set_cookies: tuple[str, ...] = ()
    """The raw Set-Cookie values of the answer."""
    body: bytes = b""
    """The answer's body, unpacked."""

    def __repr__(self) -> str:
        return "ObservedExchange(…)"

    @property
    def bearer(self) -> str:
        """The token of an `Authorization: Bearer` header, or nothing."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def cookies(self) -> dict[str, str]:
        """The request's cookies."""
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name and value}

    def browser_headers(self, of_site: Collection[str], completions: Collection[str]) -> tuple[dict[str, str], bool]:
        """What is kept of the browser's headers, and whether the call asked for an answer (its path is in
        `completions`). `of_site` names the headers of the page's own that are kept."""
        asked = browser.is_completion(self.url, completions)
        return browser.kept(self.headers, of_site, completion=asked), asked

    @property
    def new_cookies(self) -> dict[str, str]:
        """The cookies the answer sets; those it takes away are not among them."""
        return dict(given_cookies(self.set_cookies))


def given_cookies(set_cookies: "tuple[str, ...]") -> list[tuple[str, str]]:
    """(name, value) of each Set-Cookie value that gives a usable cookie; one that takes a cookie away gives nothing."""
    found = []
    for value in set_cookies[:_COOKIES_LIMIT]:
        first, *attributes = value.split(";")
        name, _, content = (part.strip() for part in first.partition("="))
        ended = any(_ENDED.fullmatch(part.strip()) for part in attributes)
        if is_cookie(name, content) and not ended:
            found.append((name, content))
    return found
