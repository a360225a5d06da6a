"""The proof that what was set up works: the provider is asked once, as `doctor --online` asks it."""

import asyncio
from dataclasses import replace

from addons.app.runtime import Running
from addons.cli import checks
from addons.cli.checks import Finding
from addons.config.schema import Config
from addons.transport.httpx_carrier import HttpxCarrier
from addons.vault.store import Vault


def proof(config: Config, vault: Vault | None, provider: str) -> tuple[bool, list[Finding]]:
    """Whether a request to the provider can succeed, and what was found out."""
    alone = replace(config, providers=tuple(one for one in config.providers if one.name == provider))
    refused: set[str] = set()
    findings = asyncio.run(_ask(alone, vault, refused))
    return not refused, findings


async def _ask(config: Config, vault: Vault | None, refused: set[str]) -> list[Finding]:
    async with HttpxCarrier() as carrier:
        running = Running(config, vault, carrier)
        try:
            return await checks.ask_sites(running, refused)
        finally:
            await running.close()
