"""`glassgate reload`: a running gateway takes its configuration up now, and says what came of it."""

import secrets
import time
from pathlib import Path

import click

from addons.app import address_file
from addons.app.configured_vault import vault_path
from addons.app.port import is_gateway
from addons.app.reload_requests import ReloadAnswer, answer_to, ask, forget
from addons.cli.base import CliContext, Problem, note_done, out
from addons.config.file_reading import FileProblem, read_text
from addons.config.schema import VaultSettings
from addons.config.variables import substituted
from addons.config.yaml_reading import YamlProblem, read_yaml
from addons.words.commands import start

PATIENCE_S = 30.0
"""The gateway looks every two seconds; reading a file may take its time."""
UNSEEN_S = 5.0
"""Where no gateway answers at the address one has left: one that is too busy to answer still gets two looks."""
LOOK_S = 0.1


@click.command()
@click.pass_obj
def reload(cli: CliContext) -> None:
    """Have the running gateway take its configuration up now, whatever it makes of SIGHUP.

    Exit status 0 when it is in force, 1 when the gateway refused it (the one from before stays) or none answers.
    """
    folder = _folder(cli)
    if not folder.is_dir():
        raise Problem(f"there is no folder {folder}: no gateway runs with {cli.file}")
    question = secrets.token_hex(16)
    try:
        ask(folder, cli.file.absolute(), question)
        answer = _wait(folder, question, PATIENCE_S if _is_seen(folder, cli.file) else UNSEEN_S)
        forget(folder)
    except OSError as e:
        raise Problem(f"the gateway cannot be asked: {e.strerror or e}") from None
    if answer is None:
        raise Problem(f"no gateway that runs with {cli.file} has answered; start it: {start()}")
    note_done(folder, "reload", answer="in force" if answer.done else "refused")
    if not answer.done:
        refused = "the gateway refused the configuration; the one from before stays in force:"
        raise Problem(refused, *answer.said.splitlines())
    out(*answer.said.splitlines())


def _is_seen(folder: Path, file: Path) -> bool:
    url = address_file.find(folder, file.absolute())
    return url is not None and is_gateway(url)


def _wait(folder: Path, question: str, patience_s: float) -> ReloadAnswer | None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if (answer := answer_to(folder, question)) is not None:
            return answer
        time.sleep(LOOK_S)
    return None


def _folder(cli: CliContext) -> Path:
    """The vault's folder, where a gateway listens. The file may be broken just now: the gateway is to say so."""
    try:
        return vault_path(cli.config()).parent
    except Problem as problem:
        try:
            raw = read_yaml(read_text(cli.file).text).value
        except (FileProblem, YamlProblem):
            kept = "a gateway that runs keeps what was in force before, and takes the file up once it is mended"
            raise Problem(*problem.message.splitlines(), kept) from None
    vault = raw.get("vault") if isinstance(raw, dict) else None
    named = vault.get("path") if isinstance(vault, dict) else None
    path = substituted(named, lambda name, default: default or "") if isinstance(named, str) else ""
    return (cli.file.absolute().parent / (path or VaultSettings().path)).parent
