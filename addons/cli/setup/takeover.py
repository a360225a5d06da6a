"""The files of the original design, read for what they mean here: config/providers.json and the .env beside config/.

    {"providers": [{"name": "zai|k2think|qwen", "baseUrl", "loginUrl", "chatUrl", "email", "password", "enabled"}]}

Whoever wrote them: each field is checked, the whole is bounded, and no secret is repeated in what is told.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from addons.cli.setup.written import Unwritable, env_with
from addons.config.env_file import read_env
from addons.config.exposure import SHORTEST_TOKEN
from addons.config.file_reading import FileProblem, NoFile, read_text
from addons.config.secret_looks import looks_secret
from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from addons.words.shown import shown
from providers.registry import provider_class

MOST_PROVIDERS: Final = 32
_MOST_CHARS: Final = 1024
_SITES: Final = ("zai", "k2think", "qwen")
_FIELDS: Final = ("name", "baseUrl", "loginUrl", "chatUrl", "email", "password", "enabled")
_KEPT: Final = {
    "AUTH_TOKEN": "the key your programs show stays",
    "AUTH_TOKENS_FILE": "the file with more client keys stays",
    "SKIP_AUTH_TOKEN": "stays; with `true` every program of this machine may use the gateway without a key",
    "LONGCAT_PASSPORT_TOKEN": "stays: the session of the first longcat account",
    "LONGCAT_TOKENS_FILE": "stays: sessions of longcat, one a line",
    "LOG_LEVEL": "stays",
}
_PATHS: Final = ("AUTH_TOKENS_FILE", "LONGCAT_TOKENS_FILE")
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
VAULT_KEY: Final = "SESSION_ENCRYPTION_KEY"


class TakeoverProblem(Exception):
    """The files cannot be taken over; the text says why."""


@dataclass(slots=True)
class Takeover:
    """What the original files mean here."""

    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Entries of config.yaml; credentials are named by variables."""
    values: dict[str, str] = field(default_factory=dict, repr=False)
    """Variables for .env: secrets."""
    said: list[str] = field(default_factory=list)
    """What was done with each line, without a secret."""


def original_files(folder: Path) -> Path | None:
    """The providers.json of an original design in `folder`, if there is one."""
    file = folder / "config" / "providers.json"
    return file if file.is_file() else None


def take_over(file: Path) -> Takeover:
    """What `file` (a providers.json) and the .env of its project mean here. Raises TakeoverProblem."""
    made = Takeover()
    for number, entry in enumerate(_entries(file), 1):
        _provider(made, f"{file.name}, provider {number}", entry)
    project = file.absolute().parent.parent if file.absolute().parent.name == "config" else file.absolute().parent
    _variables(made, project)
    return made


def _entries(file: Path) -> list[Any]:
    """Raises TakeoverProblem."""
    try:
        value = json.loads(read_text(file).text)
    except FileProblem as e:
        raise TakeoverProblem(f"{file}: {e}") from None
    except (ValueError, RecursionError):
        raise TakeoverProblem(f"{file}: is no JSON") from None
    found = value.get("providers") if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise TakeoverProblem(f'{file}: has no list of "providers"')
    if len(found) > MOST_PROVIDERS:
        raise TakeoverProblem(f"{file}: names more than {MOST_PROVIDERS} providers")
    return found


def _provider(made: Takeover, where: str, raw: Any) -> None:
    if not isinstance(raw, dict):
        made.said.append(f"{where}: is no object; left out")
        return
    name = raw.get("name")
    name = name.strip().casefold() if isinstance(name, str) else name
    if name not in _SITES:
        made.said.append(f"{where}: {_word(name)} is no site of the original design ({', '.join(_SITES)}); left out")
        return
    if name in made.providers:
        made.said.append(f"{where}: {name} stands there twice; the first one counts")
        return
    made.providers[name] = entry = {"type": name}
    notes = [f"{where}: provider {name}", *_address(entry, name, raw.get("baseUrl")), *_login(made, name, raw, entry)]
    notes += [f"{key} is left out: the adapter knows the site's paths" for key in ("loginUrl", "chatUrl") if key in raw]
    if raw.get("enabled") is False:
        entry["enabled"] = False
        notes.append("stays switched off")
    elif not isinstance(raw.get("enabled", True), bool):
        notes.append("enabled is neither true nor false; it is on")
    if more := [_word(key) for key in list(raw)[:20] if key not in _FIELDS]:
        notes.append(f"not known here, left out: {', '.join(more)}")
    made.said.append("; ".join(notes))


def _address(entry: dict[str, Any], name: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    options = provider_class(name).Options
    default = str(options.model_fields["base_url"].default).rstrip("/")
    if not _is_text(value):
        yield "baseUrl is no address; the usual one is taken"
        return
    if value.rstrip("/") == default:
        yield "baseUrl is the usual one"
        return
    try:
        options.model_validate({"base_url": value})
    except ValueError:
        yield "baseUrl cannot be used (https:// and a host is wanted); the usual one is taken"
        return
    entry["base_url"] = value
    yield "baseUrl is taken over"


def _login(made: Takeover, name: str, raw: Mapping[str, Any], entry: dict[str, Any]) -> Iterator[str]:
    email, password = raw.get("email"), raw.get("password")
    entry["accounts"] = ["main"]
    if not email and not password:
        return
    if not (_is_text(email) and _is_text(password)):
        yield "email and password are left out: both are wanted, as texts"
        return
    names = {"email": f"{name.upper()}_EMAIL", "password": f"{name.upper()}_PASSWORD"}
    own = {names["email"]: str(email), names["password"]: str(password)}
    try:
        env_with("", own)
    except Unwritable:
        yield "email and password are left out: no .env file holds them as they are; `glassgate login` asks for them"
        return
    made.values |= own
    entry["accounts"] = [{"name": "main", "credentials": {key: f"${{{variable}}}" for key, variable in names.items()}}]
    yield f"email and password go into .env as {names['email']} and {names['password']}"


def _variables(made: Takeover, project: Path) -> None:
    """Raises TakeoverProblem."""
    file = project / ".env"
    try:
        found = read_env(read_text(file).text, {})
    except NoFile:
        made.said.append(f"{file}: there is none")
        return
    except FileProblem as e:
        raise TakeoverProblem(f"{file}: {e}") from None
    for name, value in found.items():
        made.said.append(f".env, {_word(name)}: {_variable(made, project, name, value)}")
    if any(name.startswith("LONGCAT_") and name in _KEPT for name in made.values):
        made.providers.setdefault("longcat", {"type": "longcat", "accounts": ["main"]})


def _variable(made: Takeover, project: Path, name: str, value: str) -> str:
    """Takes a variable over; says what was done."""
    if not value:
        return "is empty; left out"
    if name == VAULT_KEY:
        try:
            VaultKey.from_text(value)
        except VaultError:
            return "is too short for this vault; a new one is made"
        made.values[name] = value
        return "stays, as the key of the vault"
    if name not in _KEPT:
        return "is not known here; left out"
    if name == "AUTH_TOKEN" and len(value) < SHORTEST_TOKEN:
        return f"is shorter than {SHORTEST_TOKEN} characters; a new one is made"
    if name == "LOG_LEVEL":
        value = {"WARN": "WARNING"}.get(value.upper(), value.upper())
        if value not in _LEVELS:
            return f"is none of {', '.join(_LEVELS)}; left out"
    if name in _PATHS:
        value = str(project / value)
        if not os.path.isfile(value):  # also false for a name that no file can have
            return "names a file that is not there; left out"
        made.values[name] = value
        return f"{_KEPT[name]} ({shown(value, _MOST_CHARS)})"  # whatever stands in it will let programs in
    made.values[name] = value
    return _KEPT[name]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MOST_CHARS and value.isprintable()


def _word(value: Any) -> str:
    """A name of theirs as it is told; what could be anything is not."""
    return shown(value, 40) if isinstance(value, str) and value.isidentifier() and not looks_secret(value) else "…"
