"""Finding one provider's session in a file's contents: by host, merged, one person's."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from addons.importing.contents import FileContents, ImportProblem
from providers.contract.call import origin_of
from providers.contract.errors import ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, ObservedExchange, Session
from providers.registry import provider_class, type_names

_PEOPLE_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that was found. `missing` in words; `problem` when it cannot serve as it is."""

    provider: str
    credentials: Credentials
    missing: tuple[str, ...]
    session: Session | None
    problem: str = ""
    note: str = ""
    """Something the person should know of where it was found."""


def find(found: FileContents, providers: Mapping[str, AnyProvider], wanted: str | None) -> FoundSession:
    """The session of the one provider the file is about (or of `wanted`). Raises ImportProblem."""
    if found.token:
        return _of_token(found.token, providers, wanted)
    chosen = {wanted: providers[wanted]} if wanted else dict(providers)
    note = ""
    collected = _collected(found, chosen, _own)
    if not collected and (collected := _collected(found, chosen, _of_type)):
        note = "it is of the site itself, and stored for the other address that base_url names"
    if not collected:
        raise ImportProblem(_nothing(found, providers, wanted))
    if len(collected) > 1:
        raise ImportProblem(f"it holds sessions of several providers; choose with --provider: {', '.join(collected)}")
    name, credentials = next(iter(collected.items()))
    return replace(_found_session(providers[name], credentials), note=note)


def _own(provider: AnyProvider) -> frozenset[str]:
    """The provider's own addresses, without those of the site where base_url names a mirror or a stand-in."""
    site = _of_site(provider)
    return provider.origins() if site <= provider.origins() else provider.origins() - site


def _of_type(provider: AnyProvider) -> frozenset[str]:
    """The provider's addresses, with those of the site itself: the session for a mirror was signed in there."""
    return provider.origins() | _of_site(provider)


def _of_site(provider: AnyProvider) -> frozenset[str]:
    """The addresses of the provider's type where nothing is configured; none where it has no site of its own."""
    if not provider.Options.model_fields["base_url"].default:
        return frozenset()
    return type(provider)("site", provider.Options.model_validate({})).origins()


def _collected(
    found: FileContents, providers: Mapping[str, AnyProvider], places: Callable[[AnyProvider], frozenset[str]]
) -> dict[str, Credentials]:
    return {
        name: credentials
        for name, provider in providers.items()
        if (credentials := _collect(found, provider, places(provider))) is not None
    }


def _hosts(provider: AnyProvider) -> set[str]:
    return {urlsplit(origin).hostname or "" for origin in _of_type(provider)}


def _at(url: str, origins: frozenset[str]) -> bool:
    """Whether an address is at one of the origins."""
    try:
        return origin_of(url) in origins
    except (ValueError, KeyError):
        return False


def _collect(found: FileContents, provider: AnyProvider, origins: frozenset[str]) -> Credentials | None:
    """The credentials in exchanges with these origins, merged. Raises ImportProblem for two people's in one file."""
    credentials, person = None, ""
    for seen in (*found.exchanges, *_of_cookies(found, origins)):
        if not _at(seen.url, origins):
            continue
        newer = provider.sign_in.extract(seen)
        if newer is None:
            continue
        whose = _owner(provider, newer)
        if person and whose and whose != person:
            names = f"{person[:_PEOPLE_SHOWN]}… and {whose[:_PEOPLE_SHOWN]}…"
            raise ImportProblem(f"it holds sessions of two people ({names}); export one person's browsing only")
        person = person or whose
        credentials = newer if credentials is None else credentials.merged(newer)
    return credentials


def _of_cookies(found: FileContents, origins: frozenset[str]) -> Iterable[ObservedExchange]:
    """Exchanges made of a file's cookies, as each of the origins' hosts would get them."""
    for origin in sorted(origins):
        host = urlsplit(origin).hostname or ""
        jar = {cookie.name: cookie.value for cookie in found.cookies if cookie.fits(host)}
        if jar:
            header = "; ".join(f"{name}={value}" for name, value in jar.items())
            yield ObservedExchange("GET", f"{origin}/", {"cookie": header})


def _owner(provider: AnyProvider, credentials: Credentials) -> str:
    try:
        return provider.read_session("import", credentials).facts.get("user_id", "")
    except ProviderError:
        return ""


def _of_token(token: str, providers: Mapping[str, AnyProvider], wanted: str | None) -> FoundSession:
    """The session of a pasted token: of the provider that is named, or the only one that can make sense of it."""
    if wanted:
        provider = providers[wanted]
        credentials = Credentials(token=token) if provider.web_session else Credentials(api_key=token)
        return _found_session(provider, credentials)
    fitting = [
        found_session
        for provider in providers.values()
        if provider.web_session
        and (found_session := _found_session(provider, Credentials(token=token))).session is not None
        and found_session.session is not None
        and found_session.session.facts.get("user_id")
    ]
    if len(fitting) != 1:
        raise ImportProblem("a token alone does not say whose it is; name the provider with --provider")
    return fitting[0]


def _found_session(provider: AnyProvider, credentials: Credentials) -> FoundSession:
    missing = provider.sign_in.missing(credentials)
    try:
        session = provider.read_session("import", credentials)
    except ProviderError as error:
        return FoundSession(provider.name, credentials, missing, None, error.message)
    return FoundSession(provider.name, credentials, missing, replace(session, account=""))


def _nothing(found: FileContents, providers: Mapping[str, AnyProvider], wanted: str | None) -> str:
    """The error of a file without a session, as precisely as the hosts tell."""
    hosts = {_host(seen.url) for seen in found.exchanges} | {c.domain for c in found.cookies}
    ours = {name for name, provider in providers.items() if _about(hosts, _hosts(provider))}
    tail = f" ({found.note})" if found.note else ""
    if wanted or ours:
        name = wanted or sorted(ours)[0]
        if name not in ours:
            return (
                f"the {found.kind} has nothing of {name}'s hosts ({', '.join(sorted(_hosts(providers[name])))}){tail}"
            )
        missing = "; ".join(providers[name].sign_in.missing(Credentials()))
        return f"the {found.kind} has no signed-in call of {name}; it needs {missing}{tail}"
    for type_name in type_names():
        cls = provider_class(type_name)
        default = cls.Options.model_fields["base_url"].default
        if isinstance(default, str) and _about(hosts, {urlsplit(default).hostname or ""}):
            entry = f"providers: {{{type_name}: {{type: {type_name}, accounts: [{{name: main}}]}}}}"
            return f"this is of {type_name}, but config.yaml has no provider of that type; add: {entry}"
    return f"the {found.kind} has nothing of the configured providers{tail}"


def _host(url: str) -> str:
    """The host of an address as a file has it; empty where it is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _about(hosts: set[str], known: set[str]) -> bool:
    return any(host == one or one.endswith(f".{host}") for host in hosts if host for one in known)
