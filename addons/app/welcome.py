"""What a gateway says of itself when it is ready: where it is, what it serves, how to try it. Pure."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from addons.accounts.report import CAN_SERVE, AccountLine
from addons.words.commands import command
from addons.words.shown import shown

QUIET_START: Final = "GLASSGATE_QUIET_START"
"""Set in the environment by who has told all this already (the demo): then the first line is enough."""
ALIASES_SHOWN: Final = 8
ACCOUNTS_SHOWN: Final = 8


def welcome(
    version: str,
    base_url: str,
    config: Path,
    accounts: Sequence[AccountLine],
    models: Sequence[str],
    aliases: Mapping[str, str],
    *,
    inspector: str = "",
    resting: int = 0,
    keyless: bool = False,
    key_file: Path | None = None,
    has_usual_key: bool = True,
    here: str = "",
) -> str:
    """The start message. `models` are the names that can be served; without `keyless` a client key is wanted.

    `resting`: how many addons of mitmproxy's are not called, since they would do nothing. `key_file`: the .env file
    that has the key, where the shell has it not. `has_usual_key`: AUTH_TOKEN is one of the client keys.
    `here`: the base URL for programs of this machine, which may speak plain http.
    """
    well = [line for line in accounts if line.state in CAN_SERVE]
    out = [f"{line.provider}/{line.account} is {line.state.value}" for line in accounts if line not in well]
    asked = not models and well  # an API that is known by its own list alone
    told = "the lists of the APIs are being asked for" if asked else f"{len(models)}"
    rows = [("base URL", base_url), ("config", str(config)), ("models", f"{told} (GET /v1/models lists them)")]
    if aliases:
        rows.append(("aliases", _few([f"{name} → {target}" for name, target in aliases.items()], ALIASES_SHOWN)))
    if out:
        rows.append(("not", _few(out, ACCOUNTS_SHOWN)))
    if inspector:
        rows.append(("inspector", inspector))
    if resting:
        rows.append(("lean", f"{resting} addons of mitmproxy's rest until an option of theirs is set"))
    curl = _curl(here or base_url, models[0], keyless, key_file, has_usual_key) if models else ""
    if models:
        rows.append(("agents", f"{command('run', 'claude')}   (or codex, opencode, aider, qwen …)"))
    if not asked:
        rows.append(("try", curl or f"{command('doctor')} says what is missing"))
    first = f"Glassgate {version} is ready: {len(well)} of {len(accounts)} accounts can serve"
    return "\n".join([first, *(shown(f"  {name:<9}  {value}") for name, value in rows)])


def _few(words: list[str], most: int) -> str:
    more = f", and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def _curl(base_url: str, model: str, keyless: bool, key_file: Path | None, has_usual_key: bool) -> str:
    """A line to paste; the key is one of the client keys, and stands in no log."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]}, ensure_ascii=False)
    key = "" if keyless else ' --oauth2-bearer "$AUTH_TOKEN"'  # spelled so, the cleaner of logs sees no key in it
    quoted = body.replace("'", "'\\''")
    line = f"curl {base_url}/chat/completions{key} -d '{quoted}'"
    if not (keyless or has_usual_key):
        return line.replace("$AUTH_TOKEN", "$KEY", 1) + "  # KEY: one of the client keys"
    return line if key_file is None or keyless else f"(. {shlex.quote(str(key_file.absolute()))}; {line})"
