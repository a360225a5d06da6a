"""`glassgate run`: starts a program of others so that it asks this gateway; its own files stay as they are."""

import difflib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from addons.app import address_file
from addons.app.configured_vault import vault_path
from addons.app.control import folder_beside
from addons.app.port import is_gateway
from addons.cli.base import CliContext, Problem, out
from addons.cli.running.keys import ProgramKey, configured_key, lent_key
from addons.cli.running.launch import Ended, Signals, run, temporary_folder, write_files
from addons.cli.running.models import ServedModel, named_model, usual_model
from addons.cli.running.printed import STAND_IN, lines
from addons.cli.running.program import Program, Setting, environment
from addons.cli.running.programs import NOT_SERVED, OTHER_NAMES, PROGRAMS
from addons.config.configuration import Config
from addons.words.commands import start

_BY_NAME: Final = {program.name: program for program in PROGRAMS}


@dataclass(frozen=True, slots=True)
class _Gateway:
    config: Config
    url: str


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option("--model", help="The model; else one that the gateway serves now and the program likes.")
@click.option("--print", "only_print", is_flag=True, help="Show what it would be started with, without the key.")
@click.argument("program", metavar="PROGRAM")
@click.argument("words", metavar="[-- ARGS…]", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def run_program(cli: CliContext, program: str, words: tuple[str, ...], model: str | None, only_print: bool) -> None:
    """Start a coding agent that asks this gateway: claude, codex, opencode, aider, qwen, cline, continue, goose, crush,
    llm. `openai` and `anthropic` stand for any program with that SDK: glassgate run openai -- python my.py

    It gets what it needs in its environment, its arguments and a temporary folder; its own files stay as they are. Its
    exit status is the command's.
    """
    found = _program(program)
    words = words[1:] if words[:1] == ("--",) else words
    if only_print:
        _print(found, _gateway(cli), model, words)
        return
    command = _command(found, words)
    gateway, signals = _gateway(cli), Signals()
    try:
        with signals.handled():
            status = _run(found, gateway, model, command, words if found.command else words[1:], cli.umask, signals)
    except Ended as e:
        status = 128 + e.number
    raise SystemExit(status)


def _run(
    program: Program,
    gateway: _Gateway,
    model: str | None,
    command: str,
    words: Sequence[str],
    umask: int,
    signals: Signals,
) -> int:
    with ExitStack() as stack:
        key = stack.enter_context(_key(program, gateway))
        served = _model(program, gateway, key, model)
        folder = stack.enter_context(temporary_folder())
        setting = Setting(gateway.url, key.token, served.id, served.context, folder)
        prepared = program.prepare(setting)
        try:
            write_files(folder, prepared.files)
        except OSError as e:
            raise Problem(f"{folder} cannot be written: {e.strerror or e}") from None
        environ = environment(os.environ, program, prepared, gateway.url)
        return run([command, *prepared.arguments, *words], environ, umask, signals)


def _print(program: Program, gateway: _Gateway, model: str | None, words: Sequence[str]) -> None:
    """A key is lent for the question which models there are, where no other is known here."""
    with _key(program, gateway) as key:
        served = _model(program, gateway, key, model)
    source = f"{key.source} of {gateway.config.file}" if key.source else "any, as the gateway wants none"
    if key.lent:
        source = (
            f"a client key of {gateway.config.file}, which is not known here (the demo prints its own); "
            "to make one: `glassgate keygen --client`, put into .env as AUTH_TOKEN"
        )
    folder = Path(f"glassgate-{program.name}").absolute()
    setting = Setting(gateway.url, STAND_IN, served.id, served.context, folder)
    out(*lines(program, setting, program.prepare(setting), source, words))


def _program(name: str) -> Program:
    """Raises Problem with near names."""
    small = name.casefold()
    if (found := _BY_NAME.get(OTHER_NAMES.get(small, small))) is not None:
        return found
    if (why := NOT_SERVED.get(small)) is not None:
        raise Problem(why)
    near = difflib.get_close_matches(small, _BY_NAME, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" It knows: {', '.join(_BY_NAME)}."
    other = "Any other that has the OpenAI or the Anthropic SDK: glassgate run openai -- PROGRAM"
    raise Problem(f"`run` knows no program {name!r}.{hint}", other)


def _command(program: Program, words: Sequence[str]) -> str:
    """The path of what is started. Raises Problem."""
    name = program.command or next(iter(words), "")
    if not name:
        raise Problem(f"name the program behind `--`: glassgate run {program.name} -- python my.py")
    if (found := shutil.which(name)) is not None:
        return found
    missing = f"there is no program {name!r} on the PATH"
    if not program.install:
        raise Problem(missing)
    raise Problem(f"{program.title} is not installed: {missing}", f"install it: {program.install}")


def _gateway(cli: CliContext) -> _Gateway:
    """The gateway that runs with this configuration. Raises Problem."""
    try:
        config = cli.needing(without={"providers"}).config()
    except Problem:  # its keys may be known where the gateway was started, and not here
        config = cli.needing(without={"providers", "auth"}).config()
    said = address_file.find(vault_path(config).parent, config.file)
    # Plain http, which this machine's programs may speak: each of them trusts other certificates, and few of them ours.
    plain = said.replace("https://", "http://", 1) if said else None
    for url in dict.fromkeys(filter(None, (plain, config.sections.listen.plain_url))):
        if is_gateway(url):
            return _Gateway(config, url)
    raise Problem(f"no gateway runs with {cli.file}; start it: {start()}")


@contextmanager
def _key(program: Program, gateway: _Gateway) -> Iterator[ProgramKey]:
    own = configured_key(gateway.config, gateway.url)
    folder = folder_beside(vault_path(gateway.config))
    with nullcontext(own) if own else lent_key(folder, gateway.config.file, program.name) as key:
        yield key


def _model(program: Program, gateway: _Gateway, key: ProgramKey, name: str | None) -> ServedModel:
    if name is None:
        return usual_model(gateway.url, key.token, program.prefers)
    return named_model(gateway.url, key.token, name)
