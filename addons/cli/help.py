"""What --help shows beside the commands' own words: examples of each, and lists of commands whose words are not cut."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import click

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("setup", "serve", "doctor --online", "status --config other.yaml", "keys add ada --rpm 30"),
    "serve": ("serve", "serve --port 8081", "serve -- --set flow_detail=2"),
    "web": ("web", "web --web-port 9090"),
    "console": ("console",),
    "demo": ("demo", "demo --web", "demo --port 8081"),
    "setup": (
        "setup",
        "setup --yes --provider deepseek --key-stdin < key.txt",
        "setup --yes --provider near --base-url http://127.0.0.1:11434/v1 --no-key",
        "setup --take-over ../old/config/providers.json",
    ),
    "capture": ("capture zai", "capture qwen main --no-browser"),
    "login": ("login k2think", "login k2think main"),
    "keys": ("keys add ada --rpm 30 --budget 5.00/month", "keys list", "keys revoke ada"),
    "keys add": (
        "keys add ada",
        "keys add ada --models 'GLM-*,qwen-*' --rpm 30 --tokens-per-day 2M",
        "keys add guest --budget 5.00/month --expires 90d --note 'of the workshop'",
    ),
    "keys list": ("keys list", "keys list --json"),
    "keys show": ("keys show ada",),
    "keys edit": ("keys edit ada --rpm 60", "keys edit ada --expires none"),
    "keys rotate": ("keys rotate ada", "keys rotate ada --grace 1h"),
    "keys revoke": ("keys revoke ada",),
    "sessions": ("sessions list", "sessions add deepseek main --api-key-stdin < key.txt"),
    "sessions add": (
        "sessions add deepseek main --api-key-stdin < key.txt",
        "sessions add zai main --token-stdin",
        "sessions add qwen main --from-json session.json",
    ),
    "sessions list": ("sessions list", "sessions list --json"),
    "sessions remove": ("sessions remove zai main",),
    "sessions import": ("sessions import chat.z.ai.har", "sessions import -"),
    "sessions prune": ("sessions prune --dry-run", "sessions prune"),
    "accounts": ("accounts", "accounts --json", "accounts reset zai"),
    "accounts reset": ("accounts reset", "accounts reset zai main"),
    "usage": ("usage", "usage --by model --since 7d", "usage --by day --since 2026-11-01 --csv > usage.csv"),
    "usage forget": ("usage forget ada",),
    "doctor": ("doctor", "doctor --online", "doctor --json"),
    "config": ("config check", "config schema > config.schema.json"),
    "config check": ("config check", "config check --config other.yaml"),
    "config schema": ("config schema > config.schema.json",),
    "status": ("status", "status --url http://127.0.0.1:8081 --json"),
    "reload": ("reload",),
    "backup": ("backup glassgate.backup", "backup --with-env /mnt/safe/glassgate.backup"),
    "restore": ("restore glassgate.backup", "restore --yes glassgate.backup"),
    "run": ("run claude", "run --model GLM-4.6 codex", "run openai -- python my.py"),
    "vault": ("vault info", "vault check"),
    "vault init": ("vault init", "vault init --kdf scrypt"),
    "vault check": ("vault check", "vault check --accept-rollback"),
    "vault info": ("vault info", "vault info --json"),
    "vault rotate-passphrase": ("vault rotate-passphrase", "vault rotate-passphrase --new-key-file new.key"),
    "vault rotate-key": ("vault rotate-key",),
    "vault add-slot": ("vault add-slot", "vault add-slot --key-file second.key"),
    "vault remove-slot": ("vault remove-slot 3f2a",),
    "models": ("models", "models --json"),
    "record": ("record", "record on --folder recordings", "record off"),
    "replay": ("replay recordings", "replay --check recordings"),
    "cases": ("cases add recordings/one.glass.json",),
    "cases add": ("cases add recordings/one.glass.json --name thinking", "cases add recordings --session 3f2a"),
    "drift": ("drift", "drift --clear"),
    "keygen": ("keygen", "keygen --client"),
    "sandbox": ("sandbox", "sandbox --site zai --port-base 9000"),
}
"""By a command's words: lines to type behind `glassgate`."""
_SENTENCE: Final = re.compile(r"[^.\n]{1,400}(?:\.(?=\S)[^.\n]{1,400}){0,20}")


def commands_in(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, by its words; the hidden ones are left out. Imports them all."""
    context = click.Context(group)
    for name in group.commands:
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield " ".join((*words, name)), command
        if isinstance(command, click.Group):
            yield from commands_in(command, (*words, name))


def below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command by its name, and all that are below it by their words."""
    yield name, command
    if name and isinstance(command, click.Group):
        yield from commands_in(command, (name,))


def dress(name: str, command: click.Command) -> None:
    """Gives a command and those below it their examples, and their first sentence as the one line of lists. Those below
    the nameless one, which is all of Glassgate, are dressed when they are called."""
    for words, one in below(name, command):
        if lines := EXAMPLES.get(words):
            examples = "\n".join(f"  glassgate {line}" for line in lines)
            one.epilog = f"\b\nExamples:\n{examples}"
        if one.help and not one.short_help:
            one.short_help = first_sentence(one.help)


def first_sentence(text: str) -> str:
    """The first sentence of a command's words, in one line and without its stop."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    found = _SENTENCE.match(paragraph)
    return found[0] if found else paragraph
