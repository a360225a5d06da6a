"""The proof that what was set up works: the provider is asked once, as `doctor --online` asks it."""

import asyncio
from dataclasses import replace

from addons.cli import checks
from addons.cli.checks import Finding
from addons.config.configuration import Config
from addons.vault.store import Vault


def proof(config: Config, vault: Vault | None, provider: str) -> tuple[bool, list[Finding]]:
    """Whether a request to the provider can succeed, and what was found out."""
    alone = replace(config, providers=tuple(one for one in config.providers if one.name == provider))
    refused: set[str] = set()
    findings = asyncio.run(checks.ask_all_sites(alone, vault, refused))
    return not refused, findings
