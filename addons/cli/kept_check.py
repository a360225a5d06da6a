"""What doctor says of the items that are kept for clients between their requests."""

from collections.abc import Iterator

from addons.cli.checks import Finding
from addons.config.configuration import Config
from addons.kept.files import KeptFolder
from addons.vault.errors import VaultError


def check_kept(config: Config, folder: KeptFolder, *, sealed: bool) -> Iterator[Finding]:
    """The finding about what is kept for clients between their requests; `sealed`: there is a vault to seal it with."""
    if not config.sections.kept.mb:
        yield Finding("kept", "ok", "nothing is kept for clients (kept.mb is 0)")
        return
    if not sealed:
        yield Finding("kept", "ok", "without a vault what is kept for clients ends with the gateway")
        return
    try:
        found = folder.count()
    except (VaultError, OSError) as e:
        words, _, fix = str(e).partition("; run: ")
        yield Finding("kept", "warning", f"what is kept for clients ends with the gateway: {words}", fix)
        return
    if found.aside:
        words = f"{found.aside} damaged files in {folder.path} were put aside: what they kept is lost"
        yield Finding("kept", "warning", words, f"remove what ends with .damaged from {folder.path}")
    yield Finding("kept", "ok", f"items kept for clients: {found.files}, of {found.size // 1024} KB, in {folder.path}")
