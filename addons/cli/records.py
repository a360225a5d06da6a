"""`glassgate record`, `replay`, `cases`, `drift`: what was kept of exchanges, and reading it again."""

import asyncio
import json
import sys
import time
from pathlib import Path

import click

from addons.cli.base import Lazy, Problem
from addons.inspect.archive import SWITCH_NAME, Switch, write_switch
from addons.inspect.check import differences
from addons.inspect.drift import FILE_NAME, Drift
from addons.inspect.recorder import ENDING
from addons.inspect.recording import Recording, RecordingProblem, summary
from addons.inspect.standins import StandIns
from addons.setup import vault_path

_CASES = Path("tests/fixtures/cases")


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Instead of record.folder.")
@click.pass_obj
def record(lazy: Lazy, state: str, folder: Path | None) -> None:
    """Switch the recording of provider exchanges on or off; a running gateway heeds it within two seconds."""
    config = lazy.config()
    path = vault_path(config).with_name(SWITCH_NAME)
    chosen = folder.absolute() if folder else config.path(config.sections.record.folder)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_switch(path, Switch(state == "on", chosen if folder else None))
    except OSError as e:
        raise Problem(f"{path} cannot be written: {e.strerror}") from None
    click.echo(f"recording is {state}" + (f"; files go to {chosen}" if state == "on" else ""))


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Read the answers again with today's adapters and show what differs.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Times faster than recorded; 0: at once.")
@click.option("--port", type=int, default=0, help="Port to serve on; 0 takes a free one.")
def replay(files: tuple[Path, ...], check: bool, speed: float, port: int) -> None:
    """Serve recorded exchanges as a provider, or check that they are still read alike.

    Exit status with --check: 0 when nothing differs, 1 when something does or a file cannot be used.
    """
    recordings = [(path, _load(path, strict=not check)) for path in _spread(files)]
    if check:
        sys.exit(_check(recordings))
    from addons.inspect.replay_site import serve_recordings  # only serving needs the sites

    found = [recording for _, recording in recordings if isinstance(recording, Recording)]
    asyncio.run(
        serve_recordings(found, speed, port, lambda url: click.echo(f"serving {len(found)} recordings at {url}"))
    )


def _check(recordings: list[tuple[Path, Recording | RecordingProblem]]) -> int:
    bad = 0
    for path, recording in recordings:
        try:
            if isinstance(recording, RecordingProblem):
                raise recording
            diff = differences(recording)
        except RecordingProblem as problem:
            click.echo(f"{path.name}: cannot be checked: {problem}")
            bad += 1
            continue
        click.echo(f"{path.name}: {'is read alike' if not diff else 'is read differently'}")
        for line in diff:
            click.echo(f"    {line}")
        bad += bool(diff)
    return 1 if bad else 0


def _spread(files: tuple[Path, ...]) -> list[Path]:
    """The files; a folder stands for the recordings in it."""
    found: list[Path] = []
    for path in files:
        found += sorted(path.glob(f"*{ENDING}")) if path.is_dir() else [path]
    if not found:
        raise Problem("there is no recording there")
    return found


def _load(path: Path, *, strict: bool) -> Recording | RecordingProblem:
    try:
        return Recording.load(path.read_bytes(), path.name)
    except OSError as e:
        problem = RecordingProblem(f"{path} cannot be read: {e.strerror}")
    except RecordingProblem as e:
        problem = e
    if strict:
        raise Problem(str(problem))
    return problem


@click.group()
def cases() -> None:
    """Recordings kept as regression tests."""


@cases.command("add")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--name", help="The case's name; the file's own when not given.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=_CASES, show_default=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def add_case(file: Path, name: str | None, folder: Path, yes: bool) -> None:
    """Make a regression case of a recording, after showing what was replaced in it."""
    recording = _load(file, strict=True)
    assert isinstance(recording, Recording)
    try:
        diff = differences(recording)
    except RecordingProblem as problem:
        raise Problem(str(problem)) from None
    own = StandIns()
    clean = Recording.model_validate(own.value(recording.model_dump(mode="json")))
    click.echo(f"replaced in it: {summary(own.counts)}")
    click.echo(f"request: {clean.request.method} {clean.request.url}")
    click.echo(f"client:  {clean.client_request[:2000]}")
    if diff:
        click.echo("today's adapters read it differently than it was delivered then; the case will fail until they do:")
        click.echo("\n".join(f"    {line}" for line in diff))
    if not yes and not click.confirm("Keep it as a case? Its words will stand in the project."):
        raise Problem("nothing was kept")
    target = folder / f"{name or file.name.removesuffix(ENDING)}{ENDING}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as out:
            out.write(clean.dump())
    except FileExistsError:
        raise Problem(f"there is a case {target} already; give another --name") from None
    except OSError as e:
        raise Problem(f"{target} cannot be written: {e.strerror}") from None
    click.echo(f"kept as {target}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def drift(lazy: Lazy, as_json: bool) -> None:
    """What the adapters met and did not know: event kinds, phases, fields, codes, by provider."""
    found = Drift.load(vault_path(lazy.config()).with_name(FILE_NAME))
    if as_json:
        click.echo(json.dumps(found.plain()))
        return
    for provider, kinds in found.found.items():
        for kind, strange in sorted(kinds.items(), key=lambda entry: -entry[1].count):
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(strange.last))
            click.echo(f"{provider}  {kind}  {strange.count} times, last {when}, see {strange.example}")
    if not found.found:
        click.echo("nothing unknown was met")
