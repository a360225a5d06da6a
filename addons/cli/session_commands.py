"""`glassgate sessions` with all its commands, of which some are what a file of their own is about."""

from addons.cli.session_import import import_session
from addons.cli.sessions import sessions
from addons.cli.upkeep import prune

sessions.add_command(import_session)
sessions.add_command(prune)

__all__ = ["sessions"]
