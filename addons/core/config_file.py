"""Reads config.yaml, .env and the environment into a Config, and says exactly what is wrong where.

All problems are told at once: file, line, key, what was found (never the value of a secret), what is allowed.
"""

import difflib
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from addons.core.client_keys import ClientKey
from addons.core.config import (
    Config,
    ProviderCommon,
    ProviderSettings,
    Sections,
    checked_name,
    provider_class,
    split_provider,
    type_names,
)
from addons.core.env_file import read_env
from addons.core.exposure import exposure_problems, has_literal_keys
from addons.core.file_reading import FileProblem, NoFile, read_text
from addons.core.key_files import KeyFile
from addons.core.key_sources import KeySources
from addons.core.shown import shown
from addons.core.variables import substituted
from addons.core.yaml_reading import KeyPath, YamlProblem, read_yaml
from providers.contract import ProviderOptions, SessionMaterial

_SECRET_KEYS = re.compile(r"token|key|secret|password|cookie|auth", re.IGNORECASE)
_TOLD = re.compile(r".{0,11}|[A-Za-z _-]{0,40}|[a-z]{1,10}://[\w.:\[\]-]{1,100}/?", re.DOTALL | re.ASCII)
"""A wrong value is repeated when it is short, made of words, or the origin of an address: problems are told in the log
and to clients, and people put keys and passwords (`http://user:password@…`) where none belong."""
PROBLEMS_LIMIT = 50
"""So many problems are told; looking for near names takes its time."""
PROBLEM_CHARS = 2000
SUBSTITUTED_LIMIT = 4 * 1024 * 1024
"""Characters of all texts once the variables in them are replaced."""


class ConfigError(Exception):
    """The configuration cannot be used. The text lists every problem, one a line, up to a limit."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = [shown(problem) for problem in problems]
        more = len(problems) - PROBLEMS_LIMIT
        told = self.problems[:PROBLEMS_LIMIT] + ([f"… and {more} more problems"] if more > 0 else [])
        super().__init__("\n".join(told))


@dataclass
class _Source:
    """The parsed file with the line of every key, and the problems found so far."""

    file: Path
    value: Any
    lines: dict[KeyPath, int]
    files: list[KeyFile]
    """The files read so far."""
    without: Collection[str] = ()
    """Sections that nobody needs now."""
    problems: list[str] = field(default_factory=list)
    inserted: set[str] = field(default_factory=set)
    """Texts that came out of variables: nobody knows what is in those."""

    def tells(self, path: KeyPath, found: Any) -> bool:
        """Whether the value found at `path` may be repeated to people."""
        if isinstance(found, dict | list) or any(_SECRET_KEYS.search(str(part)) for part in path):
            return False
        return not isinstance(found, str) or (found not in self.inserted and _TOLD.fullmatch(found) is not None)

    def say(self, path: KeyPath, what: str) -> None:
        if path and path[0] in self.without:
            return
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)
        where = f"{self.file}:{line}" if line else str(self.file)
        key = _dotted(path)
        words = f"{where}: {key}: {what}" if key else f"{where}: {what}"
        self.problems.append(words if len(words) <= PROBLEM_CHARS else words[:PROBLEM_CHARS] + "…")


def load_config(file: Path, environ: Mapping[str, str] | None = None, *, without: Collection[str] = ()) -> Config:
    """The configuration. Raises ConfigError. Blocks on the disk, and for a second where a file is as large as may be.

    What the file's own listener demands of the keys is checked; `exposure.judge` does that for the real listeners.
    `without` names sections that are not needed: they are not looked at, and nothing in them can be wrong.
    """
    files: list[KeyFile] = []
    env = _environment(file.parent / ".env", os.environ if environ is None else environ, files)
    source = _read(file, files, without)
    raw = _substituted(source, env)
    if not isinstance(raw, dict):
        source.say((), f"must be a mapping of sections, found {type(raw).__name__}")
        raise ConfigError(source.problems)
    _apply_environment(raw, env)
    every = _providers(source, raw.pop("providers", {})) if "providers" not in without else []
    providers = [settings for settings in every if settings.common.enabled]
    sections = _checked(source, Sections, raw, ())
    if sections is None or source.problems:
        raise ConfigError(source.problems)
    keys, skip = _client_keys(source, sections, env) if "auth" not in without else ((), False)
    _check_vault(source, sections)
    if source.problems:
        raise ConfigError(source.problems)
    sessions = _env_sessions(providers, env)
    disabled = tuple(settings for settings in every if not settings.common.enabled)
    return Config(file.absolute(), sections, tuple(providers), keys, skip, sessions, env, tuple(files), disabled)


def _environment(dotenv: Path, environ: Mapping[str, str], files: list[KeyFile]) -> dict[str, str]:
    """The environment over the `.env` file beside config.yaml. Raises ConfigError."""
    try:
        read = read_text(dotenv)
        found = read_env(read.text, environ)
    except NoFile:
        return dict(environ)
    except FileProblem as e:
        raise ConfigError([f"{dotenv}: {e}"]) from None
    files.append(KeyFile.of(dotenv, read.found, only_keys=True))
    return {**found, **environ}


def _read(file: Path, files: list[KeyFile], without: Collection[str]) -> _Source:
    """Raises ConfigError."""
    try:
        read = read_text(file)
        found = read_yaml(read.text)
    except NoFile:
        raise ConfigError(
            [f"{file}: there is no such file; give another with --config, or as GLASSGATE_CONFIG"]
        ) from None
    except FileProblem as e:
        raise ConfigError([f"{file}: {e}"]) from None
    except YamlProblem as e:
        raise ConfigError([f"{file}{f':{e.line}' if e.line else ''}: {e}"]) from None
    files.append(KeyFile.of(file, read.found, holds_keys=has_literal_keys(found.value)))
    value = found.value if found.value is not None else {}
    if isinstance(value, dict):
        value = {key: section for key, section in value.items() if key not in without}
    source = _Source(file, value, found.lines, files, without)
    for path in found.twice:
        source.say(path, "stands twice")
    return source


def _substituted(source: _Source, env: Mapping[str, str]) -> Any:
    """The file's value with `${NAME}` and `${NAME:-default}` replaced in every string. Raises ConfigError."""
    room = SUBSTITUTED_LIMIT

    def replace(value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {str(key): replace(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [replace(item, (*path, index)) for index, item in enumerate(value)]
        return insert(value, path) if isinstance(value, str) else value

    def insert(text: str, path: KeyPath) -> Any:
        nonlocal room
        missing: list[str] = []

        def one(name: str, default: str | None) -> str:
            nonlocal room
            value = env.get(name) or default
            if value is None:
                missing.append(name)
            room -= len(value or "")
            if room < 0:
                source.say(path, f"the values of the variables here are longer than {SUBSTITUTED_LIMIT // 1024} KB")
                raise ConfigError(source.problems)
            return value or ""

        result = substituted(text, one)
        if result != text:
            source.inserted.add(result)
        if missing and path[:2] == ("auth", "tokens") and path[-1] != "name":
            return ""  # a key that is not set is no key
        if missing:
            source.say(path, f"the environment variable {missing[0]} is not set (write ${{{missing[0]}:-default}})")
        return result

    return replace(source.value, ())


def _apply_environment(raw: dict[str, Any], env: Mapping[str, str]) -> None:
    """The variables of the original design stand over the file."""
    if level := env.get("LOG_LEVEL"):
        section = raw.get("log")
        raw["log"] = {**(section if isinstance(section, dict) else {}), "level": level}


def _checked[M: BaseModel](source: _Source, model: type[M], raw: Any, path: KeyPath) -> M | None:
    try:
        return model.model_validate(raw)
    except ValidationError as e:
        found = e.errors(include_url=False)
        for problem in found[:PROBLEMS_LIMIT]:
            at = (*path, *problem["loc"])
            said = _explained(problem["type"], problem["msg"], model, problem["loc"])
            found_there = problem.get("input")
            is_told = problem["type"] not in ("extra_forbidden", "missing") and source.tells(at, found_there)
            source.say(at, f"{said} (found {found_there!r})" if is_told else said)
        if len(found) > PROBLEMS_LIMIT:
            source.say(path, f"… and {len(found) - PROBLEMS_LIMIT} more problems")
        return None


def _explained(kind: str, message: str, model: type[BaseModel], loc: KeyPath) -> str:
    if kind == "extra_forbidden":
        known = _known_keys(model, loc)
        near = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"is not a key there. Known: {', '.join(known)}" if not hint else f"is not a key there{hint}"
    if kind == "missing":
        return "is missing"
    text = message.removeprefix("Value error, ")
    if kind.startswith("literal"):
        text = text.replace("Input should be", "must be one of")
    return text


def _known_keys(model: type[BaseModel], loc: KeyPath) -> list[str]:
    """The keys that may stand where an unknown one was found."""
    current: Any = model
    for part in loc[:-1]:
        if isinstance(part, str) and part in getattr(current, "model_fields", {}):
            current = current.model_fields[part].annotation
        args = getattr(current, "__args__", ())
        current = next((arg for arg in args if isinstance(arg, type) and issubclass(arg, BaseModel)), current)
    return sorted(getattr(current, "model_fields", {}))


def _providers(source: _Source, raw: Any) -> list[ProviderSettings]:
    if not isinstance(raw, dict) or not raw:
        source.say(("providers",), "at least one provider must be configured")
        return []
    found = [_provider(source, str(name), entry) for name, entry in raw.items()]
    return [settings for settings in found if settings is not None]


def _provider(source: _Source, name: str, raw: Any) -> ProviderSettings | None:
    path: KeyPath = ("providers", name)
    try:
        checked_name(name)
    except ValueError as e:
        source.say(path, str(e))
    if not isinstance(raw, dict):
        source.say(path, "must be a mapping with at least 'type' and 'accounts'")
        return None
    if raw.get("type") not in type_names():
        near = difflib.get_close_matches(str(raw.get("type")), type_names(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        allowed = ", ".join(type_names())
        at = (*path, "type")
        found = f" (found {raw.get('type')!r})" if source.tells(at, raw.get("type")) else ""
        source.say(at, f"must be one of {allowed}{found}{hint}")
        return None
    mine, theirs = split_provider(raw)
    common = _checked(source, ProviderCommon, mine, path)
    options: ProviderOptions | None = _checked(source, provider_class(raw["type"]).Options, theirs, path)
    return ProviderSettings(name, common, options) if common and options else None


def _client_keys(source: _Source, sections: Sections, env: Mapping[str, str]) -> tuple[tuple[ClientKey, ...], bool]:
    """The client keys, and whether none is wanted. What is wrong with them is said."""
    sources = KeySources(sections.auth, env, source.file.parent, source.files)
    keys = sources.keys()
    skip = sections.auth.skip or env.get("SKIP_AUTH_TOKEN", "").lower() in ("1", "true", "yes")
    for path, problem in sources.problems or exposure_problems(sections.listen.host, keys, skip):
        source.say(path, problem)
    return keys, skip


def _check_vault(source: _Source, sections: Sections) -> None:
    if sections.vault.key_source == "file" and sections.vault.key_file is None:
        source.say(("vault", "key_file"), "is needed with key_source: file")


def _env_sessions(providers: list[ProviderSettings], env: Mapping[str, str]) -> dict[tuple[str, str], SessionMaterial]:
    token = env.get("LONGCAT_PASSPORT_TOKEN")
    first = next((p for p in providers if p.common.type == "longcat"), None)
    if not token or first is None:
        return {}
    material = SessionMaterial(cookies={"passport_token_key": token})
    return {(first.name, first.common.accounts[0].name): material}


def _dotted(path: KeyPath) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
