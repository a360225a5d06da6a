"""The check of exposure: what is too open about a configuration, by where the gateway really listens."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from addons.config.client_keys import ClientKey
from addons.config.configuration import Config
from addons.config.variables import literal_part
from addons.config.yaml_reading import KeyPath
from addons.words.commands import command
from providers.contract.provider import LOOPBACK_HOSTS
from providers.contract.written import Nothing

SHORTEST_TOKEN: Final = 8
SHORTEST_OPEN_TOKEN: Final = 32

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "x-api-key", "api-key", "proxy-authorization"})


def judge(config: Config, hosts: Sequence[str]) -> list[str]:
    """The problems that keep `config` from being in force while the gateway listens on `hosts`; a sentence each."""
    found: dict[str, None] = {}
    for host in hosts:
        for path, problem in exposure_problems(host, config.keys, config.skip_auth, managed=config.managed_keys):
            found[f"{'.'.join(map(str, path))}: {problem}"] = None
    if any(host not in LOOPBACK_HOSTS for host in hosts):
        for file in config.files:
            if file.gives_keys_away and file.open_words:
                found[f"beyond loopback this cannot be: {file.open_words}"] = None
    return list(found)


def exposure_problems(
    host: str, keys: Sequence[ClientKey], skip: bool, *, managed: bool = False, unset: Sequence[str] = ()
) -> list[tuple[KeyPath, str]]:
    """The problems with listening on `host` with these client keys; (key of config.yaml, sentence) each.

    `managed`: there are managed keys too, or were. `unset`: the variables that keys are to come from, and that are not
    set.
    """
    is_loopback = host in LOOPBACK_HOSTS
    found: list[tuple[KeyPath, str]] = []
    if skip and not is_loopback:
        found.append((("auth", "skip"), f"works only when the listener is loopback, not on {host or 'all addresses'}"))
    if not keys and not skip and not managed:
        named = [name for name in unset if name != "AUTH_TOKEN"]
        said = f"{' and '.join(named)} {'is' if len(named) == 1 else 'are'} not set. Set " if named else "set "
        names = " or ".join([*named, "AUTH_TOKEN"])
        advice = f"{said}{names}, or list keys here ({command('keygen', '--client')} makes one)"
        if not named:
            advice += f". All at once, where nothing is set up yet: {command('setup')}"
        found.append((("auth", "tokens"), f"no client key is configured: {advice}"))
    for key in keys:
        which = f"the key {key.name!r} ({key.source})"
        if len(key.token) < SHORTEST_TOKEN:
            found.append((("auth", "tokens"), f"{which} is shorter than {SHORTEST_TOKEN} characters"))
        elif not is_loopback and len(key.token.encode()) < SHORTEST_OPEN_TOKEN:
            what = f"beyond loopback every key needs at least {SHORTEST_OPEN_TOKEN} bytes; {which} is shorter"
            found.append((("listen", "host"), what))
    return found


def has_literal_keys(raw: Any) -> bool:
    """Whether config.yaml itself (`raw`, with its variables) holds a client key, password or secret header."""
    root = _mapping(raw)
    auth = _mapping(root.get("auth"))
    candidates = [_mapping(entry).get("key", entry) for entry in _several(auth.get("tokens"))]
    for provider in map(_mapping, _mapping(root.get("providers")).values()):
        headers = _mapping(provider.get("headers"))
        candidates += [value for name, value in headers.items() if str(name).lower() in _SECRET_HEADERS]
        accounts = provider.get("accounts")
        for account in map(_mapping, [*_several(accounts), *_mapping(accounts).values()]):
            candidates.append(_mapping(account.get("credentials")).get("password"))
    return any(literal_part(text) for text in _texts(candidates))


def _several(value: Any) -> list[Any]:
    """The entries of a list; one entry stands for a list of it."""
    return value if isinstance(value, list) else [value]


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _texts(values: Iterable[Any]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str) and not isinstance(value, Nothing))
