"""`glassgate record`, `replay`, `cases`, `drift`: what was kept of exchanges, and reading it again."""

import asyncio
import sys
import time
from pathlib import Path

import click

from addons.app.configured_vault import vault_path
from addons.cli.base import CliContext, Problem, out, out_json
from addons.config.providers import make_providers
from addons.importing.contents import ImportProblem
from addons.importing.exchanges import read_exchanges
from addons.recordings.archive import SWITCH_NAME, describe_state, recording_state, set_switch
from addons.recordings.cases import FOLDER, Case, case_of, keep
from addons.recordings.check import delivered_lines, differences
from addons.recordings.drift import FILE_NAME, Drift
from addons.recordings.foreign import Imported, import_recordings
from addons.recordings.kept_files import ENDING
from addons.recordings.recorder import Recorder
from addons.recordings.recording import Recording, RecordingProblem
from addons.recordings.session_file import read_recordings, session_case, sessions_in
from addons.words.shown import shown
from addons.words.table import table


@click.command()
@click.argument("what", type=click.Choice(["status", "on", "off", "import"]), default="status")
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where files go; kept for later.")
@click.pass_obj
def record(cli: CliContext, what: str, files: tuple[Path, ...], folder: Path | None) -> None:
    """How the recording of provider exchanges stands. `on` and `off` switch it; a running gateway heeds that within
    two seconds. The folder stays the one chosen last.

    `import FILES` makes recordings of the chats in a browser's HAR or a flow file of mitmproxy.
    """
    config = cli.config()
    rules, switch = config.sections.record, vault_path(config).with_name(SWITCH_NAME)
    if what == "import":
        if not files:
            raise Problem("name the HAR or flow files to import")
        chosen = folder.absolute() if folder else config.path(rules.folder)
        for file in files:
            _import(cli, file, Recorder(chosen, rules.max_mb, rules.max_days))
        return
    if files:
        raise Problem(f"`record {what}` takes no files; `record import` does")
    if what == "status" and folder is not None:
        raise Problem("--folder is chosen with `record on`, `record off` or `record import`")
    if what != "status":
        try:
            set_switch(switch, enabled=what == "on", folder=folder.absolute() if folder else None)
        except OSError as e:
            raise Problem(f"{switch} cannot be written: {e.strerror or e}") from None
    enabled, there = recording_state(switch, enabled=rules.enabled, folder=config.path(rules.folder))
    out(describe_state(enabled=enabled, folder=there))


def _import(cli: CliContext, file: Path, recorder: Recorder) -> None:
    """Raises Problem."""
    for number, recording in enumerate(_chats(cli, file), start=1):
        path = recorder.write(recording, f"{file.stem}-{number}"[-8:], number)
        if path is None:
            raise Problem(f"{recorder.folder} cannot be written")
        out(f"{recording.provider} {recording.model}: {recording.outcome}; kept as {path}")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Read the answers again with today's adapters and show what differs.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Times faster than recorded; 0: at once.")
@click.option("--port", type=int, default=0, help="Port to serve on; 0 takes a free one.")
def replay(files: tuple[Path, ...], check: bool, speed: float, port: int) -> None:
    """Serve recorded exchanges as a provider, or check that they are still read alike.

    Exit status with --check: 0 when nothing differs, 1 when something does or a file cannot be used.
    """
    if check:
        sys.exit(_check([(name, one) for path in _spread(files) for name, one in _named(path)]))
    from addons.recordings.replay_site import serve_recordings  # only serving needs the sites

    found = load_recordings(files)
    many = f"{len(found)} recording{'' if len(found) == 1 else 's'}"
    asyncio.run(serve_recordings(found, speed, port, lambda url: out(f"serving {many} at {url}")))


def load_recordings(files: tuple[Path, ...]) -> list[Recording]:
    """All recordings in files and folders. Raises Problem when one cannot be used."""
    return [recording for path in _spread(files) for recording in _load(path)]


def _named(path: Path) -> list[tuple[str, Recording | RecordingProblem]]:
    """The recordings of a file by a name for each, or why it cannot be used."""
    try:
        found = _read(path)
    except RecordingProblem as problem:
        return [(path.name, problem)]
    if len(found) == 1:
        return [(path.name, found[0])]
    return [(f"{path.name}, exchange {number}", one) for number, one in enumerate(found, start=1)]


def _check(recordings: list[tuple[str, Recording | RecordingProblem]]) -> int:
    bad = 0
    for name, recording in recordings:
        try:
            if isinstance(recording, RecordingProblem):
                raise recording
            diff = differences(recording)
        except RecordingProblem as problem:
            out(f"{name}: cannot be checked: {problem}")
            bad += 1
            continue
        out(f"{name}: {'is read alike' if not diff else 'is read differently'}")
        for line in diff:
            out(f"    {line}")
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


def _read(path: Path) -> tuple[Recording, ...]:
    """Raises RecordingProblem."""
    try:
        return read_recordings(path.read_bytes(), path.name)
    except OSError as e:
        raise RecordingProblem(f"{path} cannot be read: {e.strerror}") from None


def _load(path: Path) -> tuple[Recording, ...]:
    """Raises Problem."""
    try:
        return _read(path)
    except RecordingProblem as problem:
        raise Problem(str(problem)) from None


@click.group()
def cases() -> None:
    """Recordings kept as regression tests."""


@cases.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--session", help="The session that becomes one case, of a folder of recordings (as in the flow list).")
@click.option("--name", help="The case's name; the file's own when not given.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=FOLDER, show_default=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def add_case(cli: CliContext, file: Path, session: str | None, name: str | None, folder: Path, yes: bool) -> None:
    """Make a regression case of a recording, after showing what was replaced in it.

    FILE may also be a browser's HAR or a flow file of mitmproxy: each chat in it becomes a case. Of a folder of
    recordings the exchanges of one --session become one.
    """
    if file.is_dir():
        _add_session(file, session, name, folder, yes=yes)
        return
    if session:
        raise Problem("--session is for a folder of recordings")
    found = _chats(cli, file)
    base = name or file.name.removesuffix(ENDING).removesuffix(".har").removesuffix(".flow")
    for number, recording in enumerate(found, start=1):
        try:
            case = case_of(recording)
            _show(case)
            _may_be_kept(yes=yes)
            kept = keep(case, folder, base if len(found) == 1 else f"{base}-{number}")
        except RecordingProblem as problem:
            raise Problem(str(problem)) from None
        out(f"kept as {kept}")


def _may_be_kept(*, yes: bool) -> None:
    """Raises Problem where the person does not want it."""
    if not yes and not click.confirm("Keep it as a case? Its words will stand in the project."):
        raise Problem("nothing was kept")


def _add_session(records: Path, session: str | None, name: str | None, folder: Path, *, yes: bool) -> None:
    """Raises Problem."""
    found = sessions_in(load_recordings((records,)))
    if session not in found:
        known = ", ".join(f"{one} ({len(recordings)} exchanges)" for one, recordings in found.items())
        raise Problem(f"name a session of {records} with --session; it has: {known or 'none'}")
    try:
        case = session_case(found[session])
        out(f"replaced in it: {case.replaced}", *case.left_out)
        for number, recording in enumerate(case.recordings, start=1):
            said = " ".join(delivered_lines(recording))
            out(f"exchange {number}: {recording.model} {recording.outcome}: {shown(said, 100)}")
        if case.differs:
            out("today's adapters read it differently than it was delivered then; the case will fail until they do:")
            out(*(f"    {line}" for line in case.differs))
        _may_be_kept(yes=yes)
        kept = keep(case, folder, name or f"session-{session}")
    except RecordingProblem as problem:
        raise Problem(str(problem)) from None
    out(f"kept as {kept}")


def _show(case: Case) -> None:
    out(f"replaced in it: {case.replaced}")
    out(f"request: {case.recording.request.method} {case.recording.request.url}")
    out(f"client:  {case.recording.client_request[:2000]}")
    if case.differs:
        out("today's adapters read it differently than it was delivered then; the case will fail until they do:")
        out(*(f"    {line}" for line in case.differs))
    else:
        said = [f"    {line}" for line in delivered_lines(case.recording)]
        out("read as:", *said[:40], *(["    …"] if len(said) > 40 else []))


def _chats(cli: CliContext, file: Path) -> list[Recording]:
    """The recordings in a file: its own, or those of the chats in a HAR or flow file. Raises Problem."""
    if file.name.endswith(ENDING):
        return list(_load(file))
    found = _imported(cli, file)
    for one in found:
        if one.recording is None:
            out(f"{one.url}: {one.problem}", err=True)
    chats = [one.recording for one in found if one.recording is not None]
    if not chats:
        raise Problem(f"{file.name} holds no chat with a known site that can be read")
    return chats


def _imported(cli: CliContext, file: Path) -> list[Imported]:
    try:
        data = file.read_bytes()
    except OSError as e:
        raise Problem(f"{file} cannot be read: {e.strerror}") from None
    try:
        return import_recordings(read_exchanges(data), make_providers(cli.config()))
    except ImportProblem as problem:
        raise Problem(f"{file.name}: {problem}") from None


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--clear", is_flag=True, help="Forget all that was counted; a running gateway heeds it.")
@click.pass_obj
def drift(cli: CliContext, as_json: bool, clear: bool) -> None:
    """What the adapters met and did not know: event kinds, phases, fields, codes, by provider."""
    file = vault_path(cli.config()).with_name(FILE_NAME)
    found = Drift.load(file)
    if clear:
        _clear(file)
        count = sum(map(len, found.found.values()))
        out(f"{count} {'kind' if count == 1 else 'kinds'} forgotten" if count else "nothing unknown was counted")
        return
    if as_json:
        out_json(found.plain())
        return
    rows = [
        (provider, kind, f"{strange.count} times, last {_minute(strange.last)}, see {strange.example}")
        for provider, kinds in found.found.items()
        for kind, strange in sorted(kinds.items(), key=lambda entry: -entry[1].count)
    ]
    out(*table((), rows))
    if not found.found:
        out("nothing unknown was met")


def _minute(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(epoch_s))


def _clear(file: Path) -> None:
    """Raises Problem."""
    try:
        file.unlink(missing_ok=True)
    except OSError as e:
        raise Problem(f"{file} cannot be removed: {e.strerror or e}") from None
