"""The loader: config.yaml, .env and the environment as a Config, or exactly what is wrong where.

All problems are told at once: file, line, key, what was found (never the value of a secret), what is allowed.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeGuard

from pydantic import BaseModel, ValidationError

from addons.config.client_keys import ClientKey
from addons.config.config_words import ABSENT, Mistake, mistakes, without_repeats
from addons.config.configuration import Config, ProviderSettings
from addons.config.env_file import read_env
from addons.config.exposure import exposure_problems, has_literal_keys
from addons.config.file_reading import FileProblem, IsFolder, NoFile, read_text
from addons.config.key_files import KeyFile
from addons.config.key_sources import KeySources
from addons.config.names import checked_name, is_name
from addons.config.provider_keys import AccountSettings, LoginCredentials, ProviderCommon, split_provider
from addons.config.schema import Sections
from addons.config.secret_looks import looks_secret
from addons.config.session_lines import VARIABLE, describe_odd, read_session_lines
from addons.config.told_keys import placed
from addons.config.variables import substituted
from addons.config.yaml_reading import KeyPath, YamlProblem, read_texts
from addons.keys.store import keys_path
from addons.words.commands import command
from addons.words.near import near
from addons.words.shown import shown
from providers.contract.session import Credentials
from providers.registry import preset_types, provider_class, type_names

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
class _ConfigFile:
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
    unset: set[KeyPath] = field(default_factory=set)
    """Where a variable stands that is not set: whatever else is wrong there follows from it."""
    unset_keys: list[str] = field(default_factory=list)
    """The variables that client keys are to come from, and that are not set."""

    def may_repeat(self, path: KeyPath, found: Any) -> bool:
        """Whether the value found at `path` may be repeated to people."""
        if not isinstance(found, str) or found in self.inserted or any(_SECRET_KEYS.search(str(p)) for p in path):
            return False
        return _TOLD.fullmatch(found) is not None and not looks_secret(found)

    def report_mistakes(self, path: KeyPath, found: list[Mistake]) -> None:
        """Adds the mistakes in the value at `path` to the problems."""
        for mistake in without_repeats(found):
            at = (*path, *mistake.path)
            if at in self.unset:
                continue
            words = mistake.words
            if mistake.found is not ABSENT and self.may_repeat(at, mistake.found):
                words += f" (found {str(mistake.found)!r})"
            if mistake.meant and mistake.found not in self.inserted and not looks_secret(mistake.meant):
                words += f"; did you mean {mistake.meant!r}?"
            self.report(at, words)

    def report(self, path: KeyPath, what: str) -> None:
        if path and path[0] in self.without:
            return
        words = placed(self.file, self.lines, path, what)
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
        kind = "a list" if isinstance(raw, list) else "one text"
        source.report((), f"must be a mapping of sections, such as 'listen: {{port: 8080}}', and is {kind}")
        raise ConfigError(source.problems)
    _apply_environment(raw, env)
    named = raw.pop("providers", {})
    found = _providers(source, named) if "providers" not in without else []
    providers = [settings for settings in found if settings.common.enabled]
    sections, wrong = _validated(Sections, raw, ("providers",))
    source.report_mistakes((), wrong)
    if sections is None or source.problems:
        raise ConfigError(source.problems)
    keys, skip = _client_keys(source, sections, env) if "auth" not in without else ((), False)
    _check_vault(source, sections)
    if source.problems:
        raise ConfigError(source.problems)
    lacking = [name for name in source.unset_keys if name != "AUTH_TOKEN"]  # that one is there by default
    notes = [f"auth.tokens: {name} is not set, so that its entry is no key" for name in lacking if not skip]
    sessions = _env_sessions(providers, env)
    if "providers" not in without:
        sessions |= _sessions_of_file(providers, env, source, notes)
    return Config(
        file.absolute(),
        sections,
        tuple(providers),
        keys,
        skip,
        sessions,
        env,
        tuple(files),
        tuple(settings for settings in found if not settings.common.enabled),
        source.lines,
        tuple(notes),
        _has_managed_keys(file, sections),
    )


def _environment(dotenv: Path, environ: Mapping[str, str], files: list[KeyFile]) -> dict[str, str]:
    """The environment, put over the `.env` file beside config.yaml. Raises ConfigError."""
    try:
        read = read_text(dotenv)
        found = read_env(read.text, environ)
    except NoFile:
        return dict(environ)
    except FileProblem as e:
        raise ConfigError([f"{dotenv}: {e}"]) from None
    files.append(KeyFile.of(dotenv, read.found, only_keys=True))
    return {**found, **environ}


def _read(file: Path, files: list[KeyFile], without: Collection[str]) -> _ConfigFile:
    """The parsed config.yaml. Raises ConfigError."""
    try:
        read = read_text(file)
        found = read_texts(read.text)
    except NoFile:
        raise ConfigError(
            [f"{file}: there is no such file; give another with --config, or as GLASSGATE_CONFIG"]
        ) from None
    except IsFolder:
        raise ConfigError([f"{file}: is a folder; name the file in it: --config {file / 'config.yaml'}"]) from None
    except FileProblem as e:
        raise ConfigError([f"{file}: {e}"]) from None
    except YamlProblem as e:
        raise ConfigError([f"{file}{f':{e.line}' if e.line else ''}: {e}"]) from None
    files.append(KeyFile.of(file, read.found, holds_keys=has_literal_keys(found.value)))
    value = found.value or {}
    if isinstance(value, dict):
        value = {key: section for key, section in value.items() if key not in without}
    source = _ConfigFile(file, value, found.lines, files, without)
    for path, line in found.twice.items():
        if not any(path[:n] in found.twice for n in range(1, len(path))):
            source.report(path, f"stands twice, first in line {line}; put both together, or remove one")
    return source


def _substituted(source: _ConfigFile, env: Mapping[str, str]) -> Any:
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
                source.report(path, f"the values of the variables here are longer than {SUBSTITUTED_LIMIT // 1024} KB")
                raise ConfigError(source.problems)
            return value or ""

        result = substituted(text, one)
        if result == text:
            return text  # as it was read: it may be Nothing
        source.inserted.add(result)
        if missing and path[:2] == ("auth", "tokens") and path[-1] != "name":
            source.unset_keys += missing
            return ""  # a key that is not set is no key
        if missing:
            source.unset.add(path)
            name = missing[0]
            where = f"set it, or write {name}=… into {source.file.parent / '.env'}, or give a default: ${{{name}:-…}}"
            source.report(path, f"the environment variable {name} is not set; {where}")
        return result

    return replace(source.value, ())


def _apply_environment(raw: dict[str, Any], env: Mapping[str, str]) -> None:
    """Puts the variables of the original design over the file's values."""
    if level := env.get("LOG_LEVEL"):
        section = raw.get("log")
        raw["log"] = {**(section if isinstance(section, dict) else {}), "level": level}


def _validated[M: BaseModel](model: type[M], raw: Any, more: Sequence[str] = ()) -> tuple[M | None, list[Mistake]]:
    """`raw` as `model`, or its mistakes. `more` are keys that may stand beside the model's own."""
    try:
        return model.model_validate(raw), []
    except ValidationError as e:
        return None, mistakes(e, model, raw, more)


def _providers(source: _ConfigFile, raw: Any) -> list[ProviderSettings]:
    """The settings of all providers, those switched off too."""
    example = "providers: {NAME: {type: openai_compatible, preset: deepseek, accounts: [main]}}"
    if isinstance(raw, dict) and raw:
        found = [_provider(source, str(name), entry) for name, entry in raw.items()]
        return [settings for settings in found if settings is not None]
    mistake = (
        "at least one provider must be configured" if not raw else "must be a table: the name of each, then its keys"
    )
    source.report(("providers",), f"{mistake}, such as {example}")
    return []


def _provider(source: _ConfigFile, name: str, raw: Any) -> ProviderSettings | None:
    path: KeyPath = ("providers", name)
    try:
        checked_name(name)
    except ValueError as e:
        source.report(path, f"the provider's name {e}")
    if not isinstance(raw, dict):
        source.report(path, "must be a mapping with at least 'type' and 'accounts': {type: zai, accounts: [main]}")
        return None
    type_name = raw.get("type")
    if not isinstance(type_name, str) or type_name not in type_names():
        source.report_mistakes(path, [_type_mistake(raw)])
        return None
    mine, theirs = split_provider(raw)
    options_model = provider_class(type_name).Options
    common, found = _validated(ProviderCommon, mine)
    options, more = _validated(options_model, theirs, tuple(ProviderCommon.model_fields))
    source.report_mistakes(path, [_vault_hint(source, name, raw, each) for each in (*found, *more)])
    return ProviderSettings(name, common, options) if common and options else None


def _type_mistake(raw: Mapping[str, Any]) -> Mistake:
    """The mistake in a provider's type."""
    allowed, found = ", ".join(type_names()), raw.get("type")
    if "type" not in raw:
        misspelt = next((key for key in raw if near(key, ("type", *ProviderCommon.model_fields)) == "type"), None)
        if misspelt is not None:
            return Mistake((misspelt,), "is not a key there", meant="type", unknown="type")
        return Mistake(("type",), f"is missing; write one of {allowed}")
    said = str(found).casefold()
    if (of_type := preset_types().get(said)) is not None:
        return Mistake(("type",), f"is not a type but a preset; write type: {of_type}, preset: {said}")
    return Mistake(("type",), f"must be one of {allowed}", found, near(said, type_names()) or "")


_VAULT_HINTS: Final = re.compile(r"(?i)(?:api|access|secret|auth)?[_-]?(?:keys?|tokens?|secret|cookies?|authorization)")


def _vault_hint(source: _ConfigFile, provider: str, raw: Mapping[str, Any], mistake: Mistake) -> Mistake:
    """The mistake with a hint where a secret belongs, for a key that would hold one. The value is never looked at."""
    key = str(mistake.path[-1]) if mistake.path else ""
    if mistake.unknown and key in LoginCredentials.model_fields and "accounts" in mistake.path:
        return Mistake(mistake.path, 'belongs under credentials: {email: "${NAME}", password: "${OTHER}"}')
    if not mistake.unknown or not _VAULT_HINTS.fullmatch(key):
        return mistake
    accounts = raw.get("accounts")
    index = mistake.path[1] if len(mistake.path) > 1 and isinstance(mistake.path[1], int) else 0
    entry = accounts[index] if isinstance(accounts, list) and index < len(accounts) else accounts
    account = entry.get("name") if isinstance(entry, dict) else entry
    names = (provider if _is_public(provider) else "PROVIDER", account if _is_public(account) else "main")
    how = "--token-stdin" if provider_class(raw["type"]).web_session else "--api-key-stdin"
    line = command("sessions", "add", *names, how)
    return Mistake(mistake.path, f"keys belong into the vault, not into this file; remove the line, run: {line}")


def _is_public(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and is_name(name) and not looks_secret(name)


def _client_keys(source: _ConfigFile, sections: Sections, env: Mapping[str, str]) -> tuple[tuple[ClientKey, ...], bool]:
    """The client keys, and whether none is wanted. Mistakes in them are reported."""
    sources = KeySources(sections.auth, env, source.file.parent, source.files)
    keys = sources.keys()
    skip = sections.auth.skip or env.get("SKIP_AUTH_TOKEN", "").lower() in ("1", "true", "yes")
    for path, problem in sources.problems or exposure_problems(
        sections.listen.host,
        keys,
        skip,
        managed=_has_managed_keys(source.file, sections),
        unset=source.unset_keys,
    ):
        source.report(path, problem)
    return keys, skip


def _has_managed_keys(file: Path, sections: Sections) -> bool:
    return keys_path(file.parent / sections.vault.path).is_file()


def _check_vault(source: _ConfigFile, sections: Sections) -> None:
    if sections.vault.key_source == "file" and sections.vault.key_file is None:
        source.report(("vault", "key_file"), "is needed with key_source: file")


def _env_sessions(providers: list[ProviderSettings], env: Mapping[str, str]) -> dict[tuple[str, str], Credentials]:
    """Sessions that environment variables hold; one is of the first account of the first provider of its type."""
    firsts = {settings.common.type: settings for settings in reversed(providers)}
    found = {
        (first.name, first.common.accounts[0].name): provider_class(type_name).from_environment(env)
        for type_name, first in firsts.items()
    }
    return {account: credentials for account, credentials in found.items() if credentials is not None}


def _sessions_of_file(
    providers: list[ProviderSettings], env: Mapping[str, str], source: _ConfigFile, notes: list[str]
) -> dict[tuple[str, str], Credentials]:
    """The sessions of LONGCAT_TOKENS_FILE; each gets an account of the first longcat provider. Raises ConfigError."""
    named = env.get(VARIABLE)
    at = next((n for n, provider in enumerate(providers) if provider.common.type == "longcat"), None)
    if not named:
        return {}
    if at is None:
        notes.append(f"{VARIABLE} is set, but {source.file} has no provider of type longcat: its sessions are not used")
        return {}
    path = source.file.parent / named
    try:
        lines = read_session_lines(path)
    except FileProblem as e:
        verb = "cannot be read: " if isinstance(e, NoFile) else ""
        raise ConfigError([f"{VARIABLE}: {path} {verb}{e}"]) from None
    source.files.append(lines.file)
    if words := describe_odd(lines):
        notes.append(words)
    first = providers[at]
    taken = {account.name for account in first.common.accounts}
    own = {name: cookies for name, cookies in lines.cookies.items() if name not in taken}
    providers[at] = replace(first, from_file=tuple(AccountSettings(name=name) for name in own))
    return {(first.name, name): Credentials(cookies=cookies) for name, cookies in own.items()}
