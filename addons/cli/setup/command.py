"""The command `glassgate setup`: asks a few questions, or takes flags; run again it harms nothing."""

from dataclasses import dataclass
from pathlib import Path

import click

from addons.cli.base import CliContext, Problem, out
from addons.cli.serve import read_port
from addons.cli.setup.files import place_of
from addons.cli.setup.providers import Wanted, api_names, chosen, site_names
from addons.cli.setup.takeover import Takeover, TakeoverProblem, original_files, take_over
from addons.cli.setup.work import Work
from addons.vault import prompt as terminal
from addons.words.commands import serves


@dataclass(frozen=True, slots=True)
class _Flags:
    """What the command line says, before anybody is asked."""

    provider: str | None
    base_url: str | None
    models: tuple[str, ...]
    account: str
    keyless: bool
    ask: bool


@click.command()
@click.option(
    "--provider", help="An official API (deepseek, openai …), web:SITE (web:zai …), or any name with --base-url."
)
@click.option("--base-url", help="The address of an API of the OpenAI form that is not known here.")
@click.option(
    "--model", "models", multiple=True, help="A model of that API, where it has no list (may be given again)."
)
@click.option("--account", default="main", show_default=True, help="The account's name.")
@click.option("--key-stdin", is_flag=True, help="Read the API's key from stdin (one line).")
@click.option("--no-key", "keyless", is_flag=True, help="The API wants no key.")
@click.option("--replace-key", is_flag=True, help="Put the key in the place of one that is stored.")
@click.option("--port", callback=read_port, help="The port that the gateway listens on (8080).")
@click.option(
    "--take-over",
    "original",
    type=click.Path(path_type=Path),
    help="A config/providers.json of the original design, with the .env beside its folder.",
)
@click.option("--no-proof", is_flag=True, help="Do not ask the provider whether the key is right.")
@click.option("--yes", is_flag=True, help="Ask nothing: what no flag says is left out.")
@click.pass_obj
def setup(
    cli: CliContext,
    provider: str | None,
    base_url: str | None,
    models: tuple[str, ...],
    account: str,
    key_stdin: bool,
    keyless: bool,
    replace_key: bool,
    port: int | None,
    original: Path | None,
    no_proof: bool,
    yes: bool,
) -> None:
    """Make keys and a configuration, add an API's key, prove it. Run again it adds, and overwrites nothing unasked.

    Exit status 0 when all is set up and the provider took the key, else 1.
    """
    if not (yes or terminal.can_ask()):
        raise Problem("there is no terminal to ask at: say all with flags, and --yes")
    flags, place = _Flags(provider, base_url, models, account, keyless, not yes), place_of(cli)
    taken = _taken_over(flags, place.config.parent, original)
    out(*taken.said)  # before anything else can be amiss
    wanted = _wanted(flags, anything=bool(taken.providers) or place.config.exists())
    serves(place.config)
    work = Work(place, ask=flags.ask, key_stdin=key_stdin, replace_key=replace_key, prove=not no_proof)
    work.make_env(taken)
    work.make_config(taken.providers, wanted, port)
    serves(place.config)  # once more: by now it may be the usual one, which lines need not name
    well = wanted is None or work.add_key(wanted)
    work.conclude(taken, wanted, well)
    raise SystemExit(0 if well else 1)


def _taken_over(flags: _Flags, folder: Path, original: Path | None) -> Takeover:
    """Raises Problem."""
    if original is None and flags.ask and (found := original_files(folder) or original_files(Path.cwd())):
        original = found if click.confirm(f"Take over {found} and the .env of its project?", default=True) else None
    if original is None:
        return Takeover()
    try:
        return take_over(original / "config" / "providers.json" if original.is_dir() else original)
    except TakeoverProblem as e:
        raise Problem(str(e)) from None


def _wanted(flags: _Flags, *, anything: bool) -> Wanted | None:
    """The provider to add; None where none is wanted. `anything`: whether there is one without it. Raises Problem."""
    word = flags.provider
    if word is None and flags.ask:
        out(f"Official APIs: {', '.join(api_names())}.")
        out(f"With a web session: {', '.join(f'web:{name}' for name in site_names())}.")
        none = " (empty: none more)" if anything else ""
        word = click.prompt(f"Which one is to be added?{none}", default="" if anything else None, show_default=False)
    if not word:
        if not anything:
            raise Problem("a gateway wants a provider: --provider NAME")
        return None
    return chosen(word.strip(), flags.account, flags.base_url, flags.models, keyless=flags.keyless)
