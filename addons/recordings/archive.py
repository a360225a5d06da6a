"""The archive: recordings of exchanges while that is on, and the count of unknown kinds."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mitmproxy import http

from addons.cleaning.cleaner import Cleaner
from addons.exchange.attempt import Attempt
from addons.exchange.observer import Observer
from addons.exchange.outcome import AttemptRecord, Outcome
from addons.inspect.annotation import annotation_of, size_of
from addons.recordings.backlog import Backlog
from addons.recordings.drift import Drift
from addons.recordings.recorder import Recorder
from addons.recordings.recording import RecordingSource, recording_of
from addons.tasks import Background
from addons.vault.small_files import read_small, write_small
from providers.contract.provider import AnyProvider

SWITCH_NAME: Final = "record.json"
"""Beside the vault: `glassgate record on` writes it, a running gateway looks."""
_SWITCH_BYTES: Final = 16 * 1024
_PATH_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True)
class RecordRules:
    """The folder of recordings and its limits. `enabled` is config.yaml's word; the switch goes before it."""

    enabled: bool
    folder: Path
    max_mb: float
    max_days: float


class Archive:
    """The recorder and the drift count of the configuration in force. `cleaner` takes out what must never be kept."""

    def __init__(self, rules: RecordRules, switch: Path, drift: Drift, cleaner: Cleaner) -> None:
        self.drift = drift
        self._rules = rules
        self._switch = switch
        self._cleaner = cleaner
        self._recorder: Recorder | None = None
        self._backlog = Backlog("recordings", self._write, self._count)
        self.apply_switch()

    @property
    def recording(self) -> bool:
        return self._recorder is not None and not self._recorder.broken

    @property
    def folder(self) -> Path:
        """The folder recordings go to."""
        return self._recorder.folder if self._recorder else self._rules.folder

    def switch(self, *, enabled: bool) -> None:
        """Switches recording, as `glassgate record` does. Raises OSError."""
        set_switch(self._switch, enabled=enabled)
        if enabled and self._recorder is not None and self._recorder.broken:
            self._recorder = None  # the disk may take it now
        self.apply_switch()

    def apply_switch(self) -> None:
        """Starts or stops recording as the switch file says now."""
        enabled, folder = recording_state(self._switch, enabled=self._rules.enabled, folder=self._rules.folder)
        if not enabled:
            self._recorder = None
        elif self._recorder is None or self._recorder.folder != folder:
            self._recorder = Recorder(folder, self._rules.max_mb, self._rules.max_days)

    def keep(
        self,
        flow: http.HTTPFlow,
        attempt: Attempt | None,
        providers: Mapping[str, AnyProvider],
        background: Background,
    ) -> None:
        """Takes an attempt or a preparing call that is over: it is recorded soon, and what was unknown is counted."""
        recorder = self._recorder if self.recording else None
        unknown = attempt.unknown if attempt is not None else {}
        if recorder is not None or unknown:
            over = _Over(flow, providers, unknown, recorder)
            self._backlog.add(over, size_of(flow) if recorder is not None else 0, background)

    def _write(self, over: "_Over") -> None:
        """Records it where it is to be recorded. Blocks."""
        flow = over.flow
        annotation = annotation_of(flow)
        provider = over.providers.get(annotation.provider) if annotation is not None else None
        if annotation is None or provider is None or annotation.part == "local":
            return
        over.type_name, over.example = provider.type_name, annotation.request_id
        if over.recorder is not None:
            source = RecordingSource(annotation, provider.type_name, clean=self._cleaner.text)
            path = over.recorder.write(recording_of(flow, source), annotation.request_id, annotation.attempt)
            over.example = path.name if path is not None else over.example

    def _count(self, over: "_Over") -> None:
        if over.type_name and over.unknown:
            unknown = {self._cleaner.words(kind): count for kind, count in over.unknown.items()}
            self.drift.count(over.type_name, unknown, int(time.time()), over.example)


@dataclass(slots=True)
class _Over:
    """An attempt or a preparing call that is over."""

    flow: http.HTTPFlow
    providers: Mapping[str, AnyProvider]
    unknown: Mapping[str, int]
    recorder: Recorder | None
    """Where it is to be recorded."""
    type_name: str = ""
    """The provider's, once it is known."""
    example: str = ""
    """What a count of unknown kinds names: the recording's file, else the request."""


@dataclass(frozen=True, slots=True)
class ArchiveKeeper(Observer):
    """Hands each attempt that was made to the archive, with its flow as it is kept; `keep` finds the one in force."""

    keep: Callable[[http.HTTPFlow, Attempt | None], None]

    async def attempted(self, record: AttemptRecord) -> None:
        if record.flow is not None:
            self.keep(record.flow, record.attempt)

    async def ended(self, outcome: Outcome) -> None:
        if outcome.flow is not None and (last := outcome.last) is not None:
            self.keep(outcome.flow, last.attempt)


@dataclass(frozen=True, slots=True)
class Switch:
    """The state that `glassgate record` wrote."""

    enabled: bool
    folder: Path | None


def read_switch(path: Path) -> Switch | None:
    """The switch as it was written last; None when there is none that can be trusted and read."""
    try:
        value = json.loads(read_small(path, _SWITCH_BYTES) or b"")
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return Switch(value.get("enabled") is True, _folder(value.get("folder")))


def recording_state(switch: Path, *, enabled: bool, folder: Path) -> tuple[bool, Path]:
    """Whether exchanges are recorded, and the folder; `enabled` and `folder` are config.yaml's words."""
    state = read_switch(switch)
    return (enabled, folder) if state is None else (state.enabled, state.folder or folder)


def set_switch(switch: Path, *, enabled: bool, folder: Path | None = None) -> None:
    """Switches recording; the folder stays the one chosen last unless one is given. Raises OSError."""
    before = read_switch(switch)
    write_switch(switch, Switch(enabled, folder or (before.folder if before else None)))


def describe_state(*, enabled: bool, folder: Path) -> str:
    """One line about the state of recording, for people."""
    return f"recording is on; files go to {folder}" if enabled else "recording is off"


def write_switch(path: Path, switch: Switch) -> None:
    """Writes the switch file. Raises OSError."""
    folder = str(switch.folder) if switch.folder else None
    write_small(path, json.dumps({"enabled": switch.enabled, "folder": folder}).encode())


def _folder(value: object) -> Path | None:
    """The folder the switch names: absolute, without detours; else None, and config.yaml's is used."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > _PATH_LIMIT:
        return None
    path = Path(value)
    return path if path.is_absolute() and ".." not in path.parts else None
