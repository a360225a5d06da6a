"""What is kept of exchanges: recordings while that is on, and the count of unknown kinds in any case."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from addons.cleaning.cleaner import Cleaner
from addons.inspect.annotation import Annotation
from addons.recordings.archive import (
    Archive,
    RecordRules,
    Switch,
    describe_state,
    read_switch,
    recording_state,
    set_switch,
    write_switch,
)
from addons.recordings.drift import Drift
from addons.recordings.kept_files import ENDING
from addons.tasks import Background
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai

PROVIDERS: Any = {"zai": Zai("zai", ZaiOptions())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def archive(folder: Path, *, enabled: bool = True) -> Archive:
    rules = RecordRules(enabled, folder / "kept", 10, 10)
    return Archive(rules, folder / "record.json", Drift(folder / "drift.json"), Cleaner.knowing([]))


def flow(provider: str = "zai", part: str = "attempt") -> http.HTTPFlow:
    made = tflow.tflow(resp=True)
    Annotation("req_1", part, provider, "a", "m", outcome="ok", attempt=1).put_on(made)
    return made


def take(into: Archive, one: http.HTTPFlow, unknown: dict[str, int] | None = None) -> None:
    attempt: Any = None if unknown is None else SimpleNamespace(unknown=unknown)

    async def taken() -> None:
        into.keep(one, attempt, PROVIDERS, background := Background())
        await background.settle(60)

    asyncio.run(taken())


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "kept").glob(f"*{ENDING}")) if (folder / "kept").exists() else []


def test_an_attempt_is_kept_and_what_was_unknown_names_its_file(folder: Path) -> None:
    it = archive(folder)
    take(it, flow(), {"phase dreaming": 2})
    [name] = kept(folder)
    unknown_kind = it.drift.found["zai"]["phase dreaming"]
    assert (unknown_kind.count, unknown_kind.example) == (2, name)


def test_while_it_is_off_the_unknown_is_counted_all_the_same(folder: Path) -> None:
    it = archive(folder, enabled=False)
    take(it, flow(), {"phase dreaming": 2})
    assert kept(folder) == []
    assert it.drift.found["zai"]["phase dreaming"].example == "req_1"


@pytest.mark.parametrize("one", [tflow.tflow(resp=True), flow(part="local"), flow(provider="gone"), flow(provider="")])
def test_what_went_to_no_provider_is_not_kept(folder: Path, one: http.HTTPFlow) -> None:
    it = archive(folder)
    take(it, one, {"a": 1})
    assert (kept(folder), it.drift.found) == ([], {})


def test_a_preparing_call_is_kept_and_counts_nothing(folder: Path) -> None:
    it = archive(folder)
    take(it, flow(part="step"))
    assert len(kept(folder)) == 1
    assert it.drift.found == {}


def test_the_switch_goes_before_the_configuration(folder: Path) -> None:
    it = archive(folder)
    assert (it.recording, it.folder) == (True, folder / "kept")
    it.switch(enabled=False)
    assert (it.recording, it.folder) == (False, folder / "kept")
    set_switch(folder / "record.json", enabled=True, folder=folder / "other")
    assert not it.recording, "it is heeded when somebody looks"
    it.apply_switch()
    assert (it.recording, it.folder) == (True, folder / "other")


def test_a_look_that_changes_nothing_leaves_the_recorder_alone(folder: Path) -> None:
    it = archive(folder)
    before = it._recorder
    it.apply_switch()
    assert it._recorder is before


def test_one_that_the_disk_ended_begins_anew_when_it_is_switched_on(folder: Path) -> None:
    it = archive(folder)
    (folder / "kept").write_text("no folder")
    take(it, flow())
    it.apply_switch()
    assert not it.recording
    (folder / "kept").unlink()
    it.switch(enabled=True)
    take(it, flow())
    assert len(kept(folder)) == 1


def test_the_folder_stays_the_one_chosen_last(folder: Path) -> None:
    switch = folder / "record.json"
    set_switch(switch, enabled=True, folder=Path("/one"))
    set_switch(switch, enabled=False)
    assert read_switch(switch) == Switch(False, Path("/one"))
    set_switch(switch, enabled=True, folder=Path("/two"))
    assert recording_state(switch, enabled=False, folder=Path("/mine")) == (True, Path("/two"))


def test_without_a_switch_the_configuration_counts(folder: Path) -> None:
    switch = folder / "record.json"
    assert read_switch(switch) is None
    assert recording_state(switch, enabled=True, folder=Path("/mine")) == (True, Path("/mine"))
    write_switch(switch, Switch(True, None))
    assert recording_state(switch, enabled=False, folder=Path("/mine")) == (True, Path("/mine"))


@pytest.mark.parametrize("content", ["", "5", "[]", '{"enabled": ', '{"enabled":' * 5000])
def test_a_switch_that_is_none_says_nothing(folder: Path, content: str) -> None:
    (folder / "record.json").write_text(content)
    (folder / "record.json").chmod(0o600)
    assert read_switch(folder / "record.json") is None


@pytest.mark.parametrize("enabled", ["true", 1, None])
def test_only_true_switches_it_on(folder: Path, enabled: object) -> None:
    import json

    (folder / "record.json").write_text(json.dumps({"enabled": enabled}))
    (folder / "record.json").chmod(0o600)
    assert read_switch(folder / "record.json") == Switch(False, None)


def test_how_it_stands_in_words() -> None:
    assert describe_state(enabled=True, folder=Path("/x")) == "recording is on; files go to /x"
    assert describe_state(enabled=False, folder=Path("/x")) == "recording is off"
