"""Reads config.yaml, .env and the environment into a Config, and says exactly what is wrong where.

All problems are told at once: file, line, key, what was found (never the value of a secret), what is allowed.
"""

import difflib
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
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
from addons.core.key_sources import KeyPath, KeySources
from addons.core.shown import shown
from providers.contract import LOOPBACK_HOSTS, ProviderOptions, SessionMaterial

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET_KEYS = re.compile(r"token|key|secret|password|cookie", re.IGNORECASE)
SHORTEST_TOKEN = 8
SHORTEST_OPEN_TOKEN = 32


class ConfigError(Exception):
    """The configuration cannot be used. The text lists every problem, one a line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = [shown(problem) for problem in problems]
        super().__init__("\n".join(self.problems))


@dataclass
class _Source:
    """The parsed file with the line of every key, and the problems found so far."""

    file: Path
    value: Any
    lines: dict[KeyPath, int]
    problems: list[str]
    without: Collection[str]
    """Sections that nobody needs now."""

    def say(self, path: KeyPath, what: str) -> None:
        if path and path[0] in self.without:
            return
        line = next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)
        where = f"{self.file}:{line}" if line else str(self.file)
        key = _dotted(path)
        self.problems.append(f"{where}: {key}: {what}" if key else f"{where}: {what}")


def load_config(file: Path, environ: Mapping[str, str] | None = None, *, without: Collection[str] = ()) -> Config:
    """The configuration. Raises ConfigError.

    `without` names sections that are not needed: they are not looked at, and nothing in them can be wrong.
    """
    env = _environment(file, os.environ if environ is None else environ)
    source = _read(file, without)
    raw = _substituted(source, env)
    if not isinstance(raw, dict):
        source.say((), f"must be a mapping of sections, found {type(raw).__name__}")
        raise ConfigError(source.problems)
    _apply_environment(raw, env)
    providers = _providers(source, raw.pop("providers", {})) if "providers" not in without else []
    sections = _checked(source, Sections, raw, ())
    if sections is None or source.problems:
        raise ConfigError(source.problems)
    keys, skip = _client_keys(source, sections, env) if "auth" not in without else ((), False)
    _check_vault(source, sections)
    if source.problems:
        raise ConfigError(source.problems)
    return Config(file.absolute(), sections, tuple(providers), keys, skip, _env_sessions(providers, env), env)


def _environment(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment over the `.env` file beside config.yaml."""
    dotenv = file.parent / ".env"
    found = (
        {key: value for key, value in dotenv_values(dotenv).items() if value is not None} if dotenv.is_file() else {}
    )
    return {**found, **environ}


def _read(file: Path, without: Collection[str]) -> _Source:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([f"{file}: there is no such file; give another with --config"]) from None
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError([f"{file}: cannot be read: {e}"]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError([f"{file}{line}: is not valid YAML: {getattr(e, 'problem', None) or e}"]) from None
    if isinstance(value, dict):
        value = {key: section for key, section in value.items() if key not in without}
    source = _Source(file, value if value is not None else {}, {}, [], without)
    if node is not None:
        _note_lines(source, node, ())
    return source


def _note_lines(source: _Source, node: yaml.Node, path: KeyPath) -> None:
    source.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            if inner in source.lines:
                source.say(inner, "stands twice")
            source.lines[inner] = key.start_mark.line + 1
            _note_lines(source, value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(source, value, (*path, index))


def _substituted(source: _Source, env: Mapping[str, str]) -> Any:
    """The file's value with `${NAME}` and `${NAME:-default}` replaced in every string."""

    def replace(value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {str(key): replace(item, (*path, str(key))) for key, item in value.items()}
        if isinstance(value, list):
            return [replace(item, (*path, index)) for index, item in enumerate(value)]
        return insert(value, path) if isinstance(value, str) else value

    def insert(text: str, path: KeyPath) -> Any:
        missing: list[str] = []

        def one(found: re.Match[str]) -> str:
            value = env.get(found[1]) or found[2]
            if value is None:
                missing.append(found[1])
            return value or ""

        result = _VARIABLE.sub(one, text)
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
        for problem in e.errors(include_url=False):
            at = (*path, *problem["loc"])
            source.say(at, _explained(problem["type"], problem["msg"], at, problem.get("input"), model, problem["loc"]))
        return None


def _explained(kind: str, message: str, path: KeyPath, found: Any, model: type[BaseModel], loc: KeyPath) -> str:
    if kind == "extra_forbidden":
        known = _known_keys(model, loc)
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"is not a key there{hint} Known: {', '.join(known)}" if not hint else f"is not a key there{hint}"
    if kind == "missing":
        return "is missing"
    text = message.removeprefix("Value error, ")
    if kind.startswith("literal"):
        text = text.replace("Input should be", "must be one of")
    if isinstance(found, dict | list) or any(_SECRET_KEYS.search(str(part)) for part in path):
        return text
    return f"{text} (found {found!r})"


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
    return [settings for settings in found if settings is not None and settings.common.enabled]


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
        source.say((*path, "type"), f"must be one of {allowed} (found {raw.get('type')!r}){hint}")
        return None
    mine, theirs = split_provider(raw)
    common = _checked(source, ProviderCommon, mine, path)
    options: ProviderOptions | None = _checked(source, provider_class(raw["type"]).Options, theirs, path)
    return ProviderSettings(name, common, options) if common and options else None


def _client_keys(source: _Source, sections: Sections, env: Mapping[str, str]) -> tuple[tuple[ClientKey, ...], bool]:
    """The client keys, and whether none is wanted. What is wrong with them is said."""
    sources = KeySources(sections.auth, env, source.file.parent)
    keys = sources.keys()
    skip = sections.auth.skip or env.get("SKIP_AUTH_TOKEN", "").lower() in ("1", "true", "yes")
    for path, problem in sources.problems or exposure_problems(sections.listen.host, keys, skip):
        source.say(path, problem)
    return keys, skip


def exposure_problems(host: str, keys: Sequence[ClientKey], skip: bool) -> list[tuple[KeyPath, str]]:
    """What is too open about listening on `host` with these client keys; (key of config.yaml, sentence) each."""
    is_loopback = host in LOOPBACK_HOSTS
    found: list[tuple[KeyPath, str]] = []
    if skip and not is_loopback:
        found.append((("auth", "skip"), f"works only when the listener is loopback, not on {host or 'all addresses'}"))
    if not keys and not skip:
        advice = "set AUTH_TOKEN, or list keys here (glassgate keygen --client makes one)"
        found.append((("auth", "tokens"), f"no client key is configured: {advice}"))
    for key in keys:
        which = f"the key {key.name!r} ({key.source})"
        if len(key.token) < SHORTEST_TOKEN:
            found.append((("auth", "tokens"), f"{which} is shorter than {SHORTEST_TOKEN} characters"))
        elif not is_loopback and len(key.token.encode()) < SHORTEST_OPEN_TOKEN:
            what = f"beyond loopback every key needs at least {SHORTEST_OPEN_TOKEN} bytes; {which} is shorter"
            found.append((("listen", "host"), what))
    return found


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
