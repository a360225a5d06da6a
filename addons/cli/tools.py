"""Small commands: models, keys, the sandbox, where it would listen."""

import asyncio
import base64
import secrets
import sys
from pathlib import Path
from typing import Any

import click

from addons.app.rules import features_of
from addons.app.unserved_names import unserved
from addons.cli.base import CliContext, Problem, out, out_json
from addons.cli.records import load_recordings
from addons.cli.serve import listener
from addons.config.providers import make_providers
from addons.dialects.openai.models import model_object
from addons.ingress.endpoints import as_served
from addons.routing.models import Models
from addons.words.table import table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as GET /v1/models gives it.")
@click.pass_obj
def models(cli: CliContext, as_json: bool) -> None:
    """The public models of the configured providers."""
    config = cli.config()
    aliases, providers = config.sections.models.aliases, make_providers(config)
    index = Models(providers, aliases)()
    out(*(f"glassgate: {one.words}" for one in unserved(config, index, providers)), err=True)
    if as_json:
        toolless = {name for name, own in features_of(config).items() if not own.tools}
        told = [as_served(index.find(model.id)[0], toolless) for model in index.models()]
        out_json({"object": "list", "data": [model_object(model, 0) for model in told]})
        return
    served = [
        (model.id, f"({', '.join(route.provider for route in index.find(model.id))})") for model in index.models()
    ]
    named = [
        (alias, f"→ {target}{'' if index.find(alias) else '  (nobody serves it)'}") for alias, target in aliases.items()
    ]
    out(*table((), served), *table((), named))
    listed = {route.provider for model in index.models() for route in index.find(model.id)}
    for name in providers:
        if name not in listed:
            out(
                f"{name}: its models are those of its own list, which the running gateway gives at GET /v1/models",
                err=True,
            )


@click.command()
@click.option("--client", is_flag=True, help="A key for clients (AUTH_TOKEN) instead of one for the vault.")
def keygen(client: bool) -> None:
    """Print a fresh key: for SESSION_ENCRYPTION_KEY, or with --client for AUTH_TOKEN."""
    if client:
        out(f"sk-glassgate-{secrets.token_urlsafe(32)}")
    else:
        out(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())


@click.command()
@click.option("--site", "sites", multiple=True, help="Only this site (may be given again).")
@click.option("--port-base", type=int, default=0, help="First port; 0 takes free ones.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the sites are up.")
@click.option(
    "--replay",
    "recorded",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A recording or a folder of them: they answer in the place of their sites (may be given again).",
)
@click.option("--slip", default="", help="How the models go wrong: a name of docs/sandbox.md, or `any`.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Of --replay; times faster, 0: at once.")
def sandbox(
    sites: tuple[str, ...], port_base: int, as_json: bool, recorded: tuple[Path, ...], speed: float, slip: str
) -> None:
    """Run stand-ins of the sites on loopback, for trying out and testing, until Ctrl-C."""
    from addons.recordings.replay_site import replay_sites  # only this command needs the sites
    from providers.sandbox.models.slips import ANY, NAMES
    from providers.sandbox.run import SITES, run

    if slip not in ("", ANY, *NAMES):
        raise Problem(f"there is no slip {slip!r}. Known: {ANY}, {', '.join(NAMES)}.")
    unknown = [site for site in sites if site not in SITES]
    if unknown:
        raise Problem(f"there is no sandbox site {unknown[0]!r}. Known: {', '.join(SITES)}.")

    def announce(sites_up: dict[str, Any]) -> None:
        if as_json:
            out_json(sites_up)
            sys.stdout.flush()
            return
        sessions = sites_up["sessions"]
        rows = [(name, url, _key_of(sessions.get(name, {}))) for name, url in sites_up["base_urls"].items()]
        out(*table((), rows))
        if any("api_key" not in session for session in sessions.values()):
            out("sessions of the other sites, to be stored in a vault: glassgate sandbox --json", err=True)

    own = replay_sites(load_recordings(recorded), speed) if recorded else {}
    try:
        asyncio.run(run(sites or tuple(() if own else SITES), port_base, announce, own, slip))
    except OSError as e:
        raise Problem(f"a sandbox site cannot listen ({e.strerror or e}); --port-base names another port") from None


def _key_of(session: dict[str, Any]) -> str:
    """The key that an API of the sandbox takes, which is made up anew at each start; empty for a web session."""
    return f"key {session['api_key']}" if "api_key" in session else ""


@click.command(hidden=True)
@click.option("--host", help="In the place of listen.host.")
@click.option("--port", type=int, help="In the place of listen.port.")
@click.option("--web-port", type=int, help="mitmweb's port.")
@click.pass_obj
def listen(cli: CliContext, host: str | None, port: int | None, web_port: int | None) -> None:
    """The listener of the checked configuration: host, port. Exit status 1 when it is in use."""
    out(" ".join(map(str, listener(cli, host, port, web_port))))
