"""The sources of client keys: config.yaml, the environment, the tokens file; and each key's name in the log."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.config.client_keys import ENVIRONMENT_NAME, ClientKey, name_by_hash
from addons.config.file_reading import FileProblem, NoFile, read_text
from addons.config.key_files import KeyFile
from addons.config.names import checked_name
from addons.config.schema import Auth
from addons.config.yaml_reading import KeyPath
from addons.keys.limits import NO_LIMITS, KeyLimits, limits_written

MOST_KEYS: Final = 1000
_KEY_LINE: Final = re.compile(r"(\S+)(?:\s+#\s*(.*))?")
"""A line of the tokens file: a key, which holds no white space, and behind it as a comment its name and limits."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One key as configured. `usual` names it where nobody gave it a name."""

    path: KeyPath
    source: str
    token: str = field(repr=False)
    name: str | None = None
    usual: str | None = None
    limits: KeyLimits = NO_LIMITS


@dataclass(slots=True)
class KeySources:
    """Reads the keys. `folder` is config.yaml's. `problems` collects what is wrong: place in config.yaml and a
    sentence."""

    auth: Auth
    env: Mapping[str, str]
    folder: Path
    files: list[KeyFile] = field(default_factory=list)
    """The tokens file joins them."""
    problems: list[tuple[KeyPath, str]] = field(default_factory=list)

    def keys(self) -> tuple[ClientKey, ...]:
        """Every key once, in order of config.yaml, AUTH_TOKEN, tokens file. No two have the same name."""
        found: dict[str, _Entry] = {}
        for entry in self._entries():
            before = found.get(entry.token)
            found[entry.token] = self._one(before, entry) if before else entry
        if len(found) > MOST_KEYS:  # each is compared with what any stranger shows, and named in its time
            self._report(("auth", "tokens"), f"at most {MOST_KEYS} client keys can be configured, not {len(found)}")
        if self.problems:
            return ()
        keys = [ClientKey(_name(entry), entry.token, entry.source, entry.limits) for entry in found.values()]
        names = [key.name for key in keys]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            where = " and ".join(key.source for key in keys if key.name == name)
            self._report(("auth", "tokens"), f"two keys are named {name!r} ({where}); name one of them otherwise")
        return tuple(keys)

    def _entries(self) -> Iterator[_Entry]:
        for index, token in enumerate(self.auth.tokens):
            if token.key:
                source = f"auth.tokens[{index}]"
                yield self._checked(
                    _Entry(("auth", "tokens", index), source, token.key, token.name, limits=token.limits)
                )
        if own := self.env.get("AUTH_TOKEN"):
            yield self._checked(_Entry(("auth", "tokens"), "AUTH_TOKEN", own, usual=ENVIRONMENT_NAME))
        file = self.env.get("AUTH_TOKENS_FILE") or self.auth.tokens_file
        if file:
            yield from self._in_file(self.folder / Path(file))

    def _in_file(self, file: Path) -> Iterator[_Entry]:
        path: KeyPath = ("auth", "tokens_file")
        try:
            read = read_text(file)
        except FileProblem as e:
            self._report(path, f"{file} cannot be read: {e}" if isinstance(e, NoFile) else f"{file} {e}")
            return
        self.files.append(KeyFile.of(file, read.found, only_keys=True))
        for number, line in enumerate(map(str.strip, read.text.splitlines()), 1):
            if not line or line.startswith("#"):
                continue
            source = f"{file.name}:{number}"
            key = _KEY_LINE.fullmatch(line)
            if key is None:
                self._report(path, f"{source}: a line is one key, which holds no white space, and may end in '# name'")
                continue
            named, *limits = (key[2] or "").split() or [""]
            if not all("=" in word for word in limits):
                named = key[2]
            try:
                name = checked_name(named) if named else None
            except ValueError as e:
                self._report(path, f"{source}: the name behind the key {e}")
                continue
            try:
                yield self._checked(_Entry(path, source, key[1], name, limits=_limits_of(limits)))
            except ValueError as e:
                self._report(path, f"{source}: {e}")

    def _checked(self, entry: _Entry) -> _Entry:
        if entry.name == entry.token:
            self._report(entry.path, f"{entry.source}: a key's name must not be the key itself: names stand in the log")
        if not entry.token.isprintable():
            self._report(entry.path, f"{entry.source}: the key holds a character that no request can carry")
        return entry

    def _one(self, first: _Entry, second: _Entry) -> _Entry:
        """The one key of two entries that hold the same."""
        if first.name and second.name and first.name != second.name:
            self._report(second.path, f"one key is named {first.name!r} ({first.source}) and {second.name!r}")
        if NO_LIMITS not in (first.limits, second.limits) and first.limits != second.limits:
            self._report(second.path, f"one key has other limits in {first.source} than in {second.source}")
        name, usual = first.name or second.name, first.usual or second.usual
        limits = second.limits if first.limits == NO_LIMITS else first.limits
        return _Entry(first.path, first.source, first.token, name, usual, limits)

    def _report(self, path: KeyPath, what: str) -> None:
        self.problems.append((path, what))


def _limits_of(words: Sequence[str]) -> KeyLimits:
    """The limits of `rpm=30 models=GLM-*,qwen-*`. Raises ValueError."""
    written = dict[str, str]()
    for name, _, value in (word.partition("=") for word in words):
        if name in written:
            raise ValueError("behind a key's name stand limits, each once, such as rpm=30 models=GLM-*,qwen-*")
        written[name] = value
    for name, value in written.items():
        try:
            limits_written({name: value})
        except ValueError as e:
            raise ValueError(f"{name[:40]!r} behind the name: {e}") from None
    return limits_written(written)


def _name(entry: _Entry) -> str:
    return entry.name or entry.usual or name_by_hash(entry.token)
